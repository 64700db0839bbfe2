//! The reference that `explain TYPE` prints: what stands in it is true.

use terrarium_support::Terrarium;

use crate::order::project;

/// Types with an example, and how many objects it plans.
const EXAMPLES: [(&str, &str); 7] = [
    ("openstack_reservation_device_v1", "1 to add"),
    ("openstack_reservation_flavor_v1", "3 to add"),
    ("openstack_reservation_floatingip_v1", "1 to add"),
    ("openstack_reservation_host_v1", "2 to add"),
    ("openstack_reservation_instance_v1", "1 to add"),
    ("openstack_reservation_lease_v1", "1 to add"),
    ("openstack_reservation_network_v1", "2 to add"),
];

/// Returns the example of a reference.
fn example(text: &str) -> String {
    let (_, rest) = text.split_once("\nExample\n").expect("an example");
    let (example, _) = rest.split_once("\nArguments\n").expect("arguments after it");
    let lines = example.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_can_be_planned() {
    let empty = project("");
    let reader = Terrarium::on_testbed(empty.path());
    for (kind, count) in EXAMPLES {
        let text = reader.ok(&["explain", kind]);
        let dir = project(&example(&text));
        let said = Terrarium::on_testbed(dir.path()).ok(&["plan"]);
        assert!(said.contains(count), "{kind}\n{said}");
    }
}

#[test]
fn the_reference_says_what_waits_for_what() {
    let empty = project("");
    let reader = Terrarium::on_testbed(empty.path());
    let text = reader.ok(&["explain", "openstack_reservation_host_v1"]);
    for part in
        ["A lease of whole nodes", "min (number, required)", "where (blocks)", "reservation_id"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.contains("Others sit on it by: reservation_id."), "{text}");
    let text = reader.ok(&["explain", "openstack_compute_instance_v2"]);
    assert!(text.contains("It begins and ends with what it sits on."), "{text}");
    let text = reader.ok(&["explain", "data.openstack_reservation_hosts_v1"]);
    assert!(text.contains("Looks up: host."), "{text}");
    let wrong = reader.run(&["explain", "openstack_reservation_hosts_v1"]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("Did you mean"), "{}", wrong.stderr);
}
