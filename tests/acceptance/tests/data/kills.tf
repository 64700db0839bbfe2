# What the kill tests make: a type of each kind that can be lost.
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.51.1"
    }
  }
}

provider "openstack" {
  cloud = "openstack"
}

data "openstack_networking_network_v2" "public" {
  name = "public"
}

resource "openstack_networking_network_v2" "net" {
  name           = "kills-net"
  admin_state_up = true
}

resource "openstack_networking_subnet_v2" "subnet" {
  name       = "kills-subnet"
  network_id = openstack_networking_network_v2.net.id
  cidr       = "10.9.0.0/24"
}

resource "openstack_networking_router_v2" "router" {
  name                = "kills-router"
  external_network_id = data.openstack_networking_network_v2.public.id
}

resource "openstack_networking_router_interface_v2" "leg" {
  router_id = openstack_networking_router_v2.router.id
  subnet_id = openstack_networking_subnet_v2.subnet.id
}

resource "openstack_networking_secgroup_v2" "group" {
  name = "kills-group"
  # A description of its own: no place for a marker.
  description = "who may come in"
}

resource "openstack_networking_secgroup_rule_v2" "ssh" {
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.group.id
}

resource "openstack_compute_keypair_v2" "key" {
  name       = "kills-key"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlbW9kZW1vZGVtb2RlbW9kZW1vZGVtb2RlbW9kZW1v kills"
}

resource "openstack_networking_port_v2" "port" {
  count              = 2
  name               = "kills-port-${count.index}"
  network_id         = openstack_networking_network_v2.net.id
  security_group_ids = [openstack_networking_secgroup_v2.group.id]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_compute_instance_v2" "server" {
  count       = 2
  name        = "kills-server-${count.index}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  key_pair    = openstack_compute_keypair_v2.key.name

  network {
    port = openstack_networking_port_v2.port[count.index].id
  }
}

resource "openstack_blockstorage_volume_v3" "disk" {
  name = "kills-disk"
  size = 2
}

resource "openstack_compute_volume_attach_v2" "disk" {
  instance_id = openstack_compute_instance_v2.server[0].id
  volume_id   = openstack_blockstorage_volume_v3.disk.id
}

resource "openstack_networking_floatingip_v2" "address" {
  pool       = "public"
  port_id    = openstack_networking_port_v2.port[0].id
  depends_on = [openstack_networking_router_interface_v2.leg]
}
