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

/// Returns how many of a semester's first seeds a planted fault makes wrong.
fn noticed(name: &str, plant: Plant) -> usize {
    let semester = semester(name);
    (0..4).filter(|seed| judge_semester(*seed, &semester, plant).wrong.is_some()).count()
}

#[test]
fn nodes_machines_and_an_address() {
    all_right("lab", 0..2);
}

#[test]
fn one_volume_in_turn() {
    all_right("turns", 0..6);
}

#[test]
fn an_engine_that_forgets_its_leases_is_noticed() {
    assert!(noticed("turns", Plant::Forgetful) > 0);
}

#[test]
fn an_engine_that_keeps_what_was_cancelled_is_noticed() {
    assert!(noticed("turns", Plant::Stubborn) > 0);
}

#[test]
fn a_run_that_does_what_nobody_approved_is_noticed() {
    assert!(noticed("turns", Plant::Blanket) > 0);
}

#[test]
fn an_engine_that_does_not_wait_for_its_lease_is_noticed() {
    assert!(noticed("turns", Plant::Rosy) > 0);
}

#[test]
fn an_engine_that_takes_servers_down_before_their_new_lease_is_noticed() {
    assert!(noticed("turns", Plant::Rude) > 0);
}
