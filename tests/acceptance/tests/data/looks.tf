# Many small things that are read and made one by one.
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
  count = 2
  name  = count.index == 0 ? "public" : "sharednet1"
}

data "openstack_images_image_v2" "ubuntu" {
  name = "CC-Ubuntu22.04"
}

data "openstack_compute_flavor_v2" "small" {
  name = "m1.small"
}

data "openstack_networking_secgroup_v2" "default" {
  name = "default"
}

resource "openstack_networking_network_v2" "net" {
  count = 12
  name  = "looks-${count.index}"
  # A description of its own: no place for a marker.
  description = "one of many"
}

resource "openstack_compute_keypair_v2" "key" {
  count      = 12
  name       = "looks-${count.index}"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlbW9kZW1vZGVtb2RlbW9kZW1vZGVtb2RlbW9kZW1v looks"
}

resource "openstack_networking_secgroup_v2" "group" {
  count = 3
  name  = "looks-${count.index}"
}
