# The same server, resized and rebuilt.
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

resource "terraform_data" "version" {
  input = "two"
}

resource "openstack_compute_keypair_v2" "key" {
  name       = "order-key-two"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlbW9kZW1vZGVtb2RlbW9kZW1vZGVtb2RlbW9kZW1v order"
}

resource "openstack_networking_secgroup_v2" "group" {
  name = "order-group-${terraform_data.version.output}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "openstack_compute_instance_v2" "server" {
  name            = "order-server-${terraform_data.version.output}"
  image_name      = "CC-Ubuntu22.04"
  flavor_name     = "m1.medium"
  key_pair        = openstack_compute_keypair_v2.key.name
  security_groups = [openstack_networking_secgroup_v2.group.name]
  user_data       = "version: ${terraform_data.version.output}"

  network {
    name = "sharednet1"
  }

  lifecycle {
    create_before_destroy = true
  }
}
