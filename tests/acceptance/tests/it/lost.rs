//! A lost reply is looked for in the same run: one command makes everything, and nothing twice.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use terrarium_support::{Server, Terrarium, Workdir};

const WHOLE: &str = include_str!("../data/kills.tf");

/// What follows a create is lost, or the create before it.
const FOLLOWED: &str = include_str!("../data/kills_whole.tf");

const NETWORK: &str = "/kvm-tacc/network/v2.0";
const COMPUTE: &str = "/kvm-tacc/compute/v2.1";

/// Writes settings under which the first such calls are struck.
fn faults(calls: &[(&str, String)], effect: &str) -> String {
    let mut text = String::new();
    for (method, path) in calls {
        let comma = if text.is_empty() { "" } else { "," };
        let effect = format!(r#"{{"kind":{effect}}}"#);
        write!(text, r#"{comma}{{"method":"{method}","path_prefix":"{path}","effect":{effect}}}"#)
            .expect("text");
    }
    format!(r#"{{"faults":[{text}]}}"#)
}

/// Names and types of what exists, in order.
fn there(terrarium: &Terrarium) -> Vec<String> {
    let list: serde_json::Value =
        serde_json::from_str(&terrarium.ok(&["testbed", "list", "-json"])).expect("JSON");
    let objects = list["objects"].as_array().expect("a list").iter();
    let text =
        |object: &serde_json::Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = objects
        .map(|object| {
            let kind = text(object, "type");
            // An address has its number for a name, which differs from run to run.
            let name = if kind.contains("floating") { String::new() } else { text(object, "name") };
            format!("{kind} {name}")
        })
        .collect();
    all.sort();
    all
}

fn undisturbed(config: &str) -> Vec<String> {
    let dir = Workdir::with(config);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    there(&terrarium)
}

/// Applies with some replies lost: once is enough, and says so.
fn play(config: &str, calls: &[(&str, String)], effect: &str) {
    play_under(config, &faults(calls, effect), calls.len());
}

/// The same under settings by which at least so many replies are lost.
fn play_under(config: &str, case: &str, lost: usize) {
    let dir = Workdir::with(config);
    drop(Server::start(dir.path(), "0", case));
    let terrarium = Terrarium::on_testbed(dir.path());
    let run = terrarium.run(&["apply", "-auto-approve"]);
    assert_eq!(run.code, Some(0), "{case}\n{}\n{}", run.stdout, run.stderr);
    let looked = run.stdout.matches("Recovering: no sure answer to").count();
    assert!(looked >= lost, "{case}: {looked}\n{}", run.stdout);
    assert_eq!(there(&terrarium), undisturbed(config), "{case}");
    terrarium.ok(&["plan", "-detailed-exitcode"]);
    terrarium.ok(&["destroy", "-auto-approve"]);
    assert!(terrarium.ok(&["testbed", "list"]).starts_with("Nothing exists"), "{case}");
}

/// The calls that make one thing each.
fn creates() -> Vec<(&'static str, String)> {
    let network = [
        "networks",
        "subnets",
        "ports",
        "routers",
        "security-groups",
        "security-group-rules",
        "floatingips",
    ];
    let network = network.map(|one| ("POST", format!("{NETWORK}/{one}")));
    let compute = ["servers", "os-keypairs"].map(|one| ("POST", format!("{COMPUTE}/{one}")));
    network.into_iter().chain(compute).collect()
}

#[test]
fn what_was_made_is_taken_over() {
    play(WHOLE, &creates(), r#""drop_after""#);
}

#[test]
fn what_was_not_made_is_sent_again() {
    play(WHOLE, &creates(), r#""drop_before""#);
}

#[test]
fn a_server_port_and_network_one_by_one() {
    for what in ["networks", "ports"] {
        play(WHOLE, &[("POST", format!("{NETWORK}/{what}"))], r#""drop_after""#);
    }
    play(WHOLE, &[("POST", format!("{COMPUTE}/servers"))], r#""drop_after""#);
    // A gateway's word is no answer.
    play(WHOLE, &[("POST", format!("{COMPUTE}/servers"))], r#""answer_after","status":504"#);
    play(WHOLE, &[("POST", format!("{COMPUTE}/servers"))], r#""answer","status":502"#);
    // The service failed, and has done it all the same.
    play(WHOLE, &[("POST", format!("{NETWORK}/ports"))], r#""answer_after","status":500"#);
}

/// A server that is stopped once it is made, and a volume that it holds: calls of several kinds.
const STOPPED: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}

data "openstack_networking_network_v2" "net" {
  name = "sharednet1"
}

resource "openstack_compute_instance_v2" "vm" {
  name        = "vm"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  power_state = "shutoff"

  network {
    uuid = data.openstack_networking_network_v2.net.id
  }
}

resource "openstack_blockstorage_volume_v3" "disk" {
  name = "disk"
  size = 1
}

resource "openstack_compute_volume_attach_v2" "disk" {
  instance_id = openstack_compute_instance_v2.vm.id
  volume_id   = openstack_blockstorage_volume_v3.disk.id
}
"#;

#[test]
fn later_calls_of_a_create_are_looked_for_and_sent_again_too() {
    for effect in ["drop_after", "drop_before"] {
        // The second call at servers stops the one that was made, the third attaches the volume.
        for skip in [1, 2] {
            let settings = format!(
                r#"{{"faults":[{{"skip":{skip},"method":"POST","path_prefix":"{COMPUTE}/servers","effect":{{"kind":"{effect}"}}}}]}}"#
            );
            play_under(STOPPED, &settings, 1);
        }
    }
}

#[test]
fn what_follows_a_create_is_sent_all_the_same() {
    let calls = ["networks", "routers", "security-groups", "ports"];
    let calls = calls.map(|one| ("POST", format!("{NETWORK}/{one}")));
    play(FOLLOWED, &calls, r#""drop_after""#);
    play(FOLLOWED, &calls, r#""drop_before""#);
}

#[test]
fn a_service_that_fails_and_makes_nothing_is_one_error_and_leaves_nothing_open() {
    let dir = Workdir::with(WHOLE);
    let calls = [("POST", format!("{NETWORK}/networks"))];
    drop(Server::start(dir.path(), "0", &faults(&calls, r#""answer","status":500"#)));
    let terrarium = Terrarium::on_testbed(dir.path());
    let run = terrarium.run(&["apply", "-auto-approve"]);
    let said = format!("{}\n{}", run.stdout, run.stderr);
    let errors = said.lines().filter(|line| line.starts_with("Error: ")).count();
    assert_eq!((run.code, errors), (Some(1), 1), "{said}");
    assert!(said.contains("The service failed"), "{said}");
    let again = terrarium.ok(&["apply", "-auto-approve"]);
    assert!(!again.contains("Recovering"), "{again}");
    assert_eq!(there(&terrarium), undisturbed(WHOLE));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_lost_answer_at_once() {
    let dir = Workdir::with(FOLLOWED);
    let server = Server::start(
        dir.path(),
        "1",
        &faults(&[("POST", format!("{NETWORK}/networks"))], r#""drop_before""#),
    );
    let terrarium = Terrarium::on_server(dir.path(), &server.url());
    let mut apply = terrarium.spawn(&["apply", "-auto-approve"]);
    let mut lines = BufReader::new(apply.stdout.take().expect("a pipe")).lines();
    let waits = |line: &std::io::Result<String>| {
        line.as_ref().is_ok_and(|line| line.contains("Recovering: looking for what it made, up to"))
    };
    assert!(lines.any(|line| waits(&line)), "it does not wait");
    let begun = Instant::now();
    let sent = Command::new("kill").args(["-INT", &apply.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(apply.wait().expect("a child").code(), Some(1));
    // The minute is not waited for; what the service is at work on is answered.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(rest.iter().any(|line| line.starts_with("Interrupted!")), "{rest:#?}");
    // What became of it is still an open question.
    let plan = terrarium.ok(&["plan"]);
    assert!(plan.contains(": its creation, since"), "{plan}");
}
