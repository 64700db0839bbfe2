# Rules that share security groups: Neutron changes a group for one caller at a time.
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

variable "groups" {
  type    = number
  default = 2
}

variable "rules" {
  type = number
}

resource "openstack_networking_secgroup_v2" "group" {
  count = 2
  name  = "turns-${count.index}"
}

resource "openstack_networking_secgroup_rule_v2" "rule" {
  count             = var.rules
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 1000 + count.index
  port_range_max    = 1000 + count.index
  security_group_id = openstack_networking_secgroup_v2.group[count.index % var.groups].id
}
