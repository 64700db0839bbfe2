output "floating_ip_out" {
  description = "Address of node1 on the Internet"
  value       = openstack_networking_floatingip_v2.floating_ip.address
}
