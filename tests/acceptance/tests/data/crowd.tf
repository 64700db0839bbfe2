# Servers that stand side by side: all boot at once, each with a port and an address of its own.
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

variable "servers" {
  type = number
}

resource "openstack_networking_network_v2" "net" {
  name = "crowd"
}

resource "openstack_networking_subnet_v2" "subnet" {
  name       = "crowd"
  network_id = openstack_networking_network_v2.net.id
  cidr       = "10.8.0.0/16"
}

resource "openstack_networking_router_v2" "router" {
  name                = "crowd"
  external_network_id = data.openstack_networking_network_v2.public.id
}

resource "openstack_networking_router_interface_v2" "leg" {
  router_id = openstack_networking_router_v2.router.id
  subnet_id = openstack_networking_subnet_v2.subnet.id
}

data "openstack_networking_network_v2" "public" {
  name = "public"
}

resource "openstack_networking_port_v2" "port" {
  count      = var.servers
  name       = "crowd-${count.index}"
  network_id = openstack_networking_network_v2.net.id

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_compute_instance_v2" "server" {
  count       = var.servers
  name        = "crowd-${count.index}"
  image_name  = "CC-Ubuntu22.04"
  flavor_name = "m1.small"

  network {
    port = openstack_networking_port_v2.port[count.index].id
  }
}

resource "openstack_networking_floatingip_v2" "address" {
  count = var.servers
  pool  = "public"
}

resource "openstack_networking_floatingip_associate_v2" "reach" {
  count       = var.servers
  floating_ip = openstack_networking_floatingip_v2.address[count.index].address
  port_id     = openstack_networking_port_v2.port[count.index].id
  depends_on  = [openstack_compute_instance_v2.server, openstack_networking_router_interface_v2.leg]
}
