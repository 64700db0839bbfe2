# The node's port, as the service made it.
data "openstack_networking_port_v2" "node" {
  provider  = openstack.metal
  device_id = openstack_compute_instance_v2.node.id
}

output "addresses" {
  value = data.openstack_networking_port_v2.node.all_fixed_ips
}
