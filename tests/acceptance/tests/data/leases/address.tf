resource "openstack_reservation_floatingip_v1" "address" {
  name       = var.name
  start_date = var.start
  end_date   = var.end
  pool       = "public"
  amount     = 1
}

data "openstack_networking_network_v2" "shared" {
  name = "sharednet1"
}

resource "openstack_networking_port_v2" "port" {
  name       = var.name
  network_id = data.openstack_networking_network_v2.shared.id
}

resource "openstack_networking_floatingip_associate_v2" "door" {
  floating_ip = openstack_reservation_floatingip_v1.address.addresses[0]
  port_id     = openstack_networking_port_v2.port.id
}

output "address" {
  value = openstack_reservation_floatingip_v1.address.addresses[0]
}
