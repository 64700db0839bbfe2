//! Leases under their seeds, and planted faults that must be noticed.

use std::path::Path;

use terrarium_simulation::{Plant, Semester, judge_semester};

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
