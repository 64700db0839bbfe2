//! What waits for its time: planned, approved, carried out by `run`, ended; on the embedded testbed.

use crate::terrarium::{Lab, Ran};

/// A lease that begins in a week of the world's time, servers on it, one beside it.
pub(crate) const MAIN: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
provider "openstack" {
  cloud = "chi_uc"
}
variable "label" { default = "one" }
variable "secret" {
  default   = "hush"
  sensitive = true
}
resource "openstack_reservation_lease_v1" "gpu" {
  name       = "gpu-week"
  start_date = "2027-03-08 09:00"
  end_date   = "2027-03-12 09:00"
  time_zone  = "America/New_York"
  host {
    min = 2
    max = 2
    where {
      property = "node_type"
      value    = "gpu_rtx_6000"
    }
  }
}
resource "openstack_compute_instance_v2" "gpu" {
  count       = 2
  name        = "gpu-${var.label}-${count.index}"
  image_name  = "CC-Ubuntu22.04"
  flavor_name = "baremetal"
  network { name = "sharednet1" }
  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_lease_v1.gpu.host[0].id
    }
  }
}
resource "terraform_data" "now" { input = var.label }
output "ip" { value = openstack_compute_instance_v2.gpu[0].access_ip_v4 }
output "label" { value = terraform_data.now.output }
"#;

/// A lab whose world begins a week before the lease.
fn lab() -> Lab {
    let lab = Lab::of(MAIN);
    lab.good(&["plan", "--testbed"]);
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab
}

pub(crate) fn applied() -> Lab {
    let lab = lab();
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab
}

pub(crate) fn plan(lab: &Lab, flag: &str) -> Ran {
    lab.run(&["plan", "--testbed", flag])
}

#[test]
fn what_waits_is_planned_approved_and_carried_out() {
    let lab = lab();
    plan(&lab, "-detailed-exitcode").says(
        2,
        &[
            "# openstack_reservation_lease_v1.gpu will be created\n  # (now)",
            "# (deferred until 8 Mar 09:00 EST (14:00 UTC), because openstack_reservation_lease_v1.gpu starts)\n  # (and 1 more like it: [1])",
            "Plan: 2 to add now, 2 to add later, 0 to change, 0 to destroy.",
            "Timeline:",
        ],
    );
    lab.run(&["apply", "--testbed", "-auto-approve", "-var", "label=a b", "-var=secret=x"]).says(
        0,
        &[
            "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.",
            "ip = (known after 8 Mar 09:00 EST)",
            "2 approved changes wait:\n  8 Mar 09:00 EST (14:00 UTC): create openstack_compute_instance_v2.gpu[0] and 1 more",
            "    terrarium run --testbed -var 'label=a b'\nwith the sensitive values in its environment: TF_VAR_secret",
        ],
    );
    let same = ["plan", "--testbed", "-var", "label=a b", "-detailed-exitcode"];
    lab.run(&same)
        .says(0, &["No changes. 2 approved changes wait: next at 8 Mar 09:00 EST (14:00 UTC)."]);
    lab.run(&["plan", "--testbed", "-var", "label=a b", "-detailed-exitcode=waiting"]).says(3, &[]);
    lab.run(&["output", "ip"]).says(1, &["not found", "may be known after what waits"]);
    assert_eq!(lab.good(&["output", "-raw", "label"]), "a b");
    lab.run(&["run", "--testbed", "-once", "-var", "label=a b"])
        .says(0, &["2 approved changes wait: next at"]);
    lab.run(&["run", "--testbed", "-var", "label=a b"]).says(
        0,
        &[
            "Waiting until 8 Mar 09:00 EST (14:00 UTC) (7 d 2 h).",
            "openstack_compute_instance_v2.gpu[0]: Creation complete",
            "Run complete! Resources: 2 added, 0 changed, 0 destroyed.",
        ],
    );
    lab.run(&["run", "--testbed"]).says(0, &["Nothing is scheduled."]);
    lab.run(&same).says(0, &["No changes. Your infrastructure matches the configuration."]);
    lab.run(&["output", "ip"]).says(0, &["\"10."]);
}

