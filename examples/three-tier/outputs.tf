output "url" {
  description = "Where the application is."
  value       = "http://${openstack_networking_floatingip_v2.web.address}/"
}

output "bastion" {
  description = "Way in for administrators; null without a bastion."
  value       = var.with_bastion ? openstack_networking_floatingip_v2.bastion[0].address : null
}

output "app_addresses" {
  description = "Addresses of the application servers."
  value       = openstack_compute_instance_v2.app[*].access_ip_v4
}

output "lab" {
  description = "The cluster's entry and its private addresses; null without a cluster."
  value = var.with_lab ? {
    floating_ip = module.lab[0].floating_ip
    addresses   = module.lab[0].addresses
  } : null
}
