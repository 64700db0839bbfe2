# Servers that wait for one lease, and all begin with it.
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 3.0"
    }
  }
}

provider "openstack" {
  cloud = "openstack"
}

variable "servers" {
  type = number
}

variable "start" {
  type = string
}

variable "end" {
  type = string
}

resource "openstack_reservation_flavor_v1" "vms" {
  name        = "leased"
  start_date  = var.start
  end_date    = var.end
  flavor_name = "m1.small"
  amount      = var.servers
}

resource "openstack_compute_instance_v2" "vm" {
  count      = var.servers
  name       = "leased-${count.index}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.vms.reserved_flavor_id

  network {
    name = "sharednet1"
  }
}
