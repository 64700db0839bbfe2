//! The course's configuration on the embedded testbed.

use crate::terrarium::Lab;

#[test]
fn a_students_project_goes_up_stays_and_goes_down() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.run(&[at, "plan", "--testbed"]).says(0, &["Plan: 12 to add, 0 to change, 0 to destroy."]);
    let ran = lab.run(&[at, "apply", "--testbed", "-auto-approve"]);
    ran.says(
        0,
        &[
            "Apply complete! Resources: 12 added, 0 changed, 0 destroyed.",
            "floating_ip_out = \"198.18.",
        ],
    );
    assert!(ran.err.starts_with("Testbed: working on"), "{}", ran.err);
    assert!(
        ran.err.trim_end().lines().last().unwrap().starts_with("Testbed: nothing real was touched"),
        "{}",
        ran.err
    );
    lab.run(&[at, "plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    assert!(lab.good(&[at, "testbed", "status"]).contains("server 3"));
    assert!(lab.good(&[at, "testbed", "list"]).contains("node1-project7"));
    lab.run(&[at, "destroy", "--testbed", "-auto-approve"])
        .says(0, &["Destroy complete! Resources: 12 destroyed."]);
    assert_eq!(lab.good(&[at, "testbed", "list"]), "Nothing exists that a command made.\n");
}

#[test]
fn three_tiers_with_a_module_go_up_and_down() {
    let lab = Lab::copy(&["examples/three-tier", "modules"]);
    let at = "-chdir=examples/three-tier";
    lab.run(&[at, "apply", "--testbed", "-auto-approve"]).says(0, &["Apply complete!"]);
    lab.run(&[at, "plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    lab.run(&[at, "destroy", "--testbed", "-auto-approve"]).says(0, &["Destroy complete!"]);
    assert_eq!(lab.good(&[at, "testbed", "list"]), "Nothing exists that a command made.\n");
}

#[test]
fn offline_needs_no_cloud() {
    let lab = Lab::copy(&["examples/student-project"]);
    let ran = lab.run(&["-chdir=examples/student-project", "plan", "-offline", "-out=p"]);
    ran.says(0, &["to add"]);
    let shown = lab.good(&["-chdir=examples/student-project", "show", "-json", "p"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["complete"], false);
}

#[test]
fn a_new_world_and_its_clock_are_one_command_away() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.run(&[at, "testbed", "status"]).says(1, &["No testbed here"]);
    lab.good(&[at, "plan", "--testbed"]);
    lab.run(&[at, "testbed", "advance", "2h"]).says(0, &["It is now"]);
    lab.run(&[at, "testbed", "reset"]).says(1, &["-force"]);
    lab.run(&[at, "testbed", "reset", "-force"]).says(0, &["A new world has begun."]);
}

const TWO: &str = r#"
resource "terraform_data" "here" {}
resource "openstack_networking_network_v2" "net" {
  for_each = toset(["a", "b"])
  name     = "${terraform.workspace}-${each.key}"
}
"#;

const REQUIRED: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
"#;

#[test]
fn a_new_world_is_new_for_all_workspaces() {
    let lab = Lab::of(&[REQUIRED, TWO].concat());
    let apply = ["apply", "--testbed", "-auto-approve"];
    lab.good(&apply);
    lab.good(&["workspace", "new", "exam"]);
    lab.good(&apply);
    lab.good(&["workspace", "new", "empty"]);
    lab.good(&["workspace", "new", "elsewhere"]);
    lab.good(&["apply", "--testbed=other.db", "-auto-approve"]);
    lab.good(&["workspace", "select", "empty"]);

    // Nobody is there to ask, and nothing is forgotten without a word.
    let lines = [
        "workspace \"default\": 3 resource instance(s)",
        "workspace \"exam\": 3 resource instance(s)",
    ];
    let ran = lab.run(&["testbed", "reset"]);
    ran.says(1, &[lines[0], lines[1], "-force"]);
    assert!(!ran.out.contains("elsewhere"), "{}", ran.out);
    let ran = lab.run(&["testbed", "reset", "-force"]);
    ran.says(0, &["A new world has begun.", lines[0], lines[1]]);
    assert!(!ran.out.contains("elsewhere"), "{}", ran.out);

    for workspace in ["default", "exam"] {
        lab.good(&["workspace", "select", workspace]);
        assert_eq!(lab.good(&["state", "list"]), "", "{workspace}");
        lab.run(&apply).says(0, &["3 added"]);
    }
    // Another world's state is none of this one's.
    lab.good(&["workspace", "select", "elsewhere"]);
    lab.run(&["plan", "--testbed=other.db", "-detailed-exitcode"]).says(0, &["No changes."]);
    // The same once the world's file is gone, as the cache that it is.
    std::fs::remove_dir_all(lab.path().join(".terrarium")).unwrap();
    lab.good(&["workspace", "select", "exam"]);
    lab.run(&["plan", "--testbed"]).says(1, &["another simulated world", "state anew"]);
}

#[test]
fn a_world_stays_while_one_of_its_states_is_locked() {
    let lab = Lab::of(&[REQUIRED, TWO].concat());
    let apply = ["apply", "--testbed", "-auto-approve"];
    lab.good(&apply);
    lab.good(&["workspace", "new", "exam"]);
    lab.good(&apply);
    let mut waiting = lab.asking(&["destroy", "--testbed"]);
    lab.good(&["workspace", "select", "default"]);
    lab.run(&["testbed", "reset", "-force"])
        .says(1, &["Error acquiring the state lock", "terrarium.db-lock.exam"]);
    drop(waiting.stdin.take());
    waiting.wait().unwrap();
    // Nothing was forgotten, and no lock is left.
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    lab.run(&["testbed", "reset", "-force"]).says(0, &["A new world has begun."]);
}

/// A quota of which nobody knew at the plan: one server passes, the others are refused.
const FULL: &str = r#"{"faults": [{
    "skip": 1, "times": 9, "method": "POST", "path_prefix": "/kvm-tacc/compute/v2.1/servers",
    "effect": {"kind": "answer", "status": 403, "body": {"forbidden": {"code": 403,
        "message": "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances"}}}
}]}"#;

