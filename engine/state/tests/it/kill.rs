//! Real SIGKILLs: this test binary starts itself as a writer, and is killed in the middle of commits.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use terrarium_state::{Durability, Location, SqliteStore, Store};

use crate::sample::{addr, objects, put, request, sqlite};

/// Names the place where the writer writes; without it the writer's test does nothing.
const PLACE: &str = "STATE_TEST_WRITER";

/// Kills of one run.
const KILLS: u64 = 25;

#[test]
fn what_was_acknowledged_survives_and_nothing_is_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::beside(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut epochs = 0;
    for kill in 0..KILLS {
        let acknowledged = write_until_killed(dir.path(), 1 + kill * 7 % 23);
        let store = sqlite(&location);
        let state = runtime.block_on(store.load()).unwrap();
        let seen = ["a.left", "a.right"].map(|address| {
            let object = state.resources[&addr(address)].current.clone().unwrap();
            object.attributes.parse::<u64>().unwrap()
        });
        assert_eq!(seen[0], seen[1], "a batch is whole");
        assert!(seen[0] >= acknowledged, "{} was acknowledged, {} is there", acknowledged, seen[0]);
        let fence = runtime.block_on(store.lock(request("after"))).unwrap();
        assert_eq!(fence.epoch, epochs + 2, "the dead holder is taken over at once");
        runtime.block_on(store.unlock(fence)).unwrap();
        epochs += 2;
    }
}

/// Starts the writer and kills it while it goes on after that many acknowledgements.
fn write_until_killed(place: &Path, acknowledgements: u64) -> u64 {
    let mut child = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::the_writer", "--nocapture", "--test-threads=1"])
            .env(PLACE, place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let committed = lines.filter_map(|line| line.unwrap().strip_prefix("committed ")?.parse().ok());
    let mut last = 0;
    for (count, number) in (1..).zip(committed) {
        last = number;
        if count == acknowledgements {
            break;
        }
    }
    drop(child);
    last
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The writer; as a test of its own it has nothing to do.
#[test]
fn the_writer() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let store = SqliteStore::open(Location::beside(Path::new(&place)), "default").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let state = store.load().await.unwrap();
        let left = state.resources.get(&addr("a.left")).and_then(|left| left.current.as_ref());
        let begin = left.map_or(1, |left| left.attributes.parse::<u64>().unwrap() + 1);
        let fence = store.lock(request(&format!("writer-{begin}"))).await.unwrap();
        for number in begin.. {
            let text = number.to_string();
            let batch = objects([put("a.left", &text), put("a.right", &text)]);
            store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
            println!("\ncommitted {number}");
        }
    });
}
