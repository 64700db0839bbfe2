variable "node_type" {
  type = string
}

variable "nodes" {
  type    = number
  default = 1
}

variable "servers" {
  type    = number
  default = 0
}

resource "openstack_reservation_lease_v1" "gpu" {
  provider   = openstack.metal
  name       = var.name
  start_date = var.start
  end_date   = var.end

  host {
    min = var.nodes

    where {
      property = "node_type"
      op       = "="
      value    = var.node_type
    }
  }
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  count       = var.servers
  name        = "${var.name}-${count.index}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_lease_v1.gpu.reservation_ids["host[0]"]
    }
  }

  network {
    name = "sharednet1"
  }

  timeouts {
    create = "60m"
  }
}

output "lease" {
  value = openstack_reservation_lease_v1.gpu.id
}

output "reservation" {
  value = openstack_reservation_lease_v1.gpu.reservation_ids["host[0]"]
}

output "servers" {
  value = join(",", openstack_compute_instance_v2.node[*].id)
}
