# Once more, after all ended.
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

resource "openstack_reservation_flavor_v1" "vms" {
  name        = "lab-machines"
  flavor_name = "m1.small"
  amount      = 1
  end_date    = "2026-03-24 09:00"
}

resource "openstack_compute_instance_v2" "vm" {
  name       = "lab-vm"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.vms.reserved_flavor_id

  network {
    name = "sharednet1"
  }
}

resource "openstack_reservation_host_v1" "gpu" {
  provider   = openstack.metal
  name       = "lab-gpu"
  start_date = "2026-03-12 09:00"
  end_date   = "2026-03-15 09:00"
  min        = 1

  where {
    property = "node_type"
    value    = "compute_skylake"
  }
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  name        = "lab-node"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    port = openstack_networking_port_v2.node.id
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.gpu.reservation_id
    }
  }
}

data "openstack_networking_network_v2" "shared" {
  provider = openstack.metal
  name     = "sharednet1"
}

resource "openstack_networking_port_v2" "node" {
  provider   = openstack.metal
  name       = "lab-port"
  network_id = data.openstack_networking_network_v2.shared.id
}

resource "openstack_reservation_floatingip_v1" "address" {
  provider   = openstack.metal
  name       = "lab-address"
  pool       = "public"
  start_date = "2026-03-12 09:00"
  end_date   = "2026-03-15 09:00"
}

resource "openstack_networking_floatingip_associate_v2" "node" {
  provider    = openstack.metal
  floating_ip = openstack_reservation_floatingip_v1.address.addresses[0]
  port_id     = openstack_networking_port_v2.node.id
  depends_on  = [openstack_compute_instance_v2.node]
}

output "address" {
  value = openstack_reservation_floatingip_v1.address.addresses[0]
}
