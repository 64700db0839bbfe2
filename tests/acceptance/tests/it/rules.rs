//! The rules of leases and time, one by one, as users meet them: on an embedded world that begins a week before
//! the leases.

use std::fs;

use terrarium_support::{Run, Terrarium, Workdir};

const COMMON: &str = include_str!("../data/rules/common.tf");
const NODES: &str = include_str!("../data/rules/nodes.tf");
const NEXT: &str = include_str!("../data/rules/two.tf");
const PASTED: &str = include_str!("../data/rules/pasted.tf");
const READ: &str = include_str!("../data/rules/read.tf");
const REMOVED: &str = include_str!("../data/rules/removed.tf");
const SCARCE: &str = include_str!("../data/rules/scarce.tf");
const TURNS: &str = include_str!("../data/rules/turns.tf");

const LEASE: &str = "openstack_reservation_host_v1.week";
const APPLY: [&str; 2] = ["apply", "-auto-approve"];
const PLAN: [&str; 2] = ["plan", "-detailed-exitcode"];
/// A moment within the lease.
const WITHIN: &str = "2027-03-09T14:00:00Z";
/// A moment after its end.
const AFTER: &str = "2027-03-12T15:00:00Z";

/// A configuration in its directory.
struct Desk {
    dir: Workdir,
    terrarium: Terrarium,
}

impl Desk {
    /// Sets up a configuration in a world of its own, a week before the lease.
    fn new(text: &str) -> Self {
        let dir = Workdir::with(&format!("{COMMON}\n{text}"));
        let terrarium = Terrarium::on_testbed(dir.path());
        terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
        Self { dir, terrarium }
    }

    /// Sets it up as applied, with the lease begun and its node up.
    fn begun(text: &str) -> Self {
        let desk = Self::new(text);
        desk.ends(0, &APPLY);
        desk.advance(WITHIN);
        desk.ends(0, &["run", "-once"]);
        desk
    }

    /// Sets up somebody else's configuration in the same world.
    fn beside(&self, text: &str) -> Self {
        let dir = Workdir::with(&format!("{COMMON}\n{text}"));
        let world = self.dir.path().join(".terrarium").join("testbed.db");
        let terrarium = Terrarium::on_server(dir.path(), &world.display().to_string());
        Self { dir, terrarium }
    }

    /// Rewrites the configuration.
    fn write(&self, text: &str) {
        let text = format!("{COMMON}\n{text}");
        fs::write(self.dir.path().join("main.tf"), text).expect("a file");
    }

    /// Sets a variable for all commands that follow.
    fn set(&self, name: &str, value: &str) {
        let file = self.dir.path().join(format!("{name}.auto.tfvars"));
        fs::write(file, format!("{name} = \"{value}\"\n")).expect("a file");
    }

    fn advance(&self, to: &str) {
        self.terrarium.ok(&["testbed", "advance", to]);
    }

    /// Runs a command that must end with a code; returns all that it says, its spaces evened out.
    fn ends(&self, code: i32, args: &[&str]) -> Said {
        let Run { code: got, stdout, stderr } = self.terrarium.run(args);
        let said = format!("{stdout}\n{stderr}");
        assert_eq!(got, Some(code), "{args:?}\n{said}");
        let words = said.split_whitespace().filter(|word| *word != "│");
        Said(words.collect::<Vec<_>>().join(" "))
    }

    /// Returns an output.
    fn output(&self, name: &str) -> String {
        self.terrarium.ok(&["output", "-raw", name])
    }

