# Nodes of another type.
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

provider "openstack" {
  alias = "metal"
  cloud = "chi_nu"
}

resource "openstack_reservation_lease_v1" "nodes" {
  provider   = openstack.metal
  name       = "trouble-nodes"
  start_date = "2026-03-04 21:00"
  end_date   = "2026-03-09 09:00"

  host {
    min = 2

    where {
      property = "node_type"
      value    = "compute_skylake"
    }
  }

  floatingip {
    pool = "public"
  }
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  count       = 2
  name        = "trouble-node-${count.index}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_lease_v1.nodes.reservation_ids["host[0]"]
    }
  }
}

output "door" {
  value = openstack_reservation_lease_v1.nodes.floatingip[0].addresses
}
