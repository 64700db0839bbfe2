# What is made by more than one call: a group without rules, a gateway that comes later, tags.
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.51.1"
    }
  }
}

provider "openstack" {
  cloud = "openstack"
}

data "openstack_networking_network_v2" "public" {
  name = "public"
}

locals {
  groups = { web = true, db = true, plain = false }
}

resource "openstack_networking_secgroup_v2" "group" {
  for_each             = local.groups
  name                 = "whole-${each.key}"
  description          = "a description of its own takes no marker"
  delete_default_rules = each.value
}

resource "openstack_networking_secgroup_v2" "tagged" {
  name                 = "whole-tagged"
  delete_default_rules = true
  tags                 = ["course", "lab"]
}

resource "openstack_networking_network_v2" "net" {
  count = 2
  name  = "whole-net-${count.index}"
  tags  = ["net-${count.index}"]
}

resource "openstack_networking_router_v2" "router" {
  name                = "whole-router"
  external_network_id = data.openstack_networking_network_v2.public.id
  tags                = ["way-out"]

  vendor_options {
    set_router_gateway_after_create = true
  }
}
