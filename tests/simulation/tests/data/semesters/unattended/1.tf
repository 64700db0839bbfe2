# A lease of three days for two workers and their volume.
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

variable "from" { default = "2026-03-02 18:00" }
variable "to" { default = "2026-03-05 18:00" }

resource "openstack_reservation_flavor_v1" "lab" {
  name        = "unattended"
  flavor_name = "m1.small"
  amount      = 2
  start_date  = var.from
  end_date    = var.to
}

resource "openstack_compute_instance_v2" "worker" {
  for_each   = toset(["a", "b"])
  name       = "unattended-${each.key}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.lab.reserved_flavor_id

  network {
    name = "sharednet1"
  }
}

resource "openstack_blockstorage_volume_v3" "data" {
  name = "unattended-data"
  size = 2
}

resource "openstack_compute_volume_attach_v2" "data" {
  instance_id = openstack_compute_instance_v2.worker["a"].id
  volume_id   = openstack_blockstorage_volume_v3.data.id
}

output "workers" {
  value = { for name, worker in openstack_compute_instance_v2.worker : name => worker.access_ip_v4 }
}
