//! Nobody is there: runs from cron, the unit of a run that stays, what is only read when its time comes, what was missed.

use crate::terrarium::Lab;
use crate::time::{MAIN, applied, plan};

/// Runs from cron, every five minutes, and counts how often a server was asked for; the last one's exit code.
fn asked_for_by_cron(lab: &Lab, times: usize) -> (usize, i32) {
    let (mut asked, mut last) = (0, 0);
    for _ in 0..times {
        let ran = lab.run(&["run", "--testbed", "-once", "-json"]);
        assert!(ran.code == 1 || !ran.out.contains("run_retry"), "{}{}", ran.out, ran.err);
        last = ran.code;
        let is_begun = |line: &&str| line.contains("apply_start") && line.contains("\"create\"");
        asked += ran.out.lines().filter(is_begun).count();
        lab.good(&["testbed", "advance", "5m"]);
    }
    (asked, last)
}

/// The lease has two hosts: the third server never finds one, and is not made anew every five minutes without end.
#[test]
fn cron_is_as_patient_as_a_run_that_stays() {
    let lab = Lab::of(&MAIN.replace("count       = 2", "count       = 3"));
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab.good(&["testbed", "advance", "to", "2027-03-08T14:05:00Z"]);
    assert_eq!(asked_for_by_cron(&lab, 8), (6, 1), "two that stand, one that was tried four times");
    assert_eq!(asked_for_by_cron(&lab, 3), (0, 1), "it is left alone, and that is told");
    // Whoever looks at it and says yes again has it tried again.
    let ran = lab.run(&["apply", "--testbed", "-auto-approve", "-json"]);
    assert!(ran.out.contains("\"create\""), "{}", ran.out);
}

#[test]
fn cron_rests_longer_each_time_too() {
    let lab = applied();
    lab.good(&["testbed", "settings", "{\"quotas\":{\"instances\":0}}"]);
    lab.good(&["testbed", "advance", "to", "2027-03-08T14:05:00Z"]);
    let mut tries = Vec::new();
    for minute in 0..12 {
        let ran = lab.run(&["run", "--testbed", "-once"]);
        if ran.out.contains("Quota exceeded") {
            tries.push(minute * 5);
        }
        lab.good(&["testbed", "advance", "5m"]);
    }
    // After 30 s, 1, 2, 4 and 8 minutes, then a quarter of an hour: in steps of five minutes.
    assert_eq!(tries, [0, 5, 10, 15, 20, 30, 50]);
}

/// The unit has what this command line has, secrets by name only, and systemd takes it.
#[test]
fn a_unit_keeps_the_run_going() {
    let lab = Lab::of(MAIN);
    std::fs::create_dir_all(lab.path().join("my lab 100%")).unwrap();
    lab.write("my lab 100%/main.tf", MAIN);
    let given = [
        "-chdir=my lab 100%",
        "run",
        "-unit",
        "-var",
        "label=a b$c",
        "-var=secret=hush-hush",
        "-var-file",
        "course.vars",
        "-parallelism=4",
    ];
    let envs = [("TF_WORKSPACE", "blue"), ("OS_CLOUD", "chi_uc"), ("OS_PASSWORD", "hush-hush")];
    let ran = lab.with(&given, "", &envs);
    ran.says(
        0,
        &[
            "# Put it into /etc/systemd/system/terrarium-my-lab-100--blue.service:",
            "run -var \"label=a b$$c\" -var-file course.vars -parallelism=4\n",
            "-chdir=",
            "my lab 100%%\" run",
            "Environment=TF_WORKSPACE=blue\n",
            "Environment=OS_CLOUD=chi_uc\n",
            "for: OS_PASSWORD, TF_VAR_secret\nEnvironmentFile=/etc/terrarium/terrarium-my-lab-100--blue.env\n",
            "Restart=on-failure\n",
            "KillSignal=SIGTERM\n",
            "TimeoutStopSec=300\n",
        ],
    );
    assert!(!ran.out.contains("hush-hush") && !ran.out.contains("-unit \n"), "{}", ran.out);
    let here = lab.path().display().to_string();
    assert!(ran.out.contains(&format!("WorkingDirectory={here}\n")), "{}", ran.out);
    lab.write("terrarium-lab.service", &ran.out);
    let file = lab.path().join("terrarium-lab.service");
    let verify = ["verify", "--man=no", file.to_str().unwrap()];
    match std::process::Command::new("systemd-analyze").args(verify).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            let about: Vec<&str> =
                said.lines().filter(|line| line.contains("terrarium-lab")).collect();
            assert!(about.is_empty(), "{about:?}\n{}", ran.out);
        }
        Err(error) => println!("SKIPPED: systemd-analyze is not here ({error})"),
    }
    lab.run(&["run", "-unit", "-once"]).says(1, &["-once"]);
}

