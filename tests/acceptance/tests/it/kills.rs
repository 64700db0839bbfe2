//! SIGKILL in the middle of an apply: afterwards the objects are exactly the declared ones, the plan is
//! empty, and destroy leaves none.
//!
//! The world holds its replies back after it has committed, so that many kills fall between an effect
//! and its answer. Each seed is one kill; the seeds of a world run side by side, since most of their
//! time is waiting.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use terrarium_support::{Run, Server, Terrarium, Workdir};

const KILLS: usize = 50;
/// Kills of an apply that makes what takes several calls.
const WHOLE_KILLS: usize = 40;
/// Kills of the engine with a planted fault; most of them are noticed.
const PLANTED_KILLS: usize = 12;
/// Seeds that run at a time.
const WORKERS: usize = 4;
/// The latest instant of a kill: an undisturbed apply has then made its objects, and waits for boots.
const LATEST_KILL_MS: u64 = 4_000;
/// The same where nothing boots.
const LATEST_WHOLE_KILL_MS: u64 = 2_000;

/// A type of each kind that can be lost.
const EACH: &str = include_str!("../data/kills.tf");
/// What is made by several calls: tags, default rules that go, a gateway that comes later. No read of a plan
/// tells that default rules stayed; how many rules there are does.
const WHOLE: &str = include_str!("../data/kills_whole.tf");

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

/// What one kill came to.
enum Came {
    /// Everything in order; whether the kill fell into the middle.
    Right { halfway: bool },
    /// Something is lost or double: the story.
    Wrong(String),
}

fn delays(seed: usize) -> String {
    format!(r#"{{"reply_after":{{"min_ms":50,"max_ms":500,"seed":{seed}}}}}"#)
}

const PROMPT: &str = r#"{"reply_after":null}"#;

/// Spreads the seeds evenly over the time of an apply.
fn kill_after(play: Play<'_>, seed: usize) -> Duration {
    let latest = if play.config == WHOLE { LATEST_WHOLE_KILL_MS } else { LATEST_KILL_MS };
    let spread = (seed as u64).wrapping_mul(2_654_435_761) % latest;
    Duration::from_millis(100 + spread)
}

/// What is killed, and in which world.
#[derive(Clone, Copy)]
struct Play<'p> {
    world: World,
    program: Option<&'p str>,
    config: &'p str,
}

/// Kills one apply, and lets the next commands bring everything in order.
fn one_kill(play: Play<'_>, seed: usize, expected: &Inventory) -> Came {
    let Play { world, program, config } = play;
    let dir = Workdir::with(config);
    let server = Server::start(dir.path(), "60", &delays(seed));
    let (terrarium, server) = match world {
        World::Served => (Terrarium::on_server(dir.path(), &server.url()), Some(server)),
        World::Embedded => {
            drop(server);
            (Terrarium::on_testbed(dir.path()), None)
        }
    };
    let terrarium = match program {
        Some(program) => terrarium.program(program),
        None => terrarium,
    };
    let mut apply = terrarium.spawn(&["apply", "-auto-approve"]);
    thread::sleep(kill_after(play, seed));
    let ended = apply.try_wait().expect("a child").is_some();
    apply.kill().expect("a child");
    apply.wait().expect("a child");
    match &server {
        Some(server) => server.set(PROMPT),
        None => drop(Server::start(dir.path(), "0", PROMPT)),
    }
    let left = inventory(&list(&terrarium, server.as_ref()));
    let wrong = |what: &str, found: &Inventory, run: &Run| {
        let after = kill_after(play, seed);
        let (code, out, err) = (run.code, &run.stdout, &run.stderr);
        Came::Wrong(format!(
            "{what}, seed {seed}, killed after {after:?} with {left:?}, now {found:?}, code {code:?}\n{out}\n{err}"
        ))
    };
    let again = terrarium.run(&["apply", "-auto-approve"]);
    let found = inventory(&list(&terrarium, server.as_ref()));
    if again.code != Some(0) || found != *expected {
        return wrong("the next apply does not mend it", &found, &again);
    }
    let plan = terrarium.run(&["plan", "-detailed-exitcode"]);
    if plan.code != Some(0) {
        return wrong("the plan is not empty", &found, &plan);
    }
    let destroy = terrarium.run(&["destroy", "-auto-approve"]);
    let rest = inventory(&list(&terrarium, server.as_ref()));
    if destroy.code != Some(0) || !rest.is_empty() {
        return wrong("destroy leaves something", &rest, &destroy);
    }
    Came::Right { halfway: !ended && !left.is_empty() && left != *expected }
}

fn list(terrarium: &Terrarium, server: Option<&Server>) -> String {
    match server {
        Some(server) => server.get("/testbed/objects"),
        None => terrarium.ok(&["testbed", "list", "-json"]),
    }
}

fn undisturbed(config: &str) -> Inventory {
    let dir = Workdir::with(config);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    inventory(&terrarium.ok(&["testbed", "list", "-json"]))
}

/// Runs many kills side by side, and returns what they came to.
fn kills(play: Play<'_>, count: usize) -> Vec<Came> {
    let expected = undisturbed(play.config);
    assert!(expected.len() > 6, "{expected:?}");
    let next = AtomicUsize::new(0);
    let came = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        break;
                    }
                    let one = one_kill(play, seed, &expected);
                    came.lock().expect("no worker panicked").push(one);
                }
            });
        }
    });
    came.into_inner().expect("no worker panicked")
}

fn survive(world: World, config: &str, count: usize) {
    let mut halfway = 0;
    for came in kills(Play { world, program: None, config }, count) {
        match came {
            Came::Right { halfway: hit } => halfway += usize::from(hit),
            Came::Wrong(story) => panic!("{story}"),
        }
    }
    // How many fall into the middle depends on the machine; that some do makes this a test.
    println!("{count} kills, {halfway} of them with some objects made and others not");
    assert!(
        halfway >= count / 10,
        "only {halfway} of {count} kills fell into the middle of an apply"
    );
}

#[test]
fn an_embedded_world_survives_kills() {
    survive(World::Embedded, EACH, KILLS);
}

#[test]
fn a_served_world_survives_kills() {
    survive(World::Served, EACH, KILLS);
}

#[test]
fn what_is_made_by_several_calls_survives_kills_between_them() {
    survive(World::Served, WHOLE, WHOLE_KILLS);
}

#[test]
fn an_engine_that_writes_no_intents_is_caught() {
    let program = env!("CARGO_BIN_EXE_terrarium-forgetful");
    let play = Play { world: World::Served, program: Some(program), config: EACH };
    let wrong = kills(play, PLANTED_KILLS).into_iter();
    let wrong = wrong.filter(|came| matches!(came, Came::Wrong(_))).count();
    println!("{wrong} of {PLANTED_KILLS} kills of the forgetful engine were noticed");
    assert!(wrong > 0, "the kill test can't fail");
}
