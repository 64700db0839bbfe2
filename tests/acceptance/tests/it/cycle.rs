//! The main job: both examples, from text to the testbed and back.

use terrarium_support::{Terrarium, Workdir};

/// Creates, plans again, destroys; nothing is left.
fn cycle(example: &str, objects: &[&str]) {
    let dir = Workdir::of(example);
    let terrarium = Terrarium::on_testbed(dir.path());
    let plan = terrarium.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(2), "{}\n{}", plan.stdout, plan.stderr);
    let applied = terrarium.ok(&["apply", "-auto-approve"]);
    assert!(applied.contains("Apply complete! Resources: "), "{applied}");
    assert!(applied.contains("Outputs:"), "{applied}");
    let listed = terrarium.ok(&["state", "list"]);
    for object in objects {
        assert!(listed.lines().any(|line| line == *object), "{object} is not in\n{listed}");
    }
    let again = terrarium.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(again.code, Some(0), "{}\n{}", again.stdout, again.stderr);
    assert!(again.stdout.contains("No changes."), "{}", again.stdout);
    let destroyed = terrarium.ok(&["destroy", "-auto-approve"]);
    assert!(destroyed.contains("Destroy complete! Resources: "), "{destroyed}");
    assert_eq!(terrarium.ok(&["state", "list"]), "");
    let left = terrarium.ok(&["testbed", "list", "-json"]);
    let left: serde_json::Value = serde_json::from_str(&left).expect("JSON");
    assert_eq!(left["objects"], serde_json::json!([]), "something is left in the world");
}

#[test]
fn the_students_project() {
    cycle(
        "examples/student-project",
        &[
            "openstack_networking_network_v2.private_net",
            "openstack_compute_instance_v2.nodes[\"node1\"]",
        ],
    );
}

#[test]
fn the_three_tiers() {
    cycle("examples/three-tier", &["openstack_networking_router_v2.edge"]);
}
