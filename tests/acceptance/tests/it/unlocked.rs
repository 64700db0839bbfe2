//! A plan without the lock shows, instance by instance, what somebody else is at work on.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use terrarium_support::{Server, Terrarium, Workdir};

const SERVERS: &str = r#"
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

data "openstack_networking_network_v2" "net" {
  name = "sharednet1"
}

module "nodes" {
  source   = "./nodes"
  for_each = toset(["a", "b"])
  name     = each.key
  network  = data.openstack_networking_network_v2.net.id
}

resource "openstack_networking_secgroup_v2" "group" {
  name = "under-way"
}
"#;

const NODES: &str = r#"
terraform {
  required_providers {
    openstack = {
      source = "terraform-provider-openstack/openstack"
    }
  }
}

variable "name" {}
variable "network" {}

resource "openstack_compute_instance_v2" "node" {
  name        = var.name
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"

  network {
    uuid = var.network
  }
}
"#;

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

/// Waits until both servers are at boot, and what is at once is recorded.
fn boots(server: &Server, terrarium: &Terrarium) {
    let begun = Instant::now();
    loop {
        let objects = json(&server.get("/testbed/objects"));
        let objects = objects["objects"].as_array().expect("a list").iter();
        let servers = objects.filter(|one| one["type"].as_str().is_some_and(|it| it == "server"));
        let group = terrarium.run(&["state", "list"]).stdout.contains("under-way");
        let group = group || terrarium.run(&["state", "list"]).stdout.contains("secgroup_v2.group");
        if servers.count() == 2 && group {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "the servers do not boot");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_another_run_is_at_work_on_is_marked_per_instance() {
    let dir = Workdir::with(SERVERS);
    std::fs::create_dir(dir.path().join("nodes")).expect("a directory");
    std::fs::write(dir.path().join("nodes/main.tf"), NODES).expect("a module");
    let server = Server::start(dir.path(), "1", "{}");
    let terrarium = Terrarium::on_server(dir.path(), &server.url());
    terrarium.ok(&["init"]);
    let mut apply = terrarium.spawn(&["apply", "-auto-approve"]);
    boots(&server, &terrarium);
    sleep(Duration::from_millis(500));

    let addrs =
        ["a", "b"].map(|key| format!("module.nodes[\"{key}\"].openstack_compute_instance_v2.node"));
    for args in [&["plan"][..], &["plan", "-lock=false"], &["plan", "-out=saved"]] {
        let text = terrarium.ok(args);
        for addr in &addrs {
            assert!(text.contains(&format!("# {addr}: its creation, since ")), "{args:?}\n{text}");
        }
        assert!(!text.contains("secgroup_v2.group: its"), "{text}");
    }
    let shown = json(&terrarium.ok(&["show", "-json", "saved"]));
    let open = shown["terrarium"]["under_way"].as_array().expect("a list");
    let told: Vec<&str> = open.iter().filter_map(|one| one["address"].as_str()).collect();
    assert_eq!(told, addrs);
    assert!(
        open.iter().all(|one| one["action"] == "create" && one["since"].is_string()),
        "{open:?}"
    );
    let text = terrarium.ok(&["show", "saved"]);
    assert!(addrs.iter().all(|addr| text.contains(&format!("# {addr}: its creation"))), "{text}");
    let stream = terrarium.ok(&["plan", "-json"]);
    let lines = stream.lines().map(json).filter(|line| line["type"] == "under_way");
    let told: Vec<String> = lines
        .map(|line| line["resource"]["addr"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(told, addrs);

    // What was planned meanwhile is refused once the state has moved; nothing is marked when all is done.
    terrarium.ok(&["testbed", "advance", "30m"]);
    assert_eq!(apply.wait().expect("a child").code(), Some(0));
    assert_eq!(terrarium.run(&["apply", "saved"]).code, Some(1));
    let text = terrarium.ok(&["plan", "-detailed-exitcode"]);
    assert!(!text.contains("its creation"), "{text}");
}

const GROUP: &str = r#"
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
  name        = "under-way"
  description = "a description of its own takes no marker"
}
"#;

#[test]
fn a_saved_plan_is_refused_where_an_action_has_no_outcome() {
    let dir = Workdir::with(GROUP);
    // The group's reply is held back for longer than the run lives.
    let late = r#"{"reply_after":{"min_ms":3000,"max_ms":3001,"seed":1}}"#;
    let server = Server::start(dir.path(), "60", "{}");
    let terrarium = Terrarium::on_server(dir.path(), &server.url());
    terrarium.ok(&["plan", "-out=saved"]);
    server.set(late);
    let mut apply = terrarium.spawn(&["apply", "-auto-approve"]);
    let begun = Instant::now();
    while !server.get("/testbed/objects").contains("under-way") {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is made");
        sleep(Duration::from_millis(20));
    }
    apply.kill().expect("a child");
    apply.wait().expect("a child");
    server.set(r#"{"reply_after":null}"#);
    // Its serial has not moved, and it would make the group once more.
    let refused = terrarium.run(&["apply", "saved"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("had no outcome"), "{}", refused.stderr);
    terrarium.ok(&["apply", "-auto-approve"]);
    let objects = server.get("/testbed/objects");
    assert_eq!(objects.matches("\"under-way\"").count(), 1, "{objects}");
}
