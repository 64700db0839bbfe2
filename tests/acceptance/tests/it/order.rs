//! The order of what is made, changed and removed, where a service refuses any other.

use terrarium_support::{Terrarium, Workdir};

const HEAD: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
"#;

pub(crate) fn project(body: &str) -> Workdir {
    Workdir::with(&format!("{HEAD}{body}"))
}

/// Asserts that the lines of a run that begin so come in this order.
pub(crate) fn in_order(text: &str, beginnings: &[&str]) {
    let mut from = 0;
    for beginning in beginnings {
        let found = text.get(from..).and_then(|rest| rest.find(beginning));
        let at = found.unwrap_or_else(|| panic!("{beginning} does not come next in\n{text}"));
        from += at + beginning.len();
    }
}

#[test]
fn a_network_goes_after_a_port_that_found_it_by_its_name() {
    let dir = project(
        r#"
resource "openstack_networking_network_v2" "a" { name = "found-by-name" }
data "openstack_networking_network_v2" "found" {
  name       = "found-by-name"
  depends_on = [openstack_networking_network_v2.a]
}
data "openstack_networking_network_v2" "again" { network_id = data.openstack_networking_network_v2.found.id }
resource "openstack_networking_port_v2" "p" { network_id = data.openstack_networking_network_v2.again.id }
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let replaced =
        terrarium.ok(&["apply", "-auto-approve", "-replace=openstack_networking_network_v2.a"]);
    let order = [
        "openstack_networking_port_v2.p: Destruction complete",
        "openstack_networking_network_v2.a: Destroying",
    ];
    in_order(&replaced, &order);
    let emptied = project("output \"nothing\" { value = 1 }");
    std::fs::copy(emptied.path().join("main.tf"), dir.path().join("main.tf")).expect("copied");
    in_order(&terrarium.ok(&["apply", "-auto-approve"]), &order);
}

#[test]
fn a_router_goes_after_an_interface_that_found_it_by_its_name() {
    let dir = project(
        r#"
data "openstack_networking_network_v2" "public" { name = "public" }
resource "openstack_networking_network_v2" "lab" { name = "lab" }
resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = "10.21.0.0/24"
}
resource "openstack_networking_router_v2" "a" {
  name                = "way-out"
  external_network_id = data.openstack_networking_network_v2.public.id
}
# A name that is known does not make the router exist.
data "openstack_networking_router_v2" "found" { name = openstack_networking_router_v2.a.name }
resource "openstack_networking_router_interface_v2" "lab" {
  router_id = data.openstack_networking_router_v2.found.id
  subnet_id = openstack_networking_subnet_v2.lab.id
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let order = [
        "openstack_networking_router_interface_v2.lab: Destruction complete",
        "openstack_networking_router_v2.a: Destroying",
    ];
    in_order(&terrarium.ok(&["destroy", "-auto-approve"]), &order);
}

#[test]
fn what_triggers_a_replacement_is_there_first() {
    let dir = project(
        r#"
resource "openstack_networking_network_v2" "lab" { name = "lab" }
resource "openstack_networking_subnet_v2" "z" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = "10.22.0.0/24"
}
resource "openstack_networking_port_v2" "a" {
  network_id = openstack_networking_network_v2.lab.id
  lifecycle { replace_triggered_by = [openstack_networking_subnet_v2.z.id] }
}
output "addresses" { value = openstack_networking_port_v2.a.all_fixed_ips }
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let addresses = terrarium.ok(&["output", "-json", "addresses"]);
    assert!(addresses.contains("10.22.0."), "the port has an address of the subnet: {addresses}");
    let order = [
        "openstack_networking_port_v2.a: Destruction complete",
        "openstack_networking_subnet_v2.z: Destroying",
    ];
    in_order(&terrarium.ok(&["destroy", "-auto-approve"]), &order);
}

#[test]
fn a_volume_grows_between_two_attachments() {
    let dir = project(
        r#"
variable "size" { default = 1 }
variable "on" { default = "a" }
resource "openstack_blockstorage_volume_v3" "data" { size = var.size }
resource "openstack_compute_instance_v2" "desk" {
  for_each    = toset(["a", "b"])
  name        = each.key
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  network { name = "sharednet1" }
}
resource "openstack_compute_volume_attach_v2" "data" {
  count       = var.on == "" ? 0 : 1
  instance_id = openstack_compute_instance_v2.desk[var.on].id
  volume_id   = openstack_blockstorage_volume_v3.data.id
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let moved = terrarium.ok(&["apply", "-auto-approve", "-var", "size=3", "-var", "on=b"]);
    in_order(
        &moved,
        &[
            "openstack_compute_volume_attach_v2.data[0]: Destruction complete",
            "openstack_blockstorage_volume_v3.data: Modifying",
            "openstack_blockstorage_volume_v3.data: Modifications complete",
            "openstack_compute_volume_attach_v2.data[0]: Creating",
        ],
    );
    let taken = terrarium.ok(&["apply", "-auto-approve", "-var", "size=5", "-var", "on="]);
    in_order(
        &taken,
        &[
            "openstack_compute_volume_attach_v2.data[0]: Destruction complete",
            "openstack_blockstorage_volume_v3.data: Modifying",
        ],
    );
}

#[test]
fn addresses_go_before_the_way_out() {
    let dir = project(
        r#"
variable "open" { default = true }
data "openstack_networking_network_v2" "public" { name = "public" }
resource "openstack_networking_network_v2" "lab" { name = "lab" }
resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = "10.23.0.0/24"
}
resource "openstack_networking_router_v2" "edge" {
  external_network_id = var.open ? data.openstack_networking_network_v2.public.id : ""
}
resource "openstack_networking_router_interface_v2" "lab" {
  router_id = openstack_networking_router_v2.edge.id
  subnet_id = openstack_networking_subnet_v2.lab.id
}
resource "openstack_networking_port_v2" "desk" {
  count      = 4
  network_id = openstack_networking_network_v2.lab.id
  fixed_ip { subnet_id = openstack_networking_subnet_v2.lab.id }
}
resource "openstack_networking_floatingip_v2" "desk" {
  count      = var.open ? 4 : 0
  pool       = "public"
  port_id    = openstack_networking_port_v2.desk[count.index].id
  depends_on = [openstack_networking_router_interface_v2.lab]
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let closed = terrarium.ok(&["apply", "-auto-approve", "-var", "open=false"]);
    let gone = closed.rfind("floatingip_v2.desk[").expect("an address went");
    let changed = closed.find("router_v2.edge: Modifying").expect("the router was changed");
    assert!(gone < changed, "the router is changed after the last address is gone:\n{closed}");
}

/// A port with an address of a subnet.
const HELD: &str = r#"
variable "cidr" { default = "10.24.0.0/24" }
resource "openstack_networking_network_v2" "lab" { name = "lab" }
resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = var.cidr
  # LIFECYCLE
}
resource "openstack_networking_port_v2" "desk" {
  network_id = openstack_networking_network_v2.lab.id
  fixed_ip { subnet_id = openstack_networking_subnet_v2.lab.id }
}
"#;

#[test]
fn a_subnet_under_a_port_is_replaced_in_an_order_that_works_or_not_at_all() {
    let dir = project(HELD);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let change = ["-var", "cidr=10.25.0.0/24"];
    let refused = terrarium.run(&[&["plan"], &change[..]].concat());
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert_eq!(refused.code, Some(1), "{said}");
    for part in ["openstack_networking_port_v2.desk", "create_before_destroy", "T0424"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    let other = HELD.replace("# LIFECYCLE", "lifecycle { create_before_destroy = true }");
    std::fs::write(dir.path().join("main.tf"), format!("{HEAD}{other}")).expect("written");
    let moved = terrarium.ok(&[&["apply", "-auto-approve"], &change[..]].concat());
    in_order(
        &moved,
        &[
            "openstack_networking_port_v2.desk: Modifications complete",
            "openstack_networking_subnet_v2.lab: Destruction complete",
        ],
    );
    terrarium.ok(&[&["plan", "-detailed-exitcode"], &change[..]].concat());
}

/// Asserts that the only address of the world is with a port.
fn the_address_is_in_use(terrarium: &Terrarium) {
    let world = terrarium.ok(&["testbed", "list", "-json"]);
    let world: serde_json::Value = serde_json::from_str(&world).expect("JSON");
    let objects = world["objects"].as_array().expect("a list");
    let addresses: Vec<_> = objects.iter().filter(|one| one["type"] == "floatingip").collect();
    assert_eq!(addresses.len(), 1, "{world}");
    assert_eq!(addresses[0]["status"], "ACTIVE", "{world}");
}

#[test]
fn an_association_that_is_made_anew_first_is_not_taken_away_after() {
    for (associate, holder) in [
        ("networking_floatingip_associate_v2", "port_id = openstack_networking_port_v2.p.id"),
        ("compute_floatingip_associate_v2", "instance_id = openstack_compute_instance_v2.w.id"),
    ] {
        let dir = project(&format!(
            r#"
data "openstack_networking_network_v2" "shared" {{ name = "sharednet1" }}
resource "openstack_networking_port_v2" "p" {{ network_id = data.openstack_networking_network_v2.shared.id }}
resource "openstack_compute_instance_v2" "w" {{
  name        = "web"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  network {{ port = openstack_networking_port_v2.p.id }}
}}
resource "openstack_networking_floatingip_v2" "f" {{ pool = "public" }}
resource "openstack_{associate}" "a" {{
  floating_ip = openstack_networking_floatingip_v2.f.address
  {holder}
  depends_on  = [openstack_compute_instance_v2.w]
  lifecycle {{ create_before_destroy = true }}
}}
"#
        ));
        let terrarium = Terrarium::on_testbed(dir.path());
        terrarium.ok(&["apply", "-auto-approve"]);
        let replace = format!("-replace=openstack_{associate}.a");
        let told = terrarium.ok(&["apply", "-auto-approve", &replace]);
        assert!(told.contains("1 added, 0 changed, 1 destroyed"), "{told}");
        the_address_is_in_use(&terrarium);
        assert!(terrarium.ok(&["plan"]).contains("No changes."));
        terrarium.ok(&["destroy", "-auto-approve"]);
    }
}
