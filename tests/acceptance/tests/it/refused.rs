//! What a service refused is not in the state, and its clean-up touches nobody else's.

use terrarium_support::{Terrarium, Workdir};

/// Two networks, of which one has a way out; an address on the first, whose move to the second Neutron
/// refuses for as long as the provider waits for it.
const MOVE: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
variable "to_the_closed_one" { default = false }
data "openstack_networking_network_v2" "public" { name = "public" }
resource "openstack_networking_router_v2" "edge" {
  external_network_id = data.openstack_networking_network_v2.public.id
}
resource "openstack_networking_network_v2" "lab" {
  for_each = toset(["open", "closed"])
  name     = each.key
}
resource "openstack_networking_subnet_v2" "lab" {
  for_each   = openstack_networking_network_v2.lab
  network_id = each.value.id
  cidr       = each.key == "open" ? "10.8.1.0/24" : "10.8.2.0/24"
}
resource "openstack_networking_router_interface_v2" "open" {
  router_id = openstack_networking_router_v2.edge.id
  subnet_id = openstack_networking_subnet_v2.lab["open"].id
}
resource "openstack_networking_port_v2" "lab" {
  for_each   = openstack_networking_subnet_v2.lab
  network_id = each.value.network_id
  fixed_ip { subnet_id = each.value.id }
}
resource "openstack_networking_floatingip_v2" "entry" {
  pool       = "public"
  port_id    = openstack_networking_port_v2.lab["open"].id
  depends_on = [openstack_networking_router_interface_v2.open]
  lifecycle { ignore_changes = [port_id] }
}
resource "openstack_networking_floatingip_associate_v2" "moved" {
  count       = var.to_the_closed_one ? 1 : 0
  floating_ip = openstack_networking_floatingip_v2.entry.address
  port_id     = openstack_networking_port_v2.lab["closed"].id
}
"#;

#[test]
fn a_refused_association_leaves_the_address_where_it_is() {
    let dir = Workdir::with(MOVE);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let refused = terrarium.run(&["apply", "-auto-approve", "-var", "to_the_closed_one=true"]);
    assert_eq!(refused.code, Some(1), "{}\n{}", refused.stdout, refused.stderr);
    let listed = terrarium.ok(&["state", "list"]);
    assert!(!listed.contains("floatingip_associate"), "what was refused is recorded:\n{listed}");
    terrarium.ok(&["apply", "-auto-approve"]);
    let world = terrarium.ok(&["testbed", "list", "-json"]);
    let world: serde_json::Value = serde_json::from_str(&world).expect("JSON");
    let addresses: Vec<&serde_json::Value> = world["objects"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["type"] == "floatingip")
        .collect();
    assert_eq!(addresses.len(), 1, "{world}");
    assert_eq!(addresses[0]["status"], "ACTIVE", "the address is still on its port: {world}");
}

/// A server that is replaced before it is removed, with an address that goes along.
const ROLLING: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
variable "script" { default = "one" }
resource "openstack_networking_floatingip_v2" "entry" { pool = "public" }
resource "openstack_compute_instance_v2" "web" {
  name        = "web"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  user_data   = var.script
  network { name = "sharednet1" }
  lifecycle { create_before_destroy = true }
}
resource "openstack_compute_floatingip_associate_v2" "web" {
  floating_ip = openstack_networking_floatingip_v2.entry.address
  instance_id = openstack_compute_instance_v2.web.id
  lifecycle { create_before_destroy = true }
}
"#;

#[test]
fn the_end_of_an_old_association_leaves_the_new_one_alone() {
    let dir = Workdir::with(ROLLING);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&["apply", "-auto-approve", "-var", "script=two"]);
    let again = terrarium.run(&["plan", "-detailed-exitcode", "-var", "script=two"]);
    assert_eq!(again.code, Some(0), "{}\n{}", again.stdout, again.stderr);
}

const SERVER: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
resource "openstack_compute_instance_v2" "web" {
  name        = "web"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  network { name = "sharednet1" }
}
"#;

#[test]
fn a_deletion_that_fails_inside_nova_is_sent_again_and_then_given_up() {
    let dir = Workdir::with(SERVER);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&[
        "testbed",
        "settings",
        r#"{"deletion_faults": [{"object": "web", "times": 3}]}"#,
    ]);
    let failed = terrarium.run(&["destroy", "-auto-approve"]);
    assert_eq!(failed.code, Some(1), "{}\n{}", failed.stdout, failed.stderr);
    let said = format!("{}{}", failed.stdout, failed.stderr).replace(['\n', '│'], " ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["is in state ERROR", "was sent 3 times and failed each time", "reset its state"] {
        assert!(said.contains(words), "{words:?} is missing in\n{said}");
    }
    assert!(terrarium.ok(&["state", "list"]).contains("openstack_compute_instance_v2.web"));
    // Once more it fails, the second try is through.
    terrarium.ok(&["testbed", "settings", r#"{"deletion_faults": [{"times": 1}]}"#]);
    terrarium.ok(&["destroy", "-auto-approve"]);
    assert_eq!(terrarium.ok(&["state", "list"]), "");
}

#[test]
fn what_carries_the_marker_of_this_state_and_is_not_in_it_is_shown() {
    let dir = Workdir::with(
        r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
resource "openstack_networking_network_v2" "lab" { name = "lab" }
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let quiet = terrarium.ok(&["plan"]);
    assert!(!quiet.contains("are not in it"), "{quiet}");
    terrarium.ok(&["state", "rm", "openstack_networking_network_v2.lab"]);
    let plan = terrarium.run(&["plan"]);
    let said = format!("{}{}", plan.stdout, plan.stderr).replace(['\n', '│'], " ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Objects of this state are not in it",
        "(\"lab\"), made for openstack_networking_network_v2.lab",
        "terrarium import 'openstack_networking_network_v2.lab'",
    ] {
        assert!(said.contains(words), "{words:?} is missing in\n{said}");
    }
}
