//! What a later major version of the provider removed works where the constraint selects an older one.

use crate::terrarium::Lab;

const PINNED: &str = r#"
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.53.0"
    }
  }
}

data "openstack_networking_network_v2" "public" {
  name = "public"
}

resource "openstack_networking_network_v2" "outside" {
  name = "outside"
}

resource "openstack_networking_router_v2" "edge" {
  for_each         = { known = data.openstack_networking_network_v2.public.id }
  name             = each.key
  external_gateway = each.value
}

resource "openstack_networking_subnet_v2" "inside" {
  network_id = openstack_networking_network_v2.outside.id
  cidr       = "10.2.0.0/24"

  allocation_pools {
    start = "10.2.0.100"
    end   = "10.2.0.120"
  }
  allocation_pools {
    start = "10.2.0.10"
    end   = "10.2.0.20"
  }
}

data "openstack_networking_subnet_v2" "inside" {
  network_id    = openstack_networking_subnet_v2.inside.network_id
  dhcp_disabled = false
}

resource "openstack_blockstorage_volume_v3" "disk" {
  size        = 1
  multiattach = false
}

output "same" {
  value = (
    openstack_networking_router_v2.edge["known"].external_gateway ==
    openstack_networking_router_v2.edge["known"].external_network_id
  )
}

output "first" {
  value = openstack_networking_subnet_v2.inside.allocation_pools[0].start
}
"#;

#[test]
fn removed_arguments_work_in_the_versions_that_have_them() {
    let lab = Lab::of(PINNED);
    lab.run(&["validate"]).says(0, &["Argument is deprecated", "external_network_id"]);
    let ran = lab.run(&["apply", "--testbed", "-auto-approve"]);
    ran.says(0, &["4 added", "same = true", "first = \"10.2.0.100\""]);
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    // A change of an old argument is one of its successor.
    lab.write("main.tf", &PINNED.replace("10.2.0.120", "10.2.0.130"));
    let ran = lab.run(&["apply", "--testbed", "-auto-approve"]);
    ran.says(0, &["0 added, 1 changed, 0 destroyed"]);
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    // Beside its successor it is refused.
    let both = "external_gateway = each.value\n  external_network_id = each.value";
    lab.write("main.tf", &PINNED.replace("external_gateway = each.value", both));
    lab.run(&["validate"]).says(1, &["Conflicting configuration arguments"]);
}

#[test]
fn pins_of_years_ago_are_taken() {
    for pin in ["~> 1.33.0", "~> 1.48.0", "1.35.0", "< 1.51"] {
        let lab = Lab::of(&PINNED.replace("~> 1.53.0", pin));
        lab.good(&["init"]);
        lab.run(&["plan", "--testbed"]).says(0, &["Plan: 4 to add, 0 to change, 0 to destroy."]);
    }
}

#[test]
fn later_versions_name_the_successor_and_read_what_older_ones_recorded() {
    let lab = Lab::of(PINNED);
    lab.good(&["apply", "--testbed", "-auto-approve"]);
    let later = PINNED.replace("~> 1.53.0", "~> 3.0");
    lab.write("main.tf", &later);
    lab.run(&["init", "-upgrade"]);
    let refused = ["external_gateway\" is not", "use external_network_id"];
    lab.run(&["validate"]).says(1, &refused);
    let today = later
        .replace("external_gateway ==", "external_network_id ==")
        .replace("external_gateway", "external_network_id")
        .replace("allocation_pools {", "allocation_pool {")
        .replace("allocation_pools[0].start", "cidr")
        .replace("  multiattach = false\n", "")
        .replace("dhcp_disabled = false", "dhcp_enabled = true");
    lab.write("main.tf", &today);
    lab.run(&["plan", "--testbed"]).says(0, &["openstack_networking_router_v2.edge[\"known\"]"]);
    lab.run(&["apply", "--testbed", "-auto-approve"]).says(0, &["0 added, 0 changed, 0 destroyed"]);
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
}

const OLDER: &str = r#"
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.53.0"
    }
  }
}

resource "openstack_networking_network_v2" "lab" { name = "lab" }

resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_networking_network_v2.lab.id
  cidr       = "10.2.0.0/24"

  host_routes {
    destination_cidr = "10.9.0.0/16"
    next_hop         = "10.2.0.254"
  }
  allocation_pools {
    start = "10.2.0.10"
    end   = "10.2.0.20"
  }
}

data "openstack_networking_subnet_v2" "lab" {
  subnet_id  = openstack_networking_subnet_v2.lab.id
  depends_on = [openstack_networking_subnet_v2.lab]
}

data "openstack_images_image_v2" "newest" {
  sort_key       = "name"
  sort_direction = "desc"
  name_regex     = "^CC-Ubuntu"
  most_recent    = true
}

resource "openstack_compute_instance_v2" "desk" {
  name        = "desk"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  network { name = "sharednet1" }
}

resource "openstack_compute_floatingip_v2" "desk" { pool = "public" }

resource "openstack_compute_floatingip_associate_v2" "desk" {
  floating_ip = openstack_compute_floatingip_v2.desk.address
  instance_id = openstack_compute_instance_v2.desk.id
}

output "routes" { value = data.openstack_networking_subnet_v2.lab.host_routes[*].next_hop }
output "sort" { value = data.openstack_images_image_v2.newest.sort_direction }
output "held_by" { value = openstack_compute_floatingip_v2.desk.instance_id == openstack_compute_instance_v2.desk.id }
"#;

#[test]
fn routes_orders_and_addresses_of_old_configurations_do_what_they_did() {
    let lab = Lab::of(OLDER);
    let ran = lab.run(&["apply", "--testbed", "-auto-approve"]);
    ran.says(0, &["5 added", "10.2.0.254", "sort = \"desc\""]);
    // The address was read before its server had it.
    lab.run(&["apply", "--testbed", "-auto-approve", "-refresh-only"]).says(0, &["held_by = true"]);
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    lab.write("main.tf", &OLDER.replace("10.2.0.254", "10.2.0.253"));
    let ran = lab.run(&["apply", "--testbed", "-auto-approve"]);
    ran.says(0, &["0 added, 1 changed, 0 destroyed", "10.2.0.253"]);
    lab.run(&["plan", "--testbed", "-detailed-exitcode"]).says(0, &["No changes."]);
    lab.run(&["destroy", "--testbed", "-auto-approve"]).says(0, &["5 destroyed"]);
}

#[test]
fn what_no_version_of_ours_takes_is_refused_with_what_to_write_instead() {
    for (old, new, said) in [
        (
            "  image_name  =",
            "  floating_ip = \"1.2.3.4\"\n  image_name  =",
            "floatingip_associate_v2",
        ),
        (
            "  network { name",
            "  volume { volume_id = \"v\" }\n  network { name",
            "volume_attach_v2",
        ),
        (
            "openstack_compute_floatingip_v2\" \"desk\"",
            "openstack_lb_vip_v1\" \"desk\"",
            "openstack_lb_loadbalancer_v2",
        ),
        (
            "openstack_compute_floatingip_v2\" \"desk\"",
            "openstack_compute_secgroup_v2\" \"desk\"",
            "openstack_networking_secgroup_v2, with an",
        ),
        ("~> 1.53.0", "~> 3.0", "use sort, such as"),
        ("~> 1.53.0", "~> 3.0", "use openstack_networking_subnet_route_v2"),
    ] {
        let lab = Lab::of(&OLDER.replacen(old, new, 1));
        lab.run(&["validate"]).says(1, &[said]);
    }
}
