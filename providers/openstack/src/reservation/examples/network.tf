provider "openstack" {
  cloud = "chi_uc"
}

resource "openstack_reservation_network_v1" "lab" {
  name         = "lab-project1"
  duration     = "1d"
  network_name = "lab-net-project1"
}

resource "openstack_networking_subnet_v2" "lab" {
  network_id = openstack_reservation_network_v1.lab.network_id
  cidr       = "192.168.10.0/24"
}
