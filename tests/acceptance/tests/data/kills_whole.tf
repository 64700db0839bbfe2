# What is made by more than one call each.
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
  # Whether the default rules go.
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

resource "openstack_networking_subnet_v2" "subnet" {
  name       = "whole-subnet"
  network_id = openstack_networking_network_v2.net[0].id
  cidr       = "10.9.0.0/24"
  tags       = ["subnet"]
}

resource "openstack_networking_port_v2" "port" {
  name           = "whole-port"
  network_id     = openstack_networking_network_v2.net[0].id
  admin_state_up = true
  tags           = ["port"]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_networking_router_v2" "router" {
  name                = "whole-router"
  external_network_id = data.openstack_networking_network_v2.public.id
  tags                = ["way-out"]

  vendor_options {
    set_router_gateway_after_create = true
  }
}
