//! Leases under their seeds, and planted faults that must be noticed.

use std::path::Path;

use jiff::SignedDuration;
use terrarium_simulation::{
    Command, Plant, Report, Semester, Task, Trouble, Weather, World, judge_semester,
};

/// Reads a semester of ours.
fn semester(name: &str) -> Semester {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/semesters");
    Semester::read(&data.join(name)).expect("a semester that can be read")
}

/// Judges a semester under each seed, and tells the first story that is wrong.
fn all_right(name: &str, seeds: impl IntoIterator<Item = u64>) {
    let semester = semester(name);
    for seed in seeds {
        if let Some(wrong) = judge_semester(seed, &semester, Plant::Honest).wrong {
            panic!("{wrong}");
        }
    }
}

/// Returns whether a planted fault makes one of the first seeds wrong.
fn noticed(plant: Plant) -> bool {
    let semester = semester("turns");
    (0..4).any(|seed| judge_semester(seed, &semester, plant).wrong.is_some())
}

#[test]
fn nodes_machines_and_an_address() {
    all_right("lab", 0..1);
}

#[test]
fn one_volume_in_turn() {
    all_right("turns", 0..3);
}

#[test]
fn what_others_do_and_what_fails() {
    all_right("trouble", 0..2);
}

#[test]
fn an_engine_that_forgets_its_leases_is_noticed() {
    assert!(noticed(Plant::Forgetful));
}

#[test]
fn an_engine_that_keeps_what_was_cancelled_is_noticed() {
    assert!(noticed(Plant::Stubborn));
}

#[test]
fn a_run_that_does_what_nobody_approved_is_noticed() {
    assert!(noticed(Plant::Blanket));
}

#[test]
fn an_engine_that_does_not_wait_for_its_lease_is_noticed() {
    assert!(noticed(Plant::Rosy));
}

#[test]
fn an_engine_that_takes_servers_down_before_their_new_lease_is_noticed() {
    assert!(noticed(Plant::Rude));
}

#[test]
fn nobody_is_awake() {
    all_right("unattended", 0..6);
}

/// Returns whether a fault of the loop makes one of the first seeds wrong.
fn noticed_by_nobody_awake(plant: Plant) -> bool {
    let semester = semester("unattended");
    (0..8).any(|seed| judge_semester(seed, &semester, plant).wrong.is_some())
}

#[test]
fn a_run_that_gives_up_too_early_is_noticed() {
    assert!(noticed_by_nobody_awake(Plant::Fainthearted));
}

#[test]
fn a_run_that_tries_again_without_a_rest_is_noticed() {
    assert!(noticed_by_nobody_awake(Plant::Restless));
}

#[test]
fn a_run_that_does_not_hear_that_it_is_to_stop_is_noticed() {
    assert!(noticed_by_nobody_awake(Plant::Deaf));
}

/// How many days the cloud is away.
const DAYS: i64 = 4;

/// Has a run stay while its cloud is away for days, then for the day after; returns its report.
fn days_without_a_cloud(troubles: Vec<Trouble>) -> (World, Report) {
    let semester = semester("unattended");
    let text = &semester.texts[0].replace("2026-03-05 18:00", "2026-03-08 18:00");
    let mut world = World::new(7).expect("a world").for_weeks();
    let apply = Task { text, command: Command::Apply, parallelism: 4 };
    let applied = world.run(&apply, &Weather::calm()).expect("an apply").expect("no crash");
    assert!(!applied.failed, "{applied:?}");
    let away = Weather {
        requests_one_in: 1,
        troubles,
        lasts: Some(SignedDuration::from_hours(24 * DAYS)),
        ..Weather::calm()
    };
    let until = "2026-03-08T12:00:00Z".parse().expect("an instant");
    let stay = Task { text, command: Command::Stay(until), parallelism: 4 };
    let report = world.run(&stay, &away).expect("a run").expect("no crash");
    (world, report)
}

#[test]
fn a_run_survives_days_without_its_cloud() {
    for troubles in [vec![Trouble::NotSent], vec![Trouble::Answers(503)]] {
        let (world, report) = days_without_a_cloud(troubles.clone());
        let state = world.state().expect("a state");
        assert!(state.schedule.is_empty(), "{troubles:?}: {:?}", report.said.last());
        let rounds = report.troubles;
        assert!(rounds > 250, "{troubles:?}: {rounds} rounds: it tries every quarter of an hour");
        assert!(rounds < 450, "{troubles:?}: {rounds} rounds: it rests in between");
        // Nobody else was at the state: it is read when the run begins, and after it acted.
        assert!(world.loads() < 30, "{troubles:?}: {} reads in {rounds} rounds", world.loads());
    }
}

/// Names the process that measures its own memory: others run beside it in the same one.
const ALONE: &str = "TERRARIUM_TEST_ALONE";

#[test]
fn a_run_of_days_holds_no_more_memory_than_one_of_hours() {
    let name = "semesters::a_run_of_days_holds_no_more_memory_than_one_of_hours";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().expect("this program"));
        let alone = alone.args(["--exact", name, "--test-threads=1"]).env(ALONE, "1");
        let ended = alone.output().expect("this program");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        return;
    }
    let (_, report) = days_without_a_cloud(vec![Trouble::NotSent]);
    let pages = &report.pages;
    let [early, late] = [2, pages.len().saturating_sub(1)].map(|at| pages.get(at).copied());
    let (early, late) = early.zip(late).expect("a system that tells how many pages a process has");
    // A page a round would be more.
    assert!(late < early + 100, "{pages:?}");
}
