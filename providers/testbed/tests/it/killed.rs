//! A process that serves a world is killed, again and again.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use terrarium_testbed::World;

use crate::cloud::{Cloud, stopped};

/// How the child is told its world: as a filter of tests that matches none.
const WORLD: &str = "world=";
const NAME: &str = "killed::a_killed_process_loses_nothing_that_it_answered";
const PORTS: &str = "/kvm-tacc/network/v2.0/ports";

#[test]
fn a_killed_process_loses_nothing_that_it_answered() {
    if let Some(path) = std::env::args().find_map(|arg| arg.strip_prefix(WORLD).map(str::to_owned))
    {
        return serve_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let mut answered = BTreeSet::new();
    for replies in [0, 1, 2, 5, 9, 14, 20, 27, 35, 44] {
        answered.extend(kill_after(replies, &path));
        let mut cloud = Cloud::over(World::open(&path, stopped()).expect("the world"));
        let (_, list) = cloud.call("GET", PORTS, &Value::Null);
        let there: BTreeSet<String> = list["ports"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|port| port["id"].as_str().expect("an id").to_owned())
            .collect();
        let lost: Vec<_> = answered.difference(&there).collect();
        assert!(lost.is_empty(), "answered, then lost: {lost:?}");
        let unheard = there.len() - answered.len();
        assert!(unheard <= 1, "{unheard} ports were made by one request in flight");
        answered = there;
    }
    assert!(answered.len() > 100, "the children did their work: {}", answered.len());
}

/// Starts a child, kills it after so many replies, and returns the ids that it was answered.
fn kill_after(replies: usize, path: &Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([NAME, "--exact", "--nocapture", "--skip", &format!("{WORLD}{}", path.display())])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = child.stdout.take().expect("its output");
    let mut ids = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.expect("text");
        ids.extend(line.strip_prefix("id ").map(str::to_owned));
        // Reading on to the pipe's end finds what it still wrote before the signal came.
        if (line == "open" || line.starts_with("id ")) && ids.len() == replies {
            child.kill().expect("killed");
        }
    }
    child.wait().expect("an end");
    ids
}

/// Makes ports for ever and tells each id when it is answered.
#[expect(clippy::print_stdout, reason = "the parent reads what the child prints")]
fn serve_until_killed(path: &Path) {
    let mut cloud = Cloud::over(World::open(path, stopped()).expect("the world"));
    println!("\nopen");
    let shared = "/kvm-tacc/network/v2.0/networks?name=sharednet1";
    let (_, networks) = cloud.call("GET", shared, &Value::Null);
    let body = json!({"port": {"network_id": networks["networks"][0]["id"]}});
    loop {
        let (status, port) = cloud.call("POST", PORTS, &body);
        assert_eq!(status, 201, "{port}");
        println!("id {}", port["port"]["id"].as_str().expect("an id"));
    }
}
