output "vm_addresses" {
  value = openstack_compute_instance_v2.vm[*].access_ip_v4
}

output "lease_ids" {
  value = { for role, lease in openstack_reservation_host_v1.gpu : role => lease.id }
}

output "train_address" {
  value = openstack_reservation_floatingip_v1.public.addresses[0]
}

output "node_addresses" {
  value = { for role, node in openstack_compute_instance_v2.node : role => node.access_ip_v4 }
}
