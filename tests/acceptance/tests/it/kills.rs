//! SIGKILL in the middle of an apply: afterwards the objects are exactly the declared ones, the plan is
//! empty, and destroy leaves none.
//!
//! The world holds its replies back after it has committed, so that many kills fall between an effect
//! and its answer. Each seed is one kill; the seeds of a world run side by side, since most of their
//! time is waiting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use terrarium_support::{Server, Terrarium, Workdir};

const KILLS: usize = 50;
/// Seeds that run at a time.
const WORKERS: usize = 4;
/// The latest instant of a kill; an undisturbed apply takes about as long.
const LATEST_KILL_MS: u64 = 5_000;

/// Objects by type and name, with how many there are of each.
type Inventory = BTreeMap<(String, String), usize>;

fn inventory(json: &str) -> Inventory {
    let parsed: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let mut found = Inventory::new();
    for object in parsed["objects"].as_array().expect("a list") {
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        // An address has its number for a name, which differs from run to run.
        let name = if text("type").contains("floating") { String::new() } else { text("name") };
        *found.entry((text("type"), name)).or_default() += 1;
    }
    found
}

/// Where the world is while the engine is killed.
#[derive(Clone, Copy, PartialEq)]
enum World {
    /// In the engine's process: it dies with it.
    Embedded,
    /// In a process of its own, which lives on.
    Served,
}

fn delays(seed: usize) -> String {
    format!(r#"{{"reply_after":{{"min_ms":50,"max_ms":500,"seed":{seed}}}}}"#)
}

const PROMPT: &str = r#"{"reply_after":null}"#;

/// Spreads the seeds evenly over the time of an apply.
fn kill_after(seed: usize) -> Duration {
    let spread = (seed as u64).wrapping_mul(2_654_435_761) % LATEST_KILL_MS;
    Duration::from_millis(100 + spread)
}

/// Kills one apply, and lets the next commands bring everything in order; returns whether the kill fell
/// into the middle.
fn one_kill(world: World, seed: usize, expected: &Inventory) -> bool {
    let dir = Workdir::with(include_str!("../data/kills.tf"));
    let server = Server::start(dir.path(), "60", &delays(seed));
    let (terrarium, server) = match world {
        World::Served => (Terrarium::on_server(dir.path(), &server.url()), Some(server)),
        World::Embedded => {
            drop(server);
            (Terrarium::on_testbed(dir.path()), None)
        }
    };
    let mut apply = terrarium.spawn(&["apply", "-auto-approve"]);
    thread::sleep(kill_after(seed));
    let ended = apply.try_wait().expect("a child").is_some();
    apply.kill().expect("a child");
    apply.wait().expect("a child");
    match &server {
        Some(server) => server.set(PROMPT),
        None => drop(Server::start(dir.path(), "0", PROMPT)),
    }
    let left = inventory(&list(&terrarium, server.as_ref()));
    let story = |what: &str, found: &Inventory| {
        format!("{what}, seed {seed}: killed after {:?} with {left:?}, now {found:?}", kill_after(seed))
    };
    let again = terrarium.run(&["apply", "-auto-approve"]);
    assert_eq!(again.code, Some(0), "{}\n{}\n{}", story("apply again", &left), again.stdout, again.stderr);
    let found = inventory(&list(&terrarium, server.as_ref()));
    assert_eq!(found, *expected, "{}\n{}", story("objects", &found), again.stdout);
    let plan = terrarium.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}\n{}\n{}", story("plan", &found), plan.stdout, plan.stderr);
    let destroy = terrarium.run(&["destroy", "-auto-approve"]);
    assert_eq!(destroy.code, Some(0), "{}\n{}\n{}", story("destroy", &found), destroy.stdout, destroy.stderr);
    let rest = inventory(&list(&terrarium, server.as_ref()));
    assert!(rest.is_empty(), "{}", story("left after destroy", &rest));
    !ended && !left.is_empty() && left != *expected
}

fn list(terrarium: &Terrarium, server: Option<&Server>) -> String {
    match server {
        Some(server) => server.get("/testbed/objects"),
        None => terrarium.ok(&["testbed", "list", "-json"]),
    }
}

fn undisturbed() -> Inventory {
    let dir = Workdir::with(include_str!("../data/kills.tf"));
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    inventory(&terrarium.ok(&["testbed", "list", "-json"]))
}

fn survive(world: World) {
    let expected = undisturbed();
    assert!(expected.len() > 8, "{expected:?}");
    let next = AtomicUsize::new(0);
    let halfway = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= KILLS {
                        break;
                    }
                    halfway.fetch_add(usize::from(one_kill(world, seed, &expected)), Ordering::Relaxed);
                }
            });
        }
    });
    let halfway = halfway.into_inner();
    println!("{KILLS} kills, {halfway} of them with some objects made and others not");
    assert!(halfway >= KILLS / 3, "only {halfway} of {KILLS} kills fell into the middle of an apply");
}

#[test]
fn an_embedded_world_survives_kills() {
    survive(World::Embedded);
}

#[test]
fn a_served_world_survives_kills() {
    survive(World::Served);
}
