resource "openstack_reservation_flavor_v1" "vms" {
  name        = var.name
  start_date  = var.start
  end_date    = var.end
  flavor_name = "m1.small"
  amount      = 1
}

resource "openstack_compute_instance_v2" "vm" {
  name       = var.name
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.vms.reserved_flavor_id

  network {
    name = "sharednet1"
  }
}

output "lease" {
  value = openstack_reservation_flavor_v1.vms.id
}

output "reservation" {
  value = openstack_reservation_flavor_v1.vms.reservation_id
}

output "flavor" {
  value = openstack_reservation_flavor_v1.vms.reserved_flavor_id
}
