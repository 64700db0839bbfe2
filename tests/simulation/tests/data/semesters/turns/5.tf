# The third turn is put off.
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

variable "turns" {
  default = {
    two = { from = "2026-03-05 21:00", to = "2026-03-07 21:00" }
    three = { from = "2026-03-11 09:00", to = "2026-03-13 09:00" }
  }
}

resource "openstack_reservation_flavor_v1" "turn" {
  for_each    = var.turns
  name        = "turns-${each.key}"
  flavor_name = "m1.medium"
  start_date  = each.value.from
  end_date    = each.value.to
}

resource "openstack_compute_instance_v2" "worker" {
  for_each   = var.turns
  name       = "turns-${each.key}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.turn[each.key].reserved_flavor_id

  network {
    name = "sharednet1"
  }
}

resource "openstack_blockstorage_volume_v3" "data" {
  name = "turns-data"
  size = 2
}

resource "openstack_compute_volume_attach_v2" "data" {
  for_each    = var.turns
  instance_id = openstack_compute_instance_v2.worker[each.key].id
  volume_id   = openstack_blockstorage_volume_v3.data.id
}

output "workers" {
  value = { for name, worker in openstack_compute_instance_v2.worker : name => worker.access_ip_v4 }
}
