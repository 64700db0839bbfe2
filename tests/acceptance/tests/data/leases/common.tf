terraform {
  required_providers {
    openstack = {
      source = "terraform-provider-openstack/openstack"
    }
  }
}

variable "vm_cloud" {
  description = "Where flavors are leased"
  type        = string
}

variable "metal_cloud" {
  description = "Where whole nodes are leased"
  type        = string
}

variable "name" {
  description = "Begins the name of everything"
  type        = string
}

variable "start" {
  type    = string
  default = "now"
}

variable "end" {
  type = string
}

provider "openstack" {
  cloud = var.vm_cloud
}

provider "openstack" {
  alias = "metal"
  cloud = var.metal_cloud
}
