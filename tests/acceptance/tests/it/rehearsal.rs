//! The GPU lab's rehearsal: from three weeks before the deadline to the day after, in seconds.

use std::io::{BufRead, BufReader};

use terrarium_support::{Terrarium, Workdir, repository};

/// Holds replies back, so that a kill falls between an effect and its answer.
const SLOW: &str = r#"{"reply_after":{"min_ms":60,"max_ms":120,"seed":1}}"#;
const PROMPT: &str = r#"{"reply_after":null}"#;

/// The lab in its directory, with what it printed so far.
struct Lab {
    dir: Workdir,
    terrarium: Terrarium,
}

impl Lab {
    fn begin(at: &str) -> Self {
        let dir = Workdir::of("examples/gpu-lab");
        let terrarium = Terrarium::on_testbed(dir.path()).env("TZ", "America/New_York");
        terrarium.ok(&["testbed", "reset", &format!("-at={at}")]);
        Self { dir, terrarium }
    }

    /// Runs a command that must end with a code, and returns all that it printed.
    fn ends(&self, code: i32, args: &[&str]) -> String {
        let run = self.terrarium.run(args);
        let told = format!("{}\n{}", run.stdout, run.stderr);
        assert_eq!(run.code, Some(code), "{args:?}\n{told}");
        told
    }

    fn advance(&self, to: &str) {
        self.terrarium.ok(&["testbed", "advance", to]);
    }

    /// Returns the names of the servers that exist at the sites, in order.
    fn servers(&self) -> Vec<String> {
        let listed = self.terrarium.ok(&["testbed", "list", "-json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let objects = listed["objects"].as_array().expect("a list").iter();
        let servers = objects.filter(|object| object["type"].as_str() == Some("server"));
        let mut names: Vec<String> =
            servers.map(|server| server["name"].as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    }

    /// Returns the id that the state records of an instance.
    fn id(&self, addr: &str) -> String {
        let shown = self.terrarium.ok(&["state", "show", addr]);
        let line = shown.lines().find(|line| line.trim_start().starts_with("id ")).expect("an id");
        line.split('"').nth(1).expect("a quoted id").to_owned()
    }

    /// Kills a run as soon as it makes a node.
    fn kill_in_the_middle(&self) {
        self.terrarium.ok(&["testbed", "settings", SLOW]);
        let mut run = self.terrarium.spawn(&["run", "-once"]);
        let lines = BufReader::new(run.stdout.take().expect("a pipe")).lines();
        let told: Vec<String> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.contains("node[\"serve\"]: Creating..."))
            .collect();
        run.kill().expect("a child");
        run.wait().expect("a child");
        assert!(!told.iter().any(|line| line.contains("complete!")), "{told:?}");
        self.terrarium.ok(&["testbed", "settings", PROMPT]);
    }
}

fn holds(told: &str, words: &str) {
    assert!(told.contains(words), "{words:?} in\n{told}");
}

const VMS: [&str; 2] = ["gpu-lab-vm0-project7", "gpu-lab-vm1-project7"];
const ALL: [&str; 4] = [
    "gpu-lab-serve-project7",
    "gpu-lab-train-project7",
    "gpu-lab-vm0-project7",
    "gpu-lab-vm1-project7",
];

#[test]
fn the_gpu_lab_lives_from_three_weeks_before_the_deadline_to_the_day_after() {
    let lab = Lab::begin("2027-02-26T09:00-05:00");

    // Three weeks before: the virtual machines now, the nodes when their lease begins.
    let plan = lab.ends(2, &["plan", "-detailed-exitcode"]);
    holds(&plan, "Plan: 6 to add now, 4 to add later, 0 to change, 0 to destroy.");
    holds(&plan, "deferred until 13 Mar 09:00 EST (14:00 UTC)");
    let apply = lab.ends(0, &["apply", "-auto-approve"]);
    holds(&apply, "Resources: 6 added, 0 changed, 0 destroyed.");
    holds(&apply, "train_address = (known after 13 Mar 09:00 EST)");
    holds(&apply, "terrarium run");
    assert_eq!(lab.servers(), VMS);
    lab.ends(0, &["plan", "-detailed-exitcode"]);
    lab.ends(3, &["plan", "-detailed-exitcode=waiting"]);

    let picture = lab.dir.path().join("timeline.svg");
    lab.terrarium.ok(&["timeline", "-out=timeline.svg"]);
    let drawn = std::fs::read_to_string(picture).expect("a picture");
    let kept = repository().join("examples/gpu-lab/timeline.svg");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&kept, &drawn).expect("the example's picture");
    }
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert_eq!(drawn, kept, "UPDATE_FIXTURES=1 draws the example's picture anew");

    // Nothing is due yet.
    lab.ends(0, &["run", "-once"]);
    assert_eq!(lab.servers(), VMS);

    // The lease begins; the run that brings the nodes up is killed, and the next one ends its work.
    lab.advance("2027-03-13T14:00:30Z");
    holds(&lab.ends(0, &["show"]), "overdue");
    lab.kill_in_the_middle();
    lab.ends(0, &["run", "-once"]);
    assert_eq!(lab.servers(), ALL);
    lab.ends(0, &["plan", "-detailed-exitcode=waiting"]);
    assert!(lab.terrarium.ok(&["output", "-raw", "train_address"]).starts_with("198.18."));
    let before = [
        lab.id("openstack_compute_instance_v2.node[\"train\"]"),
        lab.id("openstack_reservation_host_v1.gpu[\"train\"]"),
    ];

    // A day longer: too early now, possible in the last 48 hours, and nothing on the leases is touched.
    let longer = "-var=gpu_end=2027-03-20 21:00";
    holds(&lab.ends(2, &["plan", "-detailed-exitcode", longer]), "later");
    lab.ends(0, &["apply", "-auto-approve", longer]);
    lab.ends(3, &["plan", "-detailed-exitcode=waiting", longer]);
    lab.advance("2027-03-18T02:00:00Z");
    holds(&lab.ends(2, &["run", "-once"]), "gpu_end");
    lab.ends(0, &["run", "-once", longer]);
    lab.ends(0, &["plan", "-detailed-exitcode=waiting", longer]);
    assert_eq!(lab.servers(), ALL);
    let after = [
        lab.id("openstack_compute_instance_v2.node[\"train\"]"),
        lab.id("openstack_reservation_host_v1.gpu[\"train\"]"),
    ];
    assert_eq!(before, after);
    lab.advance("2027-03-20T12:00:00Z");
    assert_eq!(lab.servers(), ALL, "the old end is no end any more");

    // The day after: what ended is ended, and that is no change.
    lab.advance("2027-03-21T12:00:00Z");
    assert_eq!(lab.servers(), VMS);
    let plan = lab.ends(0, &["plan", "-detailed-exitcode=waiting", longer]);
    holds(&plan, "No changes.");
    holds(&plan, "openstack_compute_instance_v2.node[\"serve\"] ended 20 Mar 21:00 EDT");
    holds(&plan, "terrarium destroy -target=openstack_networking_port_v2.train");
    holds(&lab.ends(1, &["output", "node_addresses"]), "ended");

    // And nothing is left once it is taken down.
    lab.ends(0, &["destroy", "-auto-approve"]);
    assert_eq!(lab.servers(), Vec::<String>::new());
    assert_eq!(lab.terrarium.ok(&["state", "list"]), "");
}
