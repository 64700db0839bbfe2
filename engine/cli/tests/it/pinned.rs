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
