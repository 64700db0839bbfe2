provider "openstack" {
  cloud = "kvm_tacc"
}

resource "openstack_reservation_flavor_v1" "vms" {
  name        = "lab-project1"
  duration    = "7d"
  flavor_name = "m1.medium"
  amount      = 2
}

resource "openstack_compute_instance_v2" "vm" {
  count      = 2
  name       = "vm${count.index}-project1"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.vms.reserved_flavor_id

  network {
    name = "sharednet1"
  }
}