#[test]
fn a_quota_that_does_not_suffice_is_told_at_the_plan_and_what_is_removed_makes_room() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.good(&[at, "plan", "--testbed"]);
    lab.good(&[at, "testbed", "settings", "{\"quotas\":{\"instances\":2,\"port\":-1}}"]);
    for command in [&[at, "plan", "--testbed"][..], &[at, "apply", "--testbed", "-auto-approve"]] {
        lab.run(command).says(
            1,
            &["The quota does not suffice", "\"instances\"", "2 left, 0 of 2 in", "ask the site"],
        );
    }
    lab.good(&[at, "testbed", "settings", "{\"quotas\":{\"instances\":3}}"]);
    lab.good(&[at, "apply", "--testbed", "-auto-approve"]);
    // Full, and nothing more is wanted; a replacement takes the place of what it replaces.
    lab.good(&[at, "plan", "--testbed"]);
    let servers = lab.good(&[at, "state", "list"]);
    let server = servers.lines().find(|line| line.contains("openstack_compute_instance_v2"));
    let replace = format!("-replace={}", server.unwrap());
    lab.good(&[at, "plan", "--testbed", &replace]);
}

#[test]
fn a_failed_apply_says_what_was_done_what_failed_and_how_to_go_on() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.good(&[at, "plan", "--testbed"]);
    lab.run(&[at, "testbed", "settings", "[]"]).says(1, &["Invalid settings"]);
    lab.run(&[at, "testbed", "settings", FULL]).says(0, &["Quota exceeded"]);
    let ran = lab.run(&[at, "apply", "--testbed", "-auto-approve"]);
    ran.says(
        1,
        &[
            "Quota exceeded",
            "the quota is full",
            "Done:\n",
            "Failed:\n",
            ": create: Error creating openstack_compute_instance_v2: ",
            "terrarium -chdir=examples/student-project apply --testbed -auto-approve",
        ],
    );
    let last = ran.out.trim_end().lines().last().unwrap();
    assert_eq!(
        last,
        "Apply incomplete! Resources: 10 added, 0 changed, 0 destroyed, 2 failed, 0 skipped."
    );
    let lines = lab.run(&[at, "apply", "--testbed", "-auto-approve", "-json"]).out;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., incomplete, last] = lines.as_slice() else { panic!("too few lines") };
    assert_eq!(last["type"], "change_summary");
    assert_eq!(incomplete["type"], "run_incomplete");
    assert_eq!(incomplete["failed"].as_array().unwrap().len(), 2);
    assert!(incomplete["continue"].as_str().unwrap().ends_with("--testbed -auto-approve -json"));
    lab.good(&[at, "testbed", "settings", "{\"faults\":[]}"]);
    lab.run(&[at, "apply", "--testbed", "-auto-approve"])
        .says(0, &["Resources: 2 added, 0 changed, 0 destroyed."]);
}

