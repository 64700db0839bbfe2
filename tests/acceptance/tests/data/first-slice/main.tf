# What a project had when the first slice of Terrarium was used for it; README.md says how.
terraform {
  required_providers {
    openstack = {
      source = "terraform-provider-openstack/openstack"
    }
  }
}

provider "openstack" {
  cloud = "openstack"
}

provider "openstack" {
  alias = "metal"
  cloud = "chi_uc"
}

variable "group" {
  type    = string
  default = "lab-new"
}

variable "ports" {
  type    = number
  default = 6
}

# Over: its node went with it.
resource "openstack_reservation_host_v1" "past" {
  provider   = openstack.metal
  name       = "past"
  start_date = "2027-03-01 12:10"
  end_date   = "2027-03-02 12:00"
  time_zone  = "UTC"
  min        = 1

  where {
    property = "node_type"
    value    = "gpu_v100"
  }
}

resource "openstack_compute_instance_v2" "past" {
  provider    = openstack.metal
  name        = "past"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.past.reservation_id
    }
  }
}

# To come: its node is scheduled, as approved.
resource "openstack_reservation_host_v1" "week" {
  provider   = openstack.metal
  name       = "week"
  start_date = "2027-03-08 14:00"
  end_date   = "2027-03-12 14:00"
  time_zone  = "UTC"
  min        = 1

  where {
    property = "node_type"
    value    = "gpu_v100"
  }
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  name        = "node"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.week.reservation_id
    }
  }
}

# Replaced, and the old one could not be deleted: it is deposed.
resource "openstack_networking_secgroup_v2" "group" {
  name        = var.group
  description = "Where the marker would stand"

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.group]
  }
}

resource "terraform_data" "group" {
  input = var.group
}

resource "openstack_networking_network_v2" "net" {
  name = "lab-net"
}

resource "openstack_networking_subnet_v2" "subnet" {
  name       = "lab-subnet"
  network_id = openstack_networking_network_v2.net.id
  cidr       = "10.9.0.0/24"
}

# The apply that made these was killed in the middle.
resource "openstack_networking_port_v2" "port" {
  count      = var.ports
  name       = "lab-port-${count.index}"
  network_id = openstack_networking_network_v2.net.id

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_compute_keypair_v2" "key" {
  count      = var.ports > 0 ? 1 : 0
  name       = "lab-key"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlbW9kZW1vZGVtb2RlbW9kZW1vZGVtb2RlbW9kZW1v lab"
}

output "past" {
  value = openstack_reservation_host_v1.past.id
}

output "node" {
  value = openstack_compute_instance_v2.node.access_ip_v4
}

output "network" {
  value = openstack_networking_network_v2.net.id
}
