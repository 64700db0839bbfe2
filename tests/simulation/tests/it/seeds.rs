//! The scenarios under their seeds, and planted faults that must be noticed.

use std::fs;
use std::path::Path;

use terrarium_simulation::{Scenario, forgetful, hasty, honest, judge};

/// Reads a scenario: a folder of configurations that follow each other.
fn scenario(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder of configurations").flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let texts = files.iter().map(|file| fs::read_to_string(file.path()).expect("text"));
    Scenario::of(name, texts.collect()).expect("a scenario that works in calm weather")
}

/// Judges a scenario under each seed; all that fail are named, and the first one's story is told.
fn all_right(name: &str, seeds: std::ops::Range<u64>) {
    let scenario = scenario(name);
    let mut first = None;
    let mut failed = Vec::new();
    for seed in seeds {
        if let Some(wrong) = judge(seed, &scenario, honest).wrong {
            failed.push(seed);
            first.get_or_insert(wrong);
        }
    }
    if let Some(story) = first {
        panic!("{story}\n\n{name}: wrong under {failed:?}");
    }
}

#[test]
fn two_servers_and_a_volume() {
    all_right("pair", 0..70);
}

#[test]
fn a_way_in() {
    all_right("access", 0..70);
}

#[test]
fn a_successor_that_comes_first() {
    all_right("order", 0..70);
}

#[test]
fn the_same_seed_is_the_same_story() {
    let scenario = scenario("pair");
    for seed in 0..3 {
        assert_eq!(judge(seed, &scenario, honest).trace, judge(seed, &scenario, honest).trace);
    }
}

#[test]
fn an_engine_that_forgets_its_intents_is_noticed() {
    let scenario = scenario("pair");
    let noticed = (0..20).filter(|seed| judge(*seed, &scenario, forgetful).wrong.is_some());
    assert!(noticed.count() > 2);
}

#[test]
fn an_engine_that_calls_done_what_it_has_not_sent_is_noticed() {
    let scenario = scenario("pair");
    let noticed = (0..20).filter(|seed| judge(*seed, &scenario, hasty).wrong.is_some());
    assert!(noticed.count() > 2);
}