    /// Returns what exists of a type in the world, as `NAME STATUS`.
    fn existing(&self, kind: &str) -> Vec<String> {
        let listed = self.terrarium.ok(&["testbed", "list", "-json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let objects = listed["objects"].as_array().expect("a list").iter();
        let objects = objects.filter(|object| object["type"].as_str() == Some(kind));
        let text = |object: &serde_json::Value, field: &str| {
            object[field].as_str().unwrap_or_default().to_owned()
        };
        let mut found: Vec<String> = objects
            .map(|object| format!("{} {}", text(object, "name"), text(object, "status")))
            .collect();
        found.sort();
        found
    }
}

/// What a command said, in one line.
struct Said(String);

impl Said {
    fn has(&self, words: &str) -> &Self {
        assert!(self.0.contains(words), "{words:?} is missing in\n{}", self.0);
        self
    }

    fn lacks(&self, words: &str) -> &Self {
        assert!(!self.0.contains(words), "{words:?} is in\n{}", self.0);
        self
    }

    /// Asserts that texts occur in this order.
    fn in_order(&self, texts: &[&str]) -> &Self {
        let mut rest = self.0.as_str();
        for text in texts {
            let Some((_, after)) = rest.split_once(text) else {
                panic!("{text:?} is missing, or too early, in\n{}", self.0);
            };
            rest = after;
        }
        self
    }
}

#[test]
fn extended_in_place_touches_nothing_that_uses_it() {
    let desk = Desk::begun(NODES);
    let before = [desk.output("lease"), desk.output("reservation")];
    desk.set("end", "2027-03-13 09:00");
    // Too early: the plan says from when, and nothing is touched.
    desk.ends(0, &APPLY).has("Plan: 0 to add, 0 to change now, 1 to change later, 0 to destroy.");
    desk.ends(3, &["plan", "-detailed-exitcode=waiting"]).lacks("must be replaced");
    desk.advance("2027-03-11T14:00:00Z");
    desk.ends(0, &["run", "-once"]).has("0 added, 1 changed, 0 destroyed");
    desk.ends(0, &["plan", "-detailed-exitcode=waiting"]).has("No changes.");
    assert_eq!(before, [desk.output("lease"), desk.output("reservation")]);
    desk.advance(AFTER);
    assert_eq!(desk.existing("server"), ["node ACTIVE"]);
}

#[test]
fn replaced_while_servers_run_only_once_the_new_lease_is_active() {
    let desk = Desk::begun(NODES);
    desk.set("type", "gpu_a100_pcie");
    desk.ends(2, &PLAN)
        .has("sits on it, and goes down with it: openstack_compute_instance_v2.node")
        .has("While an old and a new lease stand beside each other, each hour costs 16 SU more");
    desk.ends(0, &APPLY).in_order(&[
        "week: Creating...",
        "week: Creation complete",
        "node: Destroying...",
        "node: Destruction complete",
        "week: Destruction complete",
        "2 added, 0 changed, 2 destroyed",
    ]);
    desk.ends(0, &PLAN).has("No changes.");
    assert_eq!(desk.existing("lease"), ["week ACTIVE"]);
}

#[test]
fn a_refused_replacement_leaves_everything_running() {
    let desk = Desk::begun(NODES);
    let before = desk.output("lease");
    desk.set("type", "gpu_a100_pcie");
    let fault = r#"{"faults":[{"times":1,"method":"POST","path_prefix":"/chi-uc/reservation/v1/leases",
        "effect":{"kind":"answer","status":500,"body":{"error_message":"Not enough hosts available"}}}]}"#;
    desk.terrarium.ok(&["testbed", "settings", fault]);
    desk.ends(1, &APPLY).has("Creation failed").lacks("Destroying...");
    assert_eq!(desk.existing("server"), ["node ACTIVE"]);
    assert_eq!(desk.existing("lease"), ["week ACTIVE"]);
    assert_eq!(before, desk.output("lease"));
}

#[test]
fn what_fits_only_on_the_hosts_that_it_frees_needs_a_gap_by_name() {
    let desk = Desk::new(NODES);
    desk.set("hosts", "4");
    desk.ends(0, &APPLY);
    desk.advance(WITHIN);
    desk.ends(0, &["run", "-once"]);
    desk.set("at_end", "email");
    desk.ends(1, &APPLY)
        .has("the old lease holds the others")
        .has("openstack_compute_instance_v2.node goes down now, and comes back once")
        .has("-allow-gap")
        .lacks("Destroying...");
    assert_eq!(desk.existing("server"), ["node ACTIVE"]);
    desk.ends(0, &["apply", "-auto-approve", "-allow-gap"]).in_order(&[
        "node: Destruction complete",
        "week: Destruction complete",
        "week: Creation complete",
        "node: Creation complete",
    ]);
    desk.ends(0, &PLAN).has("No changes.");
}

#[test]
fn ended_while_nobody_looked_is_no_change_and_has_two_ways_on() {
    let desk = Desk::begun(NODES);
    let ended = desk.output("lease");
    desk.advance(AFTER);
    desk.ends(0, &PLAN)
        .has("week ended 12 Mar 09:00 EST (14:00 UTC)")
        .has("node ended 12 Mar 09:00 EST (14:00 UTC), with openstack_reservation_host_v1.week")
        .has("a new end date brings them back")
        .has("removing them from the configuration forgets them")
        .lacks("changed outside");
    // A new end makes another lease; what sat on it is created, not replaced.
    desk.set("end", "2027-03-14 09:00");
    desk.ends(2, &PLAN).has("Plan: 2 to add, 0 to change, 0 to destroy.").has("it begins now");
    desk.ends(0, &APPLY).has("2 added, 0 changed, 0 destroyed");
    assert_ne!(ended, desk.output("lease"));
    // Removal forgets what has ended.
    desk.advance("2027-03-15T00:00:00Z");
    desk.write(REMOVED);
    desk.ends(0, &APPLY).has("will be forgotten: it has ended").lacks("destroy = false");
    assert_eq!(desk.terrarium.ok(&["state", "list"]), "");
}

