terraform {
  required_version = ">= 1.3"
  required_providers {
    openstack = {
      source                = "terraform-provider-openstack/openstack"
      version               = "~> 1.51.1"
      configuration_aliases = [openstack.edge]
    }
    legacy = "~> 1.0"
  }
  cloud {
    organization = "x"
  }
}

provider "openstack" {
  alias = "edge"
  cloud = var.cloud
}

variable "cloud" {
  type        = string
  default     = "openstack"
  description = "The cloud."
  sensitive   = false
  nullable    = false
  validation {
    condition     = var.cloud != ""
    error_message = "Not empty."
  }
}

variable "nodes" {
  type    = map(object({ size = optional(number, -1), tags = optional(list(string), []) }))
  default = { a = {} }
}

resource "t" "x" {
  for_each = var.nodes
  provider = openstack.edge
  name     = each.key
  text     = <<-EOT
    ${each.value.size} %{if true}x%{endif}
  EOT

  provisioner "local-exec" {
    when       = destroy
    on_failure = continue
    command    = "echo ${self.name}"
    connection {
      host = self.name
    }
  }

  depends_on = [data.t.y]

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [name, tags["x"], list[0].a]
    replace_triggered_by  = [data.t.y.id]
  }
}

data "t" "y" {}

moved {
  from = t.old
  to   = t.x["a"]
}

removed {
  from = t.gone
  lifecycle {
    destroy = false
  }
}

import {
  for_each = var.nodes
  to       = t.x[each.key]
  id       = each.value.size
}

check "health" {
  data "http" "site" {
    url = "http://localhost"
  }
  assert {
    condition     = data.http.site.status == 200
    error_message = "Not healthy: ${data.http.site.status}"
  }
}

output "names" {
  value      = { for key, node in t.x : key => node.name }
  depends_on = [t.x]
  precondition {
    condition     = true
    error_message = "x"
  }
}
