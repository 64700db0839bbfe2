locals {
  addresses = { for name, number in var.nodes : name => cidrhost(var.cidr, number) }
  entry     = coalesce(var.entry, keys(var.nodes)[0])

  hosts = join("\n", [for name, address in local.addresses : "${address} ${name}"])
}

data "openstack_networking_network_v2" "shared" {
  name = var.shared_network
}

data "openstack_networking_secgroup_v2" "existing" {
  for_each = var.security_groups
  name     = each.key
}

resource "openstack_networking_network_v2" "private" {
  name                  = "private-net-${var.suffix}"
  port_security_enabled = false
}

resource "openstack_networking_subnet_v2" "private" {
  name       = "private-subnet-${var.suffix}"
  network_id = openstack_networking_network_v2.private.id
  cidr       = var.cidr
  no_gateway = true
}

resource "openstack_networking_port_v2" "private" {
  for_each              = local.addresses
  name                  = "private-${each.key}-${var.suffix}"
  network_id            = openstack_networking_network_v2.private.id
  port_security_enabled = false

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.private.id
    ip_address = each.value
  }
}

resource "openstack_networking_port_v2" "shared" {
  for_each           = local.addresses
  name               = "shared-${each.key}-${var.suffix}"
  network_id         = data.openstack_networking_network_v2.shared.id
  security_group_ids = [for group in data.openstack_networking_secgroup_v2.existing : group.id]
}

resource "openstack_compute_instance_v2" "node" {
  for_each   = local.addresses
  name       = "${each.key}-${var.suffix}"
  image_name = var.image
  flavor_id  = var.flavor_id
  key_pair   = var.key_pair

  network {
    port = openstack_networking_port_v2.shared[each.key].id
  }

  network {
    port = openstack_networking_port_v2.private[each.key].id
  }

  user_data = <<-EOF
    #!/bin/bash
    hostnamectl set-hostname ${each.key}-${var.suffix}
    cat >> /etc/hosts <<'HOSTS'
    127.0.1.1 ${each.key}-${var.suffix}
    ${local.hosts}
    HOSTS
    ${var.setup}
  EOF
}

resource "openstack_networking_floatingip_v2" "entry" {
  pool        = var.pool
  description = "Way in to ${var.suffix}"
  port_id     = openstack_networking_port_v2.shared[local.entry].id

  lifecycle {
    precondition {
      condition     = contains(keys(var.nodes), local.entry)
      error_message = "The entry must be one of the nodes: ${join(", ", keys(var.nodes))}."
    }
  }
}
