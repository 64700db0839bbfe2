//! SIGINT, SIGTERM and SIGHUP, and a second of each, in the middle of what they are to end: a run that waits, an apply
//! whose services are slow, one whose services do not answer.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use terrarium_support::{Server, Terrarium, Workdir};

const KINDS: [&str; 3] = ["INT", "TERM", "HUP"];

/// A server that boots, a volume, and what comes after both.
const LAB: &str = include_str!("../data/kills.tf");

/// A lease that begins in a year of real time, and a server on it.
const WAITS: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
provider "openstack" { cloud = "kvm_tacc" }
resource "openstack_reservation_flavor_v1" "lab" {
  name        = "later"
  flavor_name = "m1.small"
  start_date  = "2027-03-08 09:00"
  end_date    = "2027-03-12 09:00"
}
resource "openstack_compute_instance_v2" "lab" {
  name       = "later"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.lab.reserved_flavor_id
  network { name = "sharednet1" }
}
"#;

fn send(process: u32, kind: &str) {
    let sent = Command::new("kill").args([&format!("-{kind}"), &process.to_string()]).status();
    assert!(sent.expect("kill").success());
}

/// A command in the background, whose lines on stdout and stderr are read all the time.
struct Running {
    child: Child,
    out: thread::JoinHandle<String>,
    err: thread::JoinHandle<String>,
    said: std::sync::mpsc::Receiver<String>,
}

impl Running {
    fn of(mut child: Child) -> Self {
        let (to, said) = std::sync::mpsc::channel();
        let stdout = child.stdout.take().expect("a pipe");
        let mut stderr = child.stderr.take().expect("a pipe");
        let out = thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let told = lines.inspect(|line| {
                // Nobody listens any more once the test waits for the end.
                let _ = to.send(line.clone());
            });
            told.collect::<Vec<_>>().join("\n")
        });
        let err = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("a pipe");
            text
        });
        Self { child, out, err, said }
    }

    /// Waits for a line.
    fn until(&self, words: &str) {
        let within = Duration::from_mins(1);
        while !self.said.recv_timeout(within).expect("a line in time").contains(words) {}
    }

    fn send(&self, kind: &str) {
        send(self.child.id(), kind);
    }

    /// Waits for the end, which must come in time.
    fn ends(mut self, within: Duration) -> (ExitStatus, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if begun.elapsed() > within {
                self.child.kill().expect("a child");
                let (out, err) = (self.out.join(), self.err.join());
                panic!("it goes on after {within:?}: {out:?} {err:?}");
            }
            thread::sleep(Duration::from_millis(20));
        };
        let (out, err) = (self.out.join().expect("lines"), self.err.join().expect("lines"));
        (status, format!("{out}\n{err}"))
    }
}

fn objects(server: &Server) -> usize {
    let listed: serde_json::Value =
        serde_json::from_str(&server.get("/testbed/objects")).expect("JSON");
    listed["objects"].as_array().expect("a list").len()
}

#[test]
fn a_run_that_waits_ends_at_once_and_well() {
    let dir = Workdir::with(WAITS);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    terrarium.ok(&["apply", "-auto-approve"]);
    for kind in KINDS {
        let run = Running::of(terrarium.spawn(&["run", "-no-jump"]));
        run.until("Waiting until 8 Mar");
        run.send(kind);
        let (status, said) = run.ends(Duration::from_secs(5));
        assert_eq!(status.code(), Some(0), "{kind}: {said}");
        assert!(said.contains("Interrupt received"), "{kind}: {said}");
        assert!(said.contains("1 approved change waits: next at 8 Mar"), "{kind}: {said}");
    }
}

/// As `nohup` has it: what is ignored when it starts stays ignored.
#[test]
fn a_run_that_was_told_to_outlive_its_terminal_does() {
    let dir = Workdir::with(WAITS);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    terrarium.ok(&["apply", "-auto-approve"]);
    let program = terrarium_support::binary().display().to_string();
    let script = format!("trap '' HUP; exec {program} run -no-jump");
    let run = Running::of(terrarium.program("/bin/sh").spawn(&["-c", &script]));
    run.until("Waiting until 8 Mar");
    run.send("HUP");
    thread::sleep(Duration::from_millis(500));
    run.send("TERM");
    let (status, said) = run.ends(Duration::from_secs(5));
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("Two interrupts"), "{said}");
}