#[test]
fn what_ended_is_told_and_given_out_no_more() {
    let lab = applied();
    lab.good(&["run", "--testbed"]);
    lab.good(&["testbed", "advance", "to", "2027-03-12T15:00:00Z"]);
    plan(&lab, "-detailed-exitcode").says(
        0,
        &[
            "These objects ended with their time, as was to be expected:",
            "# openstack_reservation_lease_v1.gpu ended 12 Mar 09:00 EST (14:00 UTC)",
            "# openstack_compute_instance_v2.gpu[0] ended 12 Mar 09:00 EST (14:00 UTC), with openstack_reservation_lease_v1.gpu",
            "brings them back (what ended",
        ],
    );
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab.run(&["output", "ip"]).says(1, &["Output \"ip\" has ended", "ended 12 Mar 14:00 UTC"]);
    let all: serde_json::Value = serde_json::from_str(&lab.good(&["output", "-json"])).unwrap();
    assert!(all.get("ip").is_none() && all.get("label").is_some(), "{all}");
    let text = lab.good(&["output"]);
    assert!(text.contains("ip = (ended 12 Mar 14:00 UTC)"), "{text}");
    let shown = lab.good(&["state", "show", "openstack_compute_instance_v2.gpu[1]"]);
    assert!(
        shown.contains("(ended 12 Mar 14:00 UTC with openstack_reservation_lease_v1.gpu)"),
        "{shown}"
    );
    let shown: serde_json::Value = serde_json::from_str(&lab.good(&["show", "-json"])).unwrap();
    assert!(shown.to_string().contains("\"ended\":{\"since\":\"2027-03-12T14:00:00Z\""), "{shown}");
}

#[test]
fn nobody_awake_is_told_by_the_next_command_and_caught_up() {
    let lab = applied();
    lab.good(&["testbed", "advance", "to", "2027-03-09T14:00:00Z"]);
    for command in [&["state", "list"][..], &["output", "label"], &["show"]] {
        lab.run(command).says(
            0,
            &[
                "Scheduled work is overdue",
                "2 changes are scheduled and due, the first since 8 Mar 14:00 UTC:",
                "create openstack_compute_instance_v2.gpu[0]: it can be done for 3 d more",
            ],
        );
    }
    lab.run(&["run", "--testbed", "-once"]).says(0, &["Run complete! Resources: 2 added"]);
    assert_eq!(lab.run(&["state", "list"]).err, "");
}

#[test]
fn what_is_not_what_was_approved_is_held_back() {
    let lab = applied();
    lab.good(&["testbed", "advance", "to", "2027-03-09T14:00:00Z"]);
    lab.run(&["run", "--testbed", "-once", "-var=label=two"]).says(
        2,
        &["Due work is held back", "label", "openstack_compute_instance_v2.gpu[0] and 1 more"],
    );
    lab.write("main.tf", &MAIN.replace("gpu-${var.label}", "node-${var.label}"));
    lab.run(&["run", "--testbed", "-once"]).says(2, &["Due work is held back"]);
    // The clock jumps, so that waiting for a person would last for ever.
    lab.run(&["run", "--testbed"]).says(2, &["Due work is held back"]);
    lab.write("main.tf", &MAIN.replace("output \"label\"", "# Why.\noutput \"label\""));
    lab.run(&["run", "--testbed", "-once"]).says(0, &["Resources: 2 added"]);
}

#[test]
fn a_run_stops_at_its_hour_and_misses_what_is_over() {
    let lab = applied();
    lab.run(&["run", "--testbed", "-until=2027-03-05T00:00:00Z"])
        .says(0, &["2 approved changes wait: next at"]);
    lab.run(&["run", "--testbed", "-until=friday"]).says(1, &["Invalid instant"]);
    lab.run(&["testbed", "status"]).says(0, &["2027-03-05T00:00:00Z"]);
    lab.good(&["testbed", "advance", "8d"]);
    lab.run(&["run", "--testbed", "-once"]).says(
        1,
        &[
            "Scheduled work was missed",
            "create openstack_compute_instance_v2.gpu[0] and 1 more: due since",
            "its window closed 12 Mar 09:00 EST",
            "give its lease new dates",
        ],
    );
    plan(&lab, "-detailed-exitcode").says(0, &["ended 12 Mar"]);
}

