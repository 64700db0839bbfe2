# Only the machine is left, and a lease that nobody uses.
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