#[test]
fn two_leases_in_turn_hand_one_volume_on() {
    let desk = Desk::new(TURNS);
    desk.ends(0, &APPLY).has("3 added, 0 changed, 0 destroyed");
    desk.ends(0, &["run"]).in_order(&[
        "results[\"one\"]: Creation complete",
        "Waiting until 9 Mar 09:30 EST (14:30 UTC)",
        "results[\"two\"]: Creation complete",
        "4 added, 0 changed, 0 destroyed",
    ]);
    desk.ends(0, &PLAN)
        .has("results[\"one\"] ended 9 Mar 09:00 EST (14:00 UTC), with")
        .lacks("results[\"two\"] ended");
    assert_eq!(desk.existing("volume"), ["results in-use"]);
    desk.advance("2027-03-10T15:00:00Z");
    desk.ends(0, &PLAN).has("results[\"two\"] ended");
    assert_eq!(desk.existing("volume"), ["results available"]);
}

#[test]
fn scarce_things_come_with_those_who_need_them() {
    let desk = Desk::new(&format!("{NODES}\n{SCARCE}"));
    desk.ends(2, &PLAN).has("because it is scarce and all that needs it waits").has("-eager");
    desk.ends(2, &["plan", "-detailed-exitcode", "-eager"])
        .has("Plan: 2 to add now, 2 to add later");
    desk.ends(0, &APPLY).has("1 added");
    assert_eq!(desk.existing("floatingip"), Vec::<String>::new());
    desk.advance(WITHIN);
    // What reads the node is read by the run, and what needs that reading is made by it.
    desk.ends(0, &["run", "-once"]).has("3 added").has("addresses =").lacks("held back");
    desk.ends(0, &PLAN).has("No changes.");
}