#[test]
fn destroy_cancels_what_was_scheduled() {
    let lab = applied();
    lab.run(&["destroy", "--testbed", "-auto-approve"])
        .says(0, &["Destroy complete! Resources: 2 destroyed."]);
    lab.run(&["run", "--testbed"]).says(0, &["Nothing is scheduled."]);
    assert_eq!(lab.good(&["testbed", "list"]), "Nothing exists that a command made.\n");
}

#[test]
fn another_time_can_be_looked_at_and_nothing_else() {
    let lab = lab();
    lab.run(&["plan", "--testbed", "-at=2027-03-09T12:00-05:00"])
        .says(0, &["Plan: ", "With -at this is a look at another time"]);
    lab.run(&["plan", "--testbed", "-at=2027-03-09", "-out=p"]).says(1, &["can't be saved"]);
    for command in ["apply", "destroy", "run", "refresh"] {
        lab.run(&[command, "-at=2027-03-09"]).says(1, &["-at only looks at another time", command]);
    }
    lab.with(&["plan", "-at=2027-03-14 02:30"], "", &[("TZ", "America/New_York")])
        .says(1, &["does not exist in America/New_York", "2027-03-14T02:30-05:00"]);
    assert_eq!(lab.good(&["state", "list"]), "");
}

#[test]
fn programs_read_what_waits() {
    let lab = lab();
    lab.good(&["plan", "--testbed", "-out=p"]);
    let shown =
        |args: &[&str]| -> serde_json::Value { serde_json::from_str(&lab.good(args)).unwrap() };
    let plan = shown(&["show", "-json", "p"]);
    assert_eq!(plan["complete"], false);
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 2);
    let deferred = plan["deferred_changes"].as_array().unwrap();
    assert_eq!(deferred.len(), 2);
    assert_eq!(deferred[0]["reason"], "absent_prereq");
    assert_eq!(deferred[0]["resource_change"]["address"], "openstack_compute_instance_v2.gpu[0]");
    assert_eq!(deferred[0]["resource_change"]["change"]["actions"], serde_json::json!(["create"]));
    assert_eq!(deferred[0].as_object().unwrap().len(), 2, "Terraform's keys and no others");
    let ours = &plan["terrarium"];
    assert_eq!(ours["next_due"], "2027-03-08T14:00:00Z");
    assert_eq!(ours["time_zone"], "America/New_York");
    assert_eq!(ours["deferred"][0]["cause"]["lender"], "openstack_reservation_lease_v1.gpu");
    assert_eq!(ours["deferred"][0]["approved"], false);
    assert_eq!(ours["changes"][0]["window"]["until"], "2027-03-12T14:00:00Z");
    assert!(ours["timeline"].is_object());
    let inline = shown(&["show", "-json", "-deferred=inline", "p"]);
    assert_eq!(inline["resource_changes"].as_array().unwrap().len(), 4);
    lab.good(&["apply", "--testbed", "p"]);
    let lines = lab.good(&["run", "--testbed", "-json"]);
    let types: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    for kind in ["scheduled", "run_waiting", "apply_complete", "change_summary"] {
        assert!(types.iter().any(|found| found == kind), "{kind}: {types:?}");
    }
}