#[test]
fn an_apply_finishes_what_is_under_way_and_begins_no_more() {
    for kind in KINDS {
        let dir = Workdir::with(LAB);
        let server = Server::start(
            dir.path(),
            "60",
            r#"{"reply_after":{"min_ms":100,"max_ms":200,"seed":1}}"#,
        );
        let terrarium = Terrarium::on_server(dir.path(), &server.url());
        let apply = Running::of(terrarium.spawn(&["apply", "-auto-approve"]));
        apply.until("Creating...");
        apply.send(kind);
        let (status, said) = apply.ends(Duration::from_mins(1));
        assert_eq!(status.code(), Some(1), "{kind}: {said}");
        assert!(said.contains("Interrupt received"), "{kind}: {said}");
        server.set(r#"{"reply_after":null}"#);
        // Nothing is in doubt: each call has its answer, and what services are at work on is followed.
        let again = terrarium.run(&["apply", "-auto-approve"]);
        assert_eq!(again.code, Some(0), "{kind}: {}\n{}", again.stdout, again.stderr);
        assert!(!again.stdout.contains("looking for what"), "{kind}: {}", again.stdout);
        assert_eq!(terrarium.run(&["plan", "-detailed-exitcode"]).code, Some(0), "{kind}");
        terrarium.ok(&["destroy", "-auto-approve"]);
        assert_eq!(objects(&server), 0, "{kind}");
    }
}

/// The services hold their answers back for a minute: after the second signal nobody waits for them, and nothing is
/// lost all the same.
#[test]
fn a_second_signal_leaves_at_once_and_loses_nothing() {
    for (first, second) in [("INT", "INT"), ("TERM", "INT"), ("INT", "HUP")] {
        let dir = Workdir::with(LAB);
        let server = Server::start(dir.path(), "60", "{}");
        let terrarium = Terrarium::on_server(dir.path(), &server.url());
        let apply = Running::of(terrarium.spawn(&["apply", "-auto-approve"]));
        apply.until("Creating...");
        server.set(r#"{"reply_after":{"min_ms":60000,"max_ms":60000,"seed":1}}"#);
        apply.send(first);
        thread::sleep(Duration::from_millis(300));
        apply.send(second);
        let (status, said) = apply.ends(Duration::from_secs(6));
        assert!(matches!(status.code(), Some(1 | 130)), "{first} {second}: {status:?} {said}");
        assert!(said.contains("Two interrupts received"), "{first} {second}: {said}");
        server.set(r#"{"reply_after":null}"#);
        terrarium.ok(&["apply", "-auto-approve"]);
        assert_eq!(
            terrarium.run(&["plan", "-detailed-exitcode"]).code,
            Some(0),
            "{first} {second}"
        );
        terrarium.ok(&["destroy", "-auto-approve"]);
        assert_eq!(objects(&server), 0, "{first} {second}");
    }
}

/// Nobody answers at all while all is still being read: one signal ends it, or two do at once.
#[test]
fn a_plan_that_nobody_answers_is_left_by_two_signals() {
    let dir = Workdir::with(LAB);
    let server = Server::start(dir.path(), "60", "{}");
    let terrarium = Terrarium::on_server(dir.path(), &server.url());
    terrarium.ok(&["apply", "-auto-approve"]);
    server.set(r#"{"reply_after":{"min_ms":60000,"max_ms":60000,"seed":1}}"#);
    let apply = Running::of(terrarium.spawn(&["apply", "-auto-approve"]));
    thread::sleep(Duration::from_secs(2));
    apply.send("TERM");
    thread::sleep(Duration::from_millis(300));
    apply.send("TERM");
    let (status, said) = apply.ends(Duration::from_secs(6));
    assert!(matches!(status.code(), Some(1 | 130)), "{status:?} {said}");
    server.set(r#"{"reply_after":null}"#);
    assert_eq!(terrarium.run(&["plan", "-detailed-exitcode"]).code, Some(0));
}
