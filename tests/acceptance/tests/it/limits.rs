//! Calls in flight are bounded, accepted work is not: counted by the testbed's own server.

use serde_json::Value;
use terrarium_support::{Server, Terrarium, Workdir};

/// Quotas that no test comes near.
const ROOM: &str = r#"{"quotas":{"instances":-1,"cores":-1,"ram":-1,"port":-1,"floatingip":-1}}"#;

/// Replies that take a moment, so that calls meet.
const SLOW: &str = r#"{"reply_after":{"min_ms":20,"max_ms":60,"seed":1}}"#;

/// A testbed whose clock stands still but for what the engine waits for.
struct Stage {
    dir: Workdir,
    server: Server,
    terrarium: Terrarium,
}

impl Stage {
    fn new(text: &str) -> Self {
        let dir = Workdir::with(text);
        let server = Server::start(dir.path(), "0", ROOM);
        let terrarium = Terrarium::on_server(dir.path(), &server.url());
        Self { dir, server, terrarium }
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.server.get(path)).expect("JSON")
    }

    fn now(&self) -> jiff::Timestamp {
        let clock = self.json("/testbed/clock");
        clock["now"].as_str().and_then(|text| text.parse().ok()).expect("an instant")
    }

    /// Runs a command; returns how long it took in the world, and what came over the wire.
    fn counted(&self, args: &[&str]) -> (i64, Value) {
        self.server.delete("/testbed/traffic");
        let before = self.now();
        self.terrarium.ok(args);
        (self.now().as_second() - before.as_second(), self.json("/testbed/traffic"))
    }
}

/// Sums up the requests of a method whose path contains a text.
fn requests(traffic: &Value, method: &str, part: &str) -> u64 {
    let all = traffic["requests"].as_object().expect("an object").iter();
    let fitting = all.filter(|(call, _)| call.starts_with(method) && call.contains(part));
    fitting.filter_map(|(_, count)| count.as_u64()).sum()
}

#[test]
fn servers_boot_together_and_names_are_asked_once() {
    let stage = Stage::new(include_str!("../data/crowd.tf"));
    let servers = 200;
    let count = format!("servers={servers}");
    let (took, traffic) = stage.counted(&["apply", "-auto-approve", "-var", &count]);
    // A server boots in 60 s, and is looked at every 10 s by then.
    assert!(took <= 72, "{took} s for {servers} servers of 60 s");
    let gets = requests(&traffic, "GET", "");
    let objects = servers * 4 + 4;
    assert!(gets * 5 <= objects, "{gets} GETs for {objects} objects: {traffic:#}");
    // By name and by id, and networks once more since one is made meanwhile.
    for (service, most) in [
        ("/image/", 2),
        ("/flavors", 2),
        ("/networks", 4),
        ("GET /kvm-tacc/network/v2.0/floatingips", 4),
    ] {
        let asked = requests(&traffic, "GET", service);
        assert!(asked <= most, "{asked} GETs of {service}: {traffic:#}");
    }
    let peak = traffic["peak"].as_u64();
    assert!(peak <= Some(10), "{peak:?}");
}

#[test]
fn a_given_parallelism_bounds_work_under_way_too() {
    let stage = Stage::new(include_str!("../data/crowd.tf"));
    let args = ["apply", "-auto-approve", "-var", "servers=4", "-parallelism=2"];
    let (took, traffic) = stage.counted(&args);
    assert!((120..=150).contains(&took), "{took} s for two servers of 60 s after two others");
    assert!(traffic["peak"].as_u64() <= Some(2), "{traffic:#}");
}

#[test]
fn the_peak_in_flight_is_the_bound_in_every_phase() {
    let stage = Stage::new(include_str!("../data/looks.tf"));
    stage.server.set(SLOW);
    for (phase, args) in [
        ("data", &["plan", "-parallelism=3"][..]),
        ("apply", &["apply", "-auto-approve", "-parallelism=3"]),
        ("refresh", &["plan", "-parallelism=3"]),
        // Twelve key pairs are read one by one: a batch is as wide as the bound, and no narrower.
        ("wide refresh", &["plan", "-parallelism=12"]),
        ("destroy", &["destroy", "-auto-approve", "-parallelism=3"]),
    ] {
        let (_, traffic) = stage.counted(args);
        let bound = if args.contains(&"-parallelism=12") { 12 } else { 3 };
        assert_eq!(traffic["peak"].as_u64(), Some(bound), "{phase}: {traffic:#}");
    }
    drop(stage.dir);
}

#[test]
fn recovery_keeps_to_the_bound() {
    let stage = Stage::new(include_str!("../data/looks.tf"));
    stage.server.set(r#"{"reply_after":{"min_ms":1500,"max_ms":1500,"seed":1}}"#);
    let mut apply = stage.terrarium.spawn(&["apply", "-auto-approve"]);
    // Until creates are under way, whose replies are held back.
    let begun = std::time::Instant::now();
    while requests(&stage.json("/testbed/traffic"), "POST", "/network") < 5 {
        assert!(begun.elapsed().as_secs() < 60, "no create left");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    apply.kill().expect("a child");
    apply.wait().expect("a child");
    stage.server.set(SLOW);
    let (_, traffic) = stage.counted(&["plan", "-parallelism=2"]);
    assert!(traffic["peak"].as_u64() <= Some(2), "{traffic:#}");
    assert!(requests(&traffic, "GET", "/network") > 0, "{traffic:#}");
}

#[test]
fn what_a_service_serialises_is_changed_one_by_one_and_the_rest_goes_on() {
    let stage = Stage::new(include_str!("../data/turns.tf"));
    stage.server.set(SLOW);
    for groups in [1, 2] {
        stage.counted(&["apply", "-auto-approve", "-var=rules=0"]);
        let groups_arg = format!("-var=groups={groups}");
        let args = ["apply", "-auto-approve", "-refresh=false", "-var=rules=8", &groups_arg];
        let (_, traffic) = stage.counted(&args);
        assert_eq!(requests(&traffic, "POST", "/security-group-rules"), 8, "{traffic:#}");
        // Rules of one group one after the other, two groups side by side.
        assert_eq!(traffic["peak"].as_u64(), Some(groups), "{traffic:#}");
    }
}

/// A group is asked for by its name between changes of other types, and after a rule was added.
const TOUCHES: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
resource "openstack_compute_keypair_v2" "a" { name = "a" }
data "openstack_networking_secgroup_v2" "first" {
  name       = "default"
  depends_on = [openstack_compute_keypair_v2.a]
}
resource "openstack_blockstorage_volume_v3" "b" {
  size        = 1
  description = data.openstack_networking_secgroup_v2.first.id
}
data "openstack_networking_secgroup_v2" "again" {
  name       = "default"
  depends_on = [openstack_blockstorage_volume_v3.b]
}
resource "openstack_networking_secgroup_rule_v2" "c" {
  direction         = "ingress"
  ethertype         = "IPv4"
  security_group_id = data.openstack_networking_secgroup_v2.again.id
}
data "openstack_networking_secgroup_v2" "last" {
  name       = "default"
  depends_on = [openstack_networking_secgroup_rule_v2.c]
}
"#;

#[test]
fn a_list_is_asked_for_anew_only_after_what_touches_it() {
    let stage = Stage::new(TOUCHES);
    let (_, traffic) = stage.counted(&["apply", "-auto-approve"]);
    // Once, whatever is made of other types meanwhile, and once more after the rule.
    assert_eq!(requests(&traffic, "GET", "/security-groups"), 2, "{traffic:#}");
}
