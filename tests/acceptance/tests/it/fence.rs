//! A holder that was stopped, lost its lock, and goes on: what it was about to send does not leave.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use terrarium_support::{Run, Server, Terrarium, Workdir};

/// Groups with a description of their own: nothing in them carries a marker, so that a second one would
/// be nobody's.
const GROUPS: &str = r#"
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.51.1"
    }
  }
}

provider "openstack" {
  cloud = "openstack"
}

resource "openstack_networking_secgroup_v2" "group" {
  count       = 4
  name        = "fence-${count.index}"
  description = "who may come in"
}
"#;

/// The third create is asked to come again much later, as a busy service does.
const LATER: &str = r#"{"faults":[{"skip":2,"method":"POST","path_prefix":"/kvm-tacc/network/v2.0/security-groups",
  "effect":{"kind":"answer","status":429,"headers":{"Retry-After":"240"},"body":null}}]}"#;

fn json(server: &Server, path: &str) -> serde_json::Value {
    serde_json::from_str(&server.get(path)).expect("JSON")
}

fn groups(server: &Server) -> BTreeMap<String, usize> {
    let objects = json(server, "/testbed/objects");
    let mut found = BTreeMap::new();
    for object in objects["objects"].as_array().expect("a list") {
        let name = object["name"].as_str().unwrap_or_default();
        if name.starts_with("fence-") {
            *found.entry(name.to_owned()).or_default() += 1;
        }
    }
    found
}

fn creates(server: &Server) -> u64 {
    let traffic = json(server, "/testbed/traffic");
    let requests = traffic["requests"].as_object().expect("an object").iter();
    let posts =
        requests.filter(|(call, _)| call.starts_with("POST") && call.ends_with("/security-groups"));
    posts.filter_map(|(_, count)| count.as_u64()).sum()
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill").success());
}

/// Finds the id of the lock in the words of a command that was refused.
fn lock_id(run: &Run) -> String {
    let text = format!("{}{}", run.stdout, run.stderr);
    let line = text.lines().find_map(|line| line.split_once("ID:"));
    line.map_or_else(|| panic!("no lock: {text}"), |(_, id)| id.trim().to_owned())
}

#[test]
fn what_a_stopped_holder_was_about_to_send_does_not_leave_once_its_lock_is_gone() {
    let dir = Workdir::with(GROUPS);
    let server = Server::start(dir.path(), "20", LATER);
    let terrarium = Terrarium::on_server(dir.path(), &server.url());
    let mut first = terrarium.spawn(&["apply", "-auto-approve", "-parallelism=1"]);
    let begun = Instant::now();
    while creates(&server) < 3 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the third create did not leave");
        sleep(Duration::from_millis(20));
    }
    // Its intent is on disk, its answer says to come again, and the engine waits.
    sleep(Duration::from_millis(300));
    signal(first.id(), "STOP");
    let refused = terrarium.run(&["apply", "-auto-approve", "-lock-timeout=0s"]);
    terrarium.ok(&["force-unlock", "-force", &lock_id(&refused)]);
    terrarium.ok(&["apply", "-auto-approve"]);
    let exact: BTreeMap<String, usize> = (0..4).map(|at| (format!("fence-{at}"), 1)).collect();
    assert_eq!(groups(&server), exact);
    let before = creates(&server);
    signal(first.id(), "CONT");
    let ended = first.wait().expect("a child");
    assert_ne!(ended.code(), Some(0));
    assert_eq!(creates(&server), before, "a create of the first holder left");
    assert_eq!(groups(&server), exact);
    assert_eq!(terrarium.run(&["plan", "-detailed-exitcode"]).code, Some(0));
}
