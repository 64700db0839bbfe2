//! Services that have no time: nobody else waits with them, nothing is lost, and one that never has time is
//! told once.

use serde_json::{Value, json};
use terrarium_support::{Server, Terrarium, Workdir};

/// As many volumes as calls may be in flight, and more, ahead of groups of another service.
const MANY: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
resource "openstack_blockstorage_volume_v3" "disk" {
  for_each = toset([for at in range(12) : tostring(at)])
  name     = "disk-${each.key}"
  size     = 1
}
resource "openstack_networking_secgroup_v2" "group" {
  count       = 12
  name        = "group-${count.index}"
  description = "one of many"
}
"#;

const VOLUMES: &str = "/kvm-tacc/volume";

struct Stage {
    _dir: Workdir,
    server: Server,
    terrarium: Terrarium,
}

impl Stage {
    /// Serves a world at a rate, whose volume service answers so many requests with a status.
    fn new(rate: &str, fault: &Value) -> Self {
        let dir = Workdir::with(MANY);
        let server = Server::start(dir.path(), rate, &settings(&[fault]));
        let terrarium = Terrarium::on_server(dir.path(), &server.url());
        Self { _dir: dir, server, terrarium }
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.server.get(path)).expect("JSON")
    }

    fn requests(&self, method: &str, part: &str) -> u64 {
        let traffic = self.json("/testbed/traffic");
        let all = traffic["requests"].as_object().expect("an object").iter();
        let fitting = all.filter(|(call, _)| call.starts_with(method) && call.contains(part));
        fitting.filter_map(|(_, count)| count.as_u64()).sum()
    }

    fn count(&self, kind: &str) -> usize {
        let objects = self.json("/testbed/objects");
        let all = objects["objects"].as_array().expect("a list").iter();
        all.filter(|one| one["type"] == kind && one["seeded"] != true).count()
    }

    fn is_whole(&self) {
        assert_eq!(self.count("volume"), 12);
        self.terrarium.ok(&["plan", "-detailed-exitcode"]);
    }
}

fn settings(faults: &[&Value]) -> String {
    json!({
        "faults": faults,
        "quotas": {"volumes": -1, "gigabytes": -1, "security_group": -1},
    })
    .to_string()
}

fn busy(method: &str, status: u16, again: Option<&str>, times: u32) -> Value {
    let headers = again.map_or_else(|| json!({}), |again| json!({"Retry-After": again}));
    json!({
        "times": times, "method": method, "path_prefix": VOLUMES,
        "effect": {"kind": "answer", "status": status, "headers": headers, "body": null},
    })
}

#[test]
fn a_busy_service_fails_nothing() {
    for (status, again) in [(429, Some("30")), (503, Some("30")), (503, None)] {
        let stage = Stage::new("0", &busy("POST", status, again, 12));
        let told = stage.terrarium.ok(&["apply", "-auto-approve"]);
        assert!(told.contains("24 added"), "{status} {again:?}: {told}");
        assert_eq!(stage.requests("POST", VOLUMES), 24, "each is sent away once");
        stage.is_whole();
    }
}

#[test]
fn nobody_else_waits_with_a_busy_service() {
    // A minute of the world is a second and a half of ours: meanwhile all calls elsewhere are long done.
    let stage = Stage::new("40", &busy("POST", 429, Some("240"), 1));
    let mut apply = stage.terrarium.spawn(&["apply", "-auto-approve"]);
    let begun = std::time::Instant::now();
    while stage.count("security_group") < 12 {
        assert!(begun.elapsed().as_secs() < 60, "the groups were not made");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // More wait for the volume service than calls may be in flight: whoever waits holds no room.
    assert_eq!(stage.requests("POST", "/security-groups"), 12);
    let sent = stage.requests("POST", VOLUMES);
    assert!((1..=10).contains(&sent), "{sent} went there before it said when to come again");
    assert!(stage.count("volume") < 12, "the volumes wait");
    assert!(apply.wait().expect("a child").success());
    stage.is_whole();
}

#[test]
fn a_service_that_never_has_time_is_told_once_and_nothing_is_lost() {
    for (method, status, again) in
        [("POST", 429, Some("30")), ("POST", 503, None), ("GET", 503, None)]
    {
        let stage = Stage::new("0", &busy(method, status, again, 1_000_000));
        let failed = stage.terrarium.run(&["apply", "-auto-approve"]);
        let said = format!("{}{}", failed.stdout, failed.stderr);
        assert_eq!(failed.code, Some(1), "{said}");
        assert_eq!(said.matches("\nError: ").count(), 1, "{method} {status}: {said}");
        assert!(said.contains("The same befell") && said.contains(&status.to_string()), "{said}");
        assert_eq!(stage.count("security_group"), 12, "{said}");
        stage.server.set(&settings(&[]));
        stage.terrarium.ok(&["apply", "-auto-approve"]);
        stage.is_whole();
    }
}
