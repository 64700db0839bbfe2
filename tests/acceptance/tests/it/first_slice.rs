//! A database that the first slice wrote, with all that can be open in one: it goes on as if nothing had changed.
//! `tests/data/first-slice/README.md` says what is in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use terrarium_support::{Run, Terrarium, Workdir, repository};

/// What the database has rows of.
const RECORDED: [&str; 7] = [
    "openstack_compute_instance_v2.past",
    "openstack_networking_network_v2.net",
    "openstack_networking_secgroup_v2.group",
    "openstack_networking_subnet_v2.subnet",
    "openstack_reservation_host_v1.past",
    "openstack_reservation_host_v1.week",
    "terraform_data.group",
];
/// What exists and has an open intent only.
const PORTS: usize = 6;
const KEY: &str = "openstack_compute_keypair_v2.key[0]";
const NODE: &str = "openstack_compute_instance_v2.node";
const GROUP: &str = "openstack_networking_secgroup_v2.group";
/// A moment within the lease that is to come.
const WITHIN: &str = "2027-03-08T15:00:00Z";
const APPLY: [&str; 2] = ["apply", "-auto-approve"];

/// A copy of the project.
struct Project {
    dir: Workdir,
    terrarium: Terrarium,
}

impl Project {
    fn copy() -> Self {
        let data = data();
        let text = fs::read_to_string(data.join("main.tf")).expect("the fixture");
        let dir = Workdir::with(&text);
        fs::create_dir(dir.path().join(".terrarium")).expect("a directory");
        for (from, to) in
            [("terrarium.db", "terrarium.db"), ("testbed.db", ".terrarium/testbed.db")]
        {
            fs::copy(data.join(from), dir.path().join(to)).expect("a copy of the fixture");
        }
        let terrarium = Terrarium::on_testbed(dir.path());
        Self { dir, terrarium }
    }

    fn run(&self, args: &[&str], code: i32) -> Run {
        let run = self.terrarium.run(args);
        assert_eq!(run.code, Some(code), "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run
    }

    fn recorded(&self) -> Vec<String> {
        self.terrarium.ok(&["state", "list"]).lines().map(str::to_owned).collect()
    }

    fn json(&self, args: &[&str]) -> Json {
        serde_json::from_str(&self.terrarium.ok(args)).expect("JSON")
    }

    /// Plans, and returns the saved plan as JSON.
    fn plan(&self, code: i32) -> Json {
        self.run(&["plan", "-detailed-exitcode", "-out=p.tfplan"], code);
        self.json(&["show", "-json", "p.tfplan"])
    }

    /// How many objects of each type there are in the world; those that ended do not count.
    fn world(&self) -> BTreeMap<String, usize> {
        let listed = self.json(&["testbed", "list", "-json"]);
        let mut found = BTreeMap::new();
        for object in listed["objects"].as_array().expect("a list") {
            let kind = object["type"].as_str().expect("a type");
            if object["status"] != "TERMINATED" && kind != "security_group_rule" {
                *found.entry(kind.to_owned()).or_default() += 1;
            }
        }
        found
    }
}

fn data() -> PathBuf {
    repository().join("tests/acceptance/tests/data/first-slice")
}

/// What a plan would do now, by address; deposed objects have their key.
fn actions(plan: &Json) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for change in plan["resource_changes"].as_array().expect("changes") {
        let actions: Vec<&str> = change["change"]["actions"]
            .as_array()
            .expect("actions")
            .iter()
            .filter_map(Json::as_str)
            .collect();
        if actions == ["no-op"] {
            continue;
        }
        let deposed = if change["deposed"].is_string() { " (deposed)" } else { "" };
        let address = change["address"].as_str().expect("an address");
        found.insert(format!("{address}{deposed}"), actions.join("+"));
    }
    found
}

/// Which changes wait for a later time.
fn deferred(plan: &Json) -> Vec<&str> {
    let changes = plan["deferred_changes"].as_array().expect("deferred changes").iter();
    changes.filter_map(|change| change["resource_change"]["address"].as_str()).collect()
}

