# Another rule, another key, the address at another port, the router renamed.
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
  name = "access-net"
}

resource "openstack_networking_subnet_v2" "subnet" {
  name            = "access-subnet"
  network_id      = openstack_networking_network_v2.net.id
  cidr            = "10.8.0.0/24"
  dns_nameservers = ["8.8.8.8"]
}

resource "openstack_networking_router_v2" "router" {
  name                = "access-router-2"
  external_network_id = data.openstack_networking_network_v2.public.id
}

resource "openstack_networking_router_interface_v2" "leg" {
  router_id = openstack_networking_router_v2.router.id
  subnet_id = openstack_networking_subnet_v2.subnet.id
}

resource "openstack_networking_secgroup_v2" "group" {
  name        = "access-group"
  description = "who may come in, and who not"
}

resource "openstack_networking_secgroup_rule_v2" "in" {
  for_each          = toset(["22", "443"])
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = tonumber(each.value)
  port_range_max    = tonumber(each.value)
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.group.id
}

resource "openstack_compute_keypair_v2" "given" {
  name       = "access-given"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFub3RoZXJhbm90aGVyYW5vdGhlcmFub3RoZXJhbm90 access"
}

resource "openstack_networking_port_v2" "port" {
  name               = "access-port"
  network_id         = openstack_networking_network_v2.net.id
  security_group_ids = [openstack_networking_secgroup_v2.group.id]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.subnet.id
    ip_address = "10.8.0.77"
  }
}

resource "openstack_networking_port_v2" "other" {
  name       = "access-other"
  network_id = openstack_networking_network_v2.net.id

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_networking_floatingip_v2" "address" {
  pool       = "public"
  port_id    = openstack_networking_port_v2.other.id
  depends_on = [openstack_networking_router_interface_v2.leg]
}

resource "openstack_networking_floatingip_v2" "spare" {
  pool        = "public"
  description = "one more"
  port_id     = openstack_networking_port_v2.port.id
  depends_on  = [openstack_networking_router_interface_v2.leg]
}
