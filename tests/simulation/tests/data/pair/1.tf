# Two servers on a network of their own, one with a volume.
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

variable "password" {
  sensitive = true
  default   = "s3cret-of-the-simulation"
}

resource "openstack_networking_network_v2" "net" {
  name = "pair-net"
}

resource "openstack_networking_subnet_v2" "subnet" {
  name       = "pair-subnet"
  network_id = openstack_networking_network_v2.net.id
  cidr       = "10.9.0.0/24"
  no_gateway = true
}

resource "openstack_networking_port_v2" "port" {
  count      = 2
  name       = "pair-port-${count.index}"
  network_id = openstack_networking_network_v2.net.id

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.subnet.id
  }
}

resource "openstack_compute_instance_v2" "server" {
  count       = 2
  name        = "pair-server-${count.index}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  admin_pass  = var.password
  user_data   = "password: ${var.password}"

  network {
    port = openstack_networking_port_v2.port[count.index].id
  }
}

resource "openstack_blockstorage_volume_v3" "disk" {
  name = "pair-disk"
  size = 2
}

resource "openstack_compute_volume_attach_v2" "disk" {
  instance_id = openstack_compute_instance_v2.server[0].id
  volume_id   = openstack_blockstorage_volume_v3.disk.id
}

output "addresses" {
  value = openstack_compute_instance_v2.server[*].access_ip_v4
}