/// The addresses that are recorded once the ports are found.
fn with_ports() -> Vec<String> {
    let ports = (0..PORTS).map(|index| format!("openstack_networking_port_v2.port[{index}]"));
    let mut all: Vec<String> = RECORDED.iter().map(|&it| it.to_owned()).chain(ports).collect();
    all.sort();
    all
}

#[test]
fn it_opens_and_shows_what_it_has() {
    let project = Project::copy();
    assert_eq!(project.recorded(), RECORDED);
    let shown = project.terrarium.ok(&["state", "show", "openstack_networking_network_v2.net"]);
    assert!(shown.contains("\"lab-net\""), "{shown}");
    let all = project.terrarium.ok(&["show"]);
    assert!(all.contains("deposed object"), "the deposed object is lost:\n{all}");
    let outputs = project.json(&["output", "-json"]);
    // What ended and what is not known yet have no value.
    let known: Vec<&String> = outputs.as_object().expect("an object").keys().collect();
    assert_eq!(known, ["network"]);
    let exported = project.json(&["state", "pull"]);
    assert_eq!(exported["serial"], 4);
    assert_eq!(exported["lineage"], "ed67b163-4f4e-4d5b-835f-29cc8f557cda");
}

#[test]
fn a_plan_finds_what_the_killed_apply_made() {
    let project = Project::copy();
    let plan = project.plan(2);
    let expected = [(KEY.to_owned(), "create"), (format!("{GROUP} (deposed)"), "delete")];
    assert_eq!(actions(&plan), expected.map(|(a, b)| (a, b.to_owned())).into());
    assert_eq!(deferred(&plan), [NODE]);
    let ended: Vec<&Json> = plan["terrarium"]["ended"].as_array().into_iter().flatten().collect();
    assert_eq!(ended.len(), 2, "{}", plan["terrarium"]);
    assert_eq!(project.recorded(), with_ports());
    // Planned again, it is the same plan.
    assert_eq!(actions(&project.plan(2)), actions(&plan));
}

#[test]
fn run_keeps_the_schedule_and_touches_nothing_else() {
    let project = Project::copy();
    let before = project.world();
    project.run(&["run", "-once"], 0);
    assert_eq!(project.world(), before);
    // The schedule is still approved: nothing but the key and the deposed group is left to apply.
    let plan = project.plan(2);
    assert_eq!(deferred(&plan), [NODE]);
    assert_eq!(actions(&plan).len(), 2);
}

#[test]
fn an_apply_finishes_what_was_killed_and_run_brings_what_was_scheduled() {
    let project = Project::copy();
    let applied = project.run(&APPLY, 0).stdout;
    assert!(
        applied.contains("Resources: 1 added, 0 changed, 1 destroyed, 6 taken over."),
        "{applied}"
    );
    let mut expected = with_ports();
    expected.push(KEY.to_owned());
    expected.sort();
    assert_eq!(project.recorded(), expected);
    let all = project.terrarium.ok(&["show"]);
    assert!(!all.contains("deposed object"), "{all}");
    let world = [
        ("keypair", 1),
        ("lease", 1),
        ("network", 1),
        ("port", PORTS),
        ("security_group", 1),
        ("subnet", 1),
    ];
    let world: BTreeMap<String, usize> = world.map(|(kind, count)| (kind.to_owned(), count)).into();
    assert_eq!(project.world(), world);
    // Nothing is open any more; the approved change waits.
    project.run(&["plan", "-detailed-exitcode"], 0);
    project.run(&["plan", "-detailed-exitcode=waiting"], 3);

    project.terrarium.ok(&["testbed", "advance", WITHIN]);
    project.run(&["run", "-once"], 0);
    assert!(project.recorded().contains(&NODE.to_owned()), "{:?}", project.recorded());
    project.run(&["plan", "-detailed-exitcode"], 0);
    project.run(&["destroy", "-auto-approve"], 0);
    assert_eq!(project.recorded(), Vec::<String>::new());
    assert_eq!(project.world(), BTreeMap::new());
    assert!(project.dir.path().join("terrarium.db").exists());
}
