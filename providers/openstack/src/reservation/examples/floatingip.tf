provider "openstack" {
  cloud = "chi_uc"
}

resource "openstack_reservation_floatingip_v1" "door" {
  name     = "door-project1"
  duration = "1d"
  pool     = "public"
  amount   = 1
}

output "address" {
  value = openstack_reservation_floatingip_v1.door.addresses[0]
}