#[test]
fn a_saved_plan_comes_in_time_or_not_at_all() {
    let lab = lab();
    lab.good(&["plan", "--testbed", "-out=late"]);
    lab.good(&["testbed", "advance", "to", "2027-03-08T15:00:00Z"]);
    lab.run(&["apply", "--testbed", "late"]).says(
        1,
        &[
            "Saved plan came too late",
            "openstack_reservation_lease_v1.gpu was to begin 8 Mar 09:00 EST",
        ],
    );
    let lab = lab_with_lease();
    lab.good(&["plan", "--testbed", "-out=due"]);
    lab.good(&["testbed", "advance", "to", "2027-03-08T15:00:00Z"]);
    lab.run(&["apply", "--testbed", "due"])
        .says(0, &["has fallen due", "gpu[1]: Creation complete"]);
}

/// A lab whose lease stands already, without its servers.
fn lab_with_lease() -> Lab {
    let lab = lab();
    lab.good(&[
        "apply",
        "--testbed",
        "-auto-approve",
        "-target=openstack_reservation_lease_v1.gpu",
    ]);
    lab
}

#[test]
fn without_deferring_it_is_terraforms_error() {
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" { count = length(terraform_data.a.id) > 0 ? 2 : 0 }\n",
    );
    lab.run(&["plan", "-no-defer"]).says(1, &["Invalid count argument"]);
    lab.run(&["plan"]).says(
        0,
        &["wait for values that are not known yet", "1 to plan once its values are known."],
    );
    lab.run(&["plan", "-out=p"]).says(0, &[]);
    lab.run(&["apply", "-auto-approve"]).says(0, &["planning again", "Resources: 2 added"]);
    assert_eq!(lab.good(&["state", "list"]).lines().count(), 3);
    lab.run(&["plan", "-detailed-exitcode"]).says(0, &["No changes."]);
}

#[test]
fn a_saved_plan_does_its_own_round() {
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" { count = length(terraform_data.a.id) > 0 ? 2 : 0 }\n",
    );
    lab.good(&["plan", "-out=p"]);
    lab.run(&["apply", "p"])
        .says(0, &["Resources: 1 added", "1 block waits for values that are known now"]);
    lab.with(&["apply"], "yes\n", &[]).says(0, &["Resources: 2 added"]);
}

#[test]
fn a_run_follows_a_clock_that_somebody_else_moves() {
    let lab = applied();
    let run = lab.start(&["run", "--testbed", "-no-jump"], "Waiting until 8 Mar");
    lab.good(&["testbed", "advance", "to", "2027-03-08T14:05:00Z"]);
    let (code, rest) = run.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("Run complete! Resources: 2 added"), "{rest}");
}

#[test]
fn a_run_stops_cleanly_while_it_waits() {
    let lab = applied();
    let run = lab.start(&["run", "--testbed", "-no-jump"], "Waiting until 8 Mar");
    // Nobody is kept from the state meanwhile.
    plan(&lab, "-detailed-exitcode").says(0, &["2 approved changes wait"]);
    run.terminate();
    let (code, rest) = run.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("2 approved changes wait: next at 8 Mar 09:00 EST"), "{rest}");
}

#[test]
fn a_run_notices_that_its_schedule_was_cancelled() {
    let lab = applied();
    let run = lab.start(&["run", "--testbed", "-no-jump"], "Waiting until 8 Mar");
    lab.good(&["destroy", "--testbed", "-auto-approve"]);
    let (code, rest) = run.end();
    assert_eq!((code, rest.contains("Run complete! Resources: 0 added")), (0, true), "{rest}");
}

#[test]
fn what_fails_is_tried_again_until_its_window_closes() {
    let lab = applied();
    lab.good(&["testbed", "settings", "{\"quotas\":{\"instances\":1}}"]);
    let ran = lab.run(&["run", "--testbed", "-until=2027-03-10T00:00:00Z"]);
    ran.says(0, &["tried again 8 Mar", "tried again 9 Mar", "1 approved change waits"]);
    assert_eq!(lab.good(&["state", "list"]).lines().count(), 3, "the other server stands");
    lab.good(&["testbed", "settings", "{\"quotas\":{}}"]);
    lab.run(&["run", "--testbed"]).says(0, &["Run complete! Resources: 1 added"]);
}