#[test]
fn a_state_belongs_to_its_world() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.good(&[at, "apply", "--testbed", "-auto-approve"]);
    lab.run(&[at, "plan", "--testbed=other.db"])
        .says(1, &["another simulated world", "terrarium workspace new", "terrarium state anew"]);
    lab.run(&[at, "destroy", "--testbed=other.db", "-auto-approve"])
        .says(1, &["another simulated world", "terrarium state anew"]);
    lab.run(&[at, "plan"]).says(1, &["belongs to a simulated world", "-testbed"]);
    let old = lab.good(&[at, "state", "list"]);
    assert_eq!(old.lines().filter(|line| !line.starts_with("data.")).count(), 12, "{old}");
    lab.run(&[at, "state", "anew"]).says(1, &["Not approved"]);
    lab.run(&[at, "state", "anew", "-force"]).says(0, &["Forgot 12 instance(s)"]);
    lab.run(&[at, "apply", "--testbed=other.db", "-auto-approve"]).says(0, &["12 added"]);
    lab.run(&[at, "state", "anew", "-force"]).says(0, &["Forgot"]);
    lab.run(&[at, "state", "anew", "-force"]).says(0, &["Nothing of a simulated world"]);
}

#[test]
fn objects_are_bound_to_another_place_by_the_users_word_alone() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.good(&[at, "apply", "--testbed", "-auto-approve"]);
    lab.run(&[at, "state", "rebind", "--testbed"])
        .says(0, &["Every object is bound to where the configuration logs in."]);
    lab.run(&[at, "state", "rebind", "--testbed=other.db"]).says(1, &["Not approved"]);
    lab.run(&[at, "state", "rebind", "--testbed=other.db", "-force"])
        .says(0, &["object(s) from testbed", "Successfully bound"]);
    lab.run(&[at, "plan", "--testbed"]).says(1, &["another simulated world"]);
    lab.run(&[at, "plan", "--testbed=other.db"]).says(0, &["to add"]);
}

#[test]
fn a_plan_without_the_lock_looks_and_writes_nothing() {
    let lab = Lab::copy(&["examples/student-project"]);
    let at = "-chdir=examples/student-project";
    lab.good(&[at, "apply", "--testbed", "-auto-approve"]);
    let head = lab.path().join("examples/student-project/terrarium.db-head");
    let before = std::fs::read(&head).unwrap();
    lab.run(&[at, "plan", "--testbed", "-lock=false"]).says(0, &["No changes"]);
    assert_eq!(std::fs::read(&head).unwrap(), before);
    lab.good(&[at, "state", "backup"]);
    lab.run(&[at, "state", "backup", "terrarium.db"]).says(1, &["terrarium.db"]);
}
