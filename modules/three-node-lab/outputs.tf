output "floating_ip" {
  description = "Address of the entry node on the Internet."
  value       = openstack_networking_floatingip_v2.entry.address
}

output "entry" {
  description = "Name of the node that has the floating IP."
  value       = local.entry
}

output "addresses" {
  description = "Address of each node on the private network."
  value       = local.addresses
}

output "node_ids" {
  description = "ID of each node's server."
  value       = { for name, node in openstack_compute_instance_v2.node : name => node.id }
}

output "network_id" {
  description = "ID of the private network, for more that should join it."
  value       = openstack_networking_network_v2.private.id
}

output "subnet_id" {
  description = "ID of the private network's subnet."
  value       = openstack_networking_subnet_v2.private.id
}