#[test]
fn destroy_in_the_middle_cancels_the_schedule_and_it_stays_cancelled() {
    let desk = Desk::new(&format!("{NODES}\n{NEXT}"));
    desk.ends(0, &APPLY).has("1 approved change waits");
    let fault = r#"{"faults":[{"times":9,"method":"DELETE","path_prefix":"/chi-uc/reservation/v1/leases",
        "effect":{"kind":"answer","status":403,"body":{"error_message":"no"}}}]}"#;
    desk.terrarium.ok(&["testbed", "settings", fault]);
    desk.ends(1, &["destroy", "-auto-approve"]);
    desk.terrarium.ok(&["testbed", "settings", r#"{"faults":[]}"#]);
    desk.advance(WITHIN);
    desk.ends(0, &["run", "-once"]).has("Nothing is scheduled.");
    assert_eq!(desk.existing("server"), Vec::<String>::new());
    // Leases that have begun and such that have not go alike.
    desk.ends(0, &["destroy", "-auto-approve"]).has("2 destroyed");
    assert_eq!(desk.existing("lease"), Vec::<String>::new());
}

#[test]
fn destroying_one_lease_leaves_the_schedule_of_others() {
    let desk = Desk::new(&format!("{NODES}\n{NEXT}"));
    desk.ends(0, &APPLY);
    desk.ends(0, &["destroy", "-auto-approve", "-target=openstack_reservation_host_v1.next"]);
    desk.ends(2, &PLAN).has("1 to add now");
    desk.advance(WITHIN);
    desk.ends(0, &["run", "-once"]).has("node: Creation complete").lacks("next: Creat");
}

#[test]
fn a_start_that_has_passed_is_now_where_the_end_lies_ahead() {
    let desk = Desk::new(NODES);
    desk.advance(WITHIN);
    desk.ends(2, &PLAN)
        .has("The start of the lease has passed: it begins now")
        .has("Plan: 2 to add, 0 to change, 0 to destroy.");
    desk.ends(0, &APPLY).has("2 added");
    desk.ends(0, &PLAN).has("No changes.").lacks("Warning");
    let late = Desk::new(NODES);
    late.advance(AFTER);
    late.ends(1, &PLAN).has("has passed").has("set a later end");
}

#[test]
fn the_pasted_uuid_gets_window_deferral_and_ending() {
    let teacher = Desk::new(NODES);
    teacher.ends(0, &["apply", "-auto-approve", &format!("-target={LEASE}")]);
    let student = teacher.beside(PASTED);
    student.set("reservation", &teacher.output("reservation"));
    student
        .ends(2, &PLAN)
        .has("deferred until 8 Mar 14:00 UTC, because the lease \"week\"")
        .has("exists from 8 Mar 14:00 UTC until 12 Mar 14:00 UTC");
    student.ends(0, &APPLY).has("1 approved change waits");
    student.ends(0, &["run"]).has("1 added");
    student.ends(0, &PLAN).has("No changes.");
    // Its owner lets it end a day earlier, and nobody looks.
    teacher.set("end", "2027-03-11 09:00");
    teacher.ends(0, &["apply", "-auto-approve", &format!("-target={LEASE}")]);
    student.advance("2027-03-11T15:00:00Z");
    student.ends(0, &PLAN).has("node ended 11 Mar 14:00 UTC").lacks("can't be created");
    student.ends(0, &APPLY);
    student.ends(0, &["destroy", "-auto-approve"]);
}

#[test]
fn a_lease_that_somebody_shortened_is_drift() {
    let desk = Desk::begun(NODES);
    let (lease, _) =
        NODES.split_once("resource \"openstack_compute").expect("a lease, then its node");
    let other = desk.beside(lease);
    other.ends(0, &["import", LEASE, &desk.output("lease")]);
    other.set("end", "2027-03-10 09:00");
    other.ends(0, &APPLY).has("0 added, 1 changed");
    desk.ends(2, &PLAN)
        .has("Objects have changed outside")
        .has("2027-03-10T14:00:00Z")
        .has("sits on it, and ends with it: openstack_compute_instance_v2.node");
    // Ended early: it is drift, and another one takes its place.
    desk.advance("2027-03-10T15:00:00Z");
    desk.ends(2, &PLAN).has("to add");
}

#[test]
fn nobody_awake_is_told_by_the_next_command_of_any_kind() {
    let desk = Desk::new(NODES);
    desk.ends(0, &APPLY);
    desk.advance(WITHIN);
    for command in [&["show"][..], &["state", "list"], &["output", "lease"], &["plan"]] {
        desk.ends(0, command)
            .has("1 change is scheduled and due, the first since 8 Mar")
            .has("it can be done for 3 d more");
    }
    desk.advance(AFTER);
    desk.ends(0, &["state", "list"]).has("its window closed").lacks("carries it out");
}

#[test]
fn a_data_source_keeps_what_it_read_of_what_has_ended() {
    let desk = Desk::begun(&format!("{NODES}\n{READ}"));
    desk.ends(0, &PLAN).has("No changes.");
    desk.advance(AFTER);
    desk.ends(0, &PLAN).has("node ended 12 Mar");
    desk.ends(0, &APPLY);
    desk.set("end", "2027-03-14 09:00");
    desk.ends(0, &APPLY).has("2 added").has("addresses =");
    desk.ends(0, &PLAN).has("No changes.");
}

#[test]
fn a_semester_is_rehearsed_twice_in_one_directory() {
    let desk = Desk::begun(NODES);
    desk.ends(0, &["destroy", "-auto-approve"]).has("2 destroyed");
    desk.terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    desk.ends(0, &APPLY).has("1 added");
    // What is recorded belongs to its world, and is forgotten with it.
    let said = desk.terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    assert!(said.contains("Forgotten of the old one: 1 resource instance(s)"), "{said}");
    desk.ends(2, &PLAN).has("1 to add");
}

#[test]
fn a_saved_plan_carries_out_what_has_fallen_due_since_and_no_lease_that_has_begun() {
    let desk = Desk::new(NODES);
    desk.ends(0, &APPLY);
    desk.ends(0, &["plan", "-out=waiting"]);
    desk.advance(WITHIN);
    desk.ends(0, &["apply", "waiting"]).has("has fallen due since").has("1 added, 0 changed");
    desk.ends(0, &PLAN).has("No changes.");
    let late = Desk::new(NODES);
    late.ends(0, &["plan", "-out=early"]);
    late.advance(WITHIN);
    late.ends(1, &["apply", "early"]).has("Saved plan came too late").has("Make a new plan");
}

#[test]
fn a_target_leaves_the_late_values_of_others_late() {
    let address = NODES
        .replace("_host_v1\" \"week\"", "_floatingip_v1\" \"public\"")
        .split_once("  min ")
        .map(|(head, _)| format!("{head}  pool = \"public\"\n}}\n"))
        .expect("a lease");
    let (_, address) = address.split_once("resource ").expect("a lease");
    let output = "output \"public\" {\n  value = openstack_reservation_floatingip_v1.public.addresses[0]\n}\n";
    let desk = Desk::new(&format!("{NODES}\nresource {address}\n{output}"));
    desk.ends(0, &APPLY).has("public = (known after 8 Mar 09:00 EST)");
    desk.set("end", "2027-03-11 09:00");
    let target = format!("-target={LEASE}");
    desk.ends(0, &["apply", "-auto-approve", &target]).has("0 added, 1 changed, 0 destroyed");
}
