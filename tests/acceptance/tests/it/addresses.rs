//! Floating IPs that are replaced, let go of, or stand in the way of a port's change.

use terrarium_support::{Terrarium, Workdir};

use crate::order::{in_order, project};

/// A port behind a router, with two fixed addresses to choose from.
const BEHIND: &str = r#"
variable "fixed" { default = "10.26.0.10" }
variable "open" { default = true }
data "openstack_networking_network_v2" "public" { name = "public" }
resource "openstack_networking_network_v2" "lab" { name = "lab" }
resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = "10.26.0.0/24"
}
resource "openstack_networking_router_v2" "edge" {
  external_network_id = var.open ? data.openstack_networking_network_v2.public.id : ""
}
resource "openstack_networking_router_interface_v2" "lab" {
  router_id = openstack_networking_router_v2.edge.id
  subnet_id = openstack_networking_subnet_v2.lab.id
}
resource "openstack_networking_port_v2" "desk" {
  network_id = openstack_networking_network_v2.lab.id
  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.lab.id
    ip_address = var.fixed
  }
}
"#;

fn behind(body: &str) -> Workdir {
    project(&format!("{BEHIND}{body}"))
}

fn refused(terrarium: &Terrarium, args: &[&str], parts: &[&str]) {
    let refused = terrarium.run(args);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert_eq!(refused.code, Some(1), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

const ASSOCIATED: &str = r#"
resource "openstack_networking_floatingip_v2" "out" { pool = "public" }
resource "openstack_networking_floatingip_associate_v2" "out" {
  floating_ip = openstack_networking_floatingip_v2.out.address
  port_id     = openstack_networking_port_v2.desk.id
  depends_on  = [openstack_networking_router_interface_v2.lab]
  # LIFECYCLE
}
"#;

#[test]
fn an_address_is_not_replaced_under_an_association_that_would_be_made_first() {
    let first = ASSOCIATED.replace("# LIFECYCLE", "lifecycle { create_before_destroy = true }");
    let dir = behind(&first);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let replace = "-replace=openstack_networking_floatingip_v2.out";
    let parts =
        ["T0424", "openstack_networking_floatingip_associate_v2.out", "create_before_destroy"];
    refused(&terrarium, &["plan", replace], &parts);
    std::fs::copy(behind(ASSOCIATED).path().join("main.tf"), dir.path().join("main.tf"))
        .expect("copied");
    terrarium.ok(&["apply", "-auto-approve", replace]);
    terrarium.ok(&["plan", "-detailed-exitcode"]);
}

#[test]
fn an_address_is_not_replaced_under_a_server_that_would_be_given_two() {
    let dir = project(
        r#"
resource "openstack_networking_floatingip_v2" "out" { pool = "public" }
resource "openstack_compute_instance_v2" "web" {
  for_each    = toset(["a"])
  name        = each.key
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  network { name = "sharednet1" }
}
locals { address = openstack_networking_floatingip_v2.out.address }
resource "openstack_compute_floatingip_associate_v2" "web" {
  for_each    = openstack_compute_instance_v2.web
  floating_ip = local.address
  instance_id = each.value.id
  lifecycle { create_before_destroy = true }
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let replace = "-replace=openstack_networking_floatingip_v2.out";
    refused(&terrarium, &["plan", replace], &["T0424", "instance_id"]);
    // Where both are made anew, the new address goes to the new server.
    let server = "-replace=openstack_compute_instance_v2.web[\"a\"]";
    terrarium.ok(&["apply", "-auto-approve", replace, server]);
    terrarium.ok(&["plan", "-detailed-exitcode"]);
}

#[test]
fn an_address_is_let_go_of_before_the_way_out_closes() {
    let dir = behind(
        r#"
resource "openstack_networking_floatingip_v2" "out" {
  pool       = "public"
  port_id    = var.open ? openstack_networking_port_v2.desk.id : ""
  depends_on = [openstack_networking_router_interface_v2.lab]
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let closed = terrarium.ok(&["apply", "-auto-approve", "-var", "open=false"]);
    let order = ["floatingip_v2.out: Modifications complete", "router_v2.edge: Modifying"];
    in_order(&closed, &order);
    let opened = terrarium.ok(&["apply", "-auto-approve"]);
    in_order(&opened, &["router_v2.edge: Modifications complete", "floatingip_v2.out: Modifying"]);
    terrarium.ok(&["plan", "-detailed-exitcode"]);
}

#[test]
fn a_fixed_address_under_a_floating_one_changes_only_where_that_lets_go() {
    let dir = behind(ASSOCIATED);
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let fixed = ["-var", "fixed=10.26.0.20"];
    let parts = ["openstack_networking_port_v2.desk", "10.26.0.10", "-replace=ADDRESS"];
    refused(&terrarium, &[&["plan"], &fixed[..]].concat(), &parts);
    let replace = "-replace=openstack_networking_floatingip_associate_v2.out";
    let moved = terrarium.ok(&[&["apply", "-auto-approve", replace], &fixed[..]].concat());
    in_order(
        &moved,
        &[
            "floatingip_associate_v2.out: Destruction complete",
            "port_v2.desk: Modifications complete",
            "floatingip_associate_v2.out: Creating",
        ],
    );
    terrarium.ok(&[&["plan", "-detailed-exitcode"], &fixed[..]].concat());
}

#[test]
fn a_port_gets_a_new_address_only_when_the_old_one_is_gone() {
    let address = |name: &str| {
        format!(
            "resource \"openstack_networking_floatingip_v2\" \"{name}\" {{\n\
             pool       = \"public\"\n\
             port_id    = openstack_networking_port_v2.desk.id\n\
             depends_on = [openstack_networking_router_interface_v2.lab]\n}}\n"
        )
    };
    let dir = behind(&address("old"));
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    std::fs::copy(behind(&address("a_new")).path().join("main.tf"), dir.path().join("main.tf"))
        .expect("copied");
    let renamed = terrarium.ok(&["apply", "-auto-approve"]);
    in_order(
        &renamed,
        &["floatingip_v2.old: Destruction complete", "floatingip_v2.a_new: Creating"],
    );
    terrarium.ok(&["plan", "-detailed-exitcode"]);
}

#[test]
fn an_address_stays_bound_while_the_next_server_boots_though_its_port_is_looked_up() {
    let dir = project(
        r#"
variable "hello" { default = "1" }
resource "openstack_networking_floatingip_v2" "out" { pool = "public" }
resource "openstack_compute_instance_v2" "web" {
  name        = "web"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  user_data   = var.hello
  network { name = "sharednet1" }
  lifecycle { create_before_destroy = true }
}
data "openstack_networking_port_v2" "web" { device_id = openstack_compute_instance_v2.web.id }
resource "openstack_networking_floatingip_associate_v2" "web" {
  floating_ip = openstack_networking_floatingip_v2.out.address
  port_id     = data.openstack_networking_port_v2.web.id
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let rolled = terrarium.ok(&["apply", "-auto-approve", "-var", "hello=2"]);
    in_order(
        &rolled,
        &[
            "instance_v2.web: Creation complete",
            "floatingip_associate_v2.web: Destroying",
            "floatingip_associate_v2.web: Creation complete",
            "instance_v2.web: Destroying",
        ],
    );
    terrarium.ok(&["plan", "-detailed-exitcode", "-var", "hello=2"]);
}

#[test]
fn addresses_that_would_swap_ports_in_place_are_refused_by_the_plan() {
    let dir = behind(
        r#"
variable "turned" { default = false }
data "openstack_networking_port_v2" "desk" { port_id = openstack_networking_port_v2.desk.id }
resource "openstack_networking_port_v2" "shelf" {
  network_id = openstack_networking_network_v2.lab.id
  fixed_ip { subnet_id = openstack_networking_subnet_v2.lab.id }
}
locals { ports = [data.openstack_networking_port_v2.desk.id, openstack_networking_port_v2.shelf.id] }
resource "openstack_networking_floatingip_v2" "out" {
  count = 2
  pool  = "public"
}
resource "openstack_networking_floatingip_associate_v2" "out" {
  count       = 2
  floating_ip = openstack_networking_floatingip_v2.out[count.index].address
  port_id     = local.ports[var.turned ? 1 - count.index : count.index]
  depends_on  = [openstack_networking_router_interface_v2.lab]
}
"#,
    );
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let turned = ["-var", "turned=true"];
    let first = "openstack_networking_floatingip_associate_v2.out[0]";
    let parts = ["T0424", "Nobody can let go first", first];
    refused(&terrarium, &[&["plan"], &turned[..]].concat(), &parts);
    let replace = format!("-replace={first}");
    terrarium.ok(&[&["apply", "-auto-approve", &replace], &turned[..]].concat());
    terrarium.ok(&[&["plan", "-detailed-exitcode"], &turned[..]].concat());
}

#[test]
fn a_floating_ip_that_moves_to_a_port_of_the_same_plan_lets_the_other_give_up_its_address() {
    let held = |port: &str| {
        format!(
            "resource \"openstack_networking_floatingip_v2\" \"out\" {{\n  pool = \"public\"\n  port_id = \
             openstack_networking_port_v2.{port}.id\n  depends_on = \
             [openstack_networking_router_interface_v2.lab]\n}}\n"
        )
    };
    let dir = behind(&held("desk"));
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["apply", "-auto-approve"]);
    let other = "resource \"openstack_networking_port_v2\" \"other\" {\n  network_id = \
                 openstack_networking_network_v2.lab.id\n  fixed_ip {\n    subnet_id = \
                 openstack_networking_subnet_v2.lab.id\n  }\n}\n";
    let moved = format!("{BEHIND}{}{other}", held("other"));
    let moved = project(&moved);
    std::fs::copy(moved.path().join("main.tf"), dir.path().join("main.tf")).expect("a copy");
    let args = ["apply", "-auto-approve", "-var=fixed=10.26.0.20"];
    let said = terrarium.ok(&args);
    assert!(said.contains("1 added, 2 changed, 0 destroyed"), "{said}");
    terrarium.ok(&["plan", "-detailed-exitcode", "-var=fixed=10.26.0.20"]);
}