/// A lease of an address, and what reads it; nothing waits to be made.
const ADDRESS: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
provider "openstack" { cloud = "chi_uc" }
resource "openstack_reservation_floatingip_v1" "f" {
  for_each   = toset(["a"])
  name       = "address-${each.key}"
  pool       = "public"
  start_date = "2027-03-02 09:00"
  end_date   = "2027-03-02 21:00"
  time_zone  = "UTC"
}
locals { first = openstack_reservation_floatingip_v1.f["a"].addresses[0] }
output "address" { value = "at ${local.first}" }
output "name" { value = openstack_reservation_floatingip_v1.f["a"].name }
"#;

fn address(text: &str) -> Lab {
    let lab = Lab::of(text);
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab
}

/// Nothing is to be made, and yet something is to come: the run stays for it.
#[test]
fn an_output_that_waits_for_a_lease_alone_is_recorded_when_it_begins() {
    let lab = address(ADDRESS);
    lab.run(&["output", "address"]).says(1, &["not found"]);
    lab.run(&["run", "--testbed", "-once"])
        .says(0, &["What is read then waits: next at 2 Mar 09:00 UTC"]);
    lab.run(&["run", "--testbed"]).says(
        0,
        &[
            "Waiting until 2 Mar 09:00 UTC (21 h).",
            "Run complete! Resources: 0 added, 0 changed, 0 destroyed.",
            "address = \"at 198.18.",
        ],
    );
    assert!(lab.good(&["output", "-raw", "address"]).starts_with("at 198.18."));
    lab.run(&["run", "--testbed"]).says(0, &["Nothing is scheduled."]);
    plan(&lab, "-detailed-exitcode").says(0, &["No changes."]);
}

#[test]
fn cron_records_such_an_output_too() {
    let lab = address(ADDRESS);
    lab.good(&["testbed", "advance", "to", "2027-03-02T10:00:00Z"]);
    lab.run(&["run", "--testbed", "-once"]).says(0, &["Run complete!", "address = \"at 198.18."]);
    assert!(lab.good(&["output", "-raw", "address"]).starts_with("at 198.18."));
    lab.run(&["run", "--testbed", "-once"]).says(0, &["Nothing is scheduled."]);
}

#[test]
fn a_data_source_that_waits_is_a_reason_to_stay() {
    let text = ADDRESS.replace(
        "output \"address\" { value = \"at ${local.first}\" }",
        "data \"openstack_networking_floatingip_v2\" \"f\" { address = local.first }\noutput \"pool\" { value = data.openstack_networking_floatingip_v2.f.pool }",
    );
    let lab = address(&text);
    lab.run(&["run", "--testbed"])
        .says(0, &["Waiting until 2 Mar 09:00 UTC", "Run complete!", "pool = "]);
    plan(&lab, "-detailed-exitcode").says(0, &[]);
}

/// Two leases and a server on each, in a module.
const TWO: &str = r#"
variable "leases" {
  default = {
    one = { from = "2027-03-03 09:00", to = "2027-03-05 09:00" }
    two = { from = "2027-03-08 09:00", to = "2027-03-12 09:00" }
  }
}
resource "openstack_reservation_flavor_v1" "lab" {
  for_each    = var.leases
  name        = "lab-${each.key}"
  flavor_name = "m1.small"
  start_date  = each.value.from
  end_date    = each.value.to
}
resource "openstack_compute_instance_v2" "lab" {
  for_each   = var.leases
  name       = "lab-${each.key}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.lab[each.key].reserved_flavor_id
  network { name = "sharednet1" }
}
"#;

/// The laptop was closed for the first lease: that is told once, and the second one goes up all the same.
#[test]
fn what_was_missed_is_told_once_and_stops_nothing_else() {
    let lab = Lab::of(
        "provider \"openstack\" { cloud = \"kvm_tacc\" }\nmodule \"m\" { source = \"./m\" }\nterraform {\n  required_providers {\n    openstack = { source = \"terraform-provider-openstack/openstack\" }\n  }\n}\n",
    );
    std::fs::create_dir_all(lab.path().join("m")).unwrap();
    let needs = "terraform {\n  required_providers {\n    openstack = { source = \"terraform-provider-openstack/openstack\" }\n  }\n}\n";
    lab.write("m/main.tf", &format!("{needs}{TWO}"));
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab.good(&["testbed", "advance", "to", "2027-03-08T10:00:00Z"]);
    let ran = lab.run(&["run", "--testbed", "-once"]);
    ran.says(
        1,
        &[
            "Scheduled work was missed",
            "module.m.openstack_compute_instance_v2.lab[\"one\"]: due since",
            "its window closed 5 Mar",
            "`terrarium apply`",
            "module.m.openstack_compute_instance_v2.lab[\"two\"]: Creation complete",
            "Run complete! Resources: 1 added",
        ],
    );
    let again = lab.run(&["run", "--testbed", "-once"]);
    again.says(0, &["Nothing is scheduled."]);
    assert!(!again.err.contains("missed"), "{}", again.err);
}
