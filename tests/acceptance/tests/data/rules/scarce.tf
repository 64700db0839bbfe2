resource "openstack_networking_floatingip_v2" "public" {
  provider = openstack.metal
  pool     = "public"
}

# The node's port, as the service made it.
data "openstack_networking_port_v2" "node" {
  provider  = openstack.metal
  device_id = openstack_compute_instance_v2.node.id
}

resource "openstack_networking_floatingip_associate_v2" "public" {
  provider    = openstack.metal
  floating_ip = openstack_networking_floatingip_v2.public.address
  port_id     = data.openstack_networking_port_v2.node.id
}

output "addresses" {
  value = data.openstack_networking_port_v2.node.all_fixed_ips
}