/// One quota and eight servers are a line a round, not eight blocks; the window's end is told once.
#[test]
fn one_cause_is_one_line_a_round() {
    let lab =
        Lab::of(&MAIN.replace("count       = 2", "count       = 8").replace("= 2\n", "= 8\n"));
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    lab.good(&["testbed", "settings", "{\"quotas\":{\"instances\":0}}"]);
    let ran = lab.run(&["run", "--testbed"]);
    ran.says(
        1,
        &[
            "gpu[2] and 5 more: Error creating openstack_compute_instance_v2: POST",
            "its window closes 12 Mar 09:00 EST (14:00 UTC), before another try",
            "create openstack_compute_instance_v2.gpu[0] and 7 more: due since",
        ],
    );
    let lines = |words: &str| ran.out.lines().filter(|line| line.contains(words)).count();
    assert_eq!(lines("gpu[0]: Creating"), 1, "{}", ran.out);
    assert_eq!(lines("Creation failed"), 0, "{}", ran.out);
    assert!((15..60).contains(&lines("Quota exceeded")), "{}", ran.out);
    assert_eq!(ran.err.matches("Error:").count(), 1, "{}", ran.err);
    lab.run(&["run", "--testbed"]).says(0, &["Nothing is scheduled."]);
}

#[test]
fn a_run_bears_what_is_wrong_for_a_while() {
    let lab = applied();
    lab.write("main.tf", &format!("{MAIN}\noutput \"x\" {{"));
    lab.run(&["run", "--testbed"]).says(1, &["Unclosed configuration block"]);
    lab.write("main.tf", MAIN);
    let run = lab.start(&["run", "--testbed", "-no-jump"], "Waiting until 8 Mar");
    lab.write("main.tf", &format!("{MAIN}\noutput \"x\" {{"));
    lab.good(&["testbed", "advance", "to", "2027-03-08T14:05:00Z"]);
    let run = run.until("Tried again 8 Mar");
    lab.write("main.tf", MAIN);
    lab.good(&["testbed", "advance", "1h"]);
    let (code, rest) = run.end();
    assert_eq!((code, rest.contains("Run complete! Resources: 2 added")), (0, true), "{rest}");
}

#[test]
fn what_an_action_left_broken_is_made_anew_three_times() {
    let lab = Lab::of(&MAIN.replace("count       = 2", "count       = 3"));
    lab.good(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    // The lease has two hosts: the third server never finds one.
    let ran = lab.run(&["run", "--testbed", "-json"]);
    ran.says(1, &["No valid host", "was made anew three times", "1 approved change waits"]);
    let is_begun = |line: &&str| line.contains("apply_start") && line.contains("\"create\"");
    let made = ran.out.lines().filter(is_begun).count();
    assert_eq!(made, 6, "two that stand, one that was tried four times:\n{}", ran.out);
    let servers = lab.good(&["testbed", "list"]);
    assert_eq!(servers.lines().filter(|line| line.contains("gpu-one-")).count(), 3, "{servers}");
}

#[test]
fn the_run_line_leads_back_to_the_same_place() {
    let lab = Lab::copy(&["examples/gpu-lab"]);
    let at = "-chdir=examples/gpu-lab";
    lab.write("examples/gpu-lab/course.vars", "project = \"project8\"\n");
    lab.good(&[at, "testbed", "reset", "-force", "-at=2027-02-26T14:00:00Z"]);
    lab.run(&[at, "apply", "--testbed", "-auto-approve", "-var-file", "course.vars"]).says(
        0,
        &[
            "4 approved changes wait:",
            "\n    terrarium -chdir=examples/gpu-lab run --testbed -var-file=course.vars\n",
        ],
    );
    lab.good(&[at, "testbed", "advance", "to", "2027-03-13T15:00:00Z"]);
    lab.run(&[at, "run", "--testbed", "-once"]).says(2, &["Due work is held back", "project"]);
    lab.run(&[at, "run", "--testbed", "-once", "-var-file=course.vars"])
        .says(0, &["Resources: 4 added"]);
}
