variable "start" {
  default = "2027-03-08 09:00"
}

variable "end" {
  default = "2027-03-12 09:00"
}

variable "type" {
  default = "gpu_v100"
}

variable "hosts" {
  default = 1
}

variable "at_end" {
  default = "default"
}

resource "openstack_reservation_host_v1" "week" {
  provider   = openstack.metal
  name       = "week"
  start_date = var.start
  end_date   = var.end
  time_zone  = "America/New_York"
  min        = var.hosts
  max        = var.hosts
  before_end = var.at_end

  where {
    property = "node_type"
    value    = var.type
  }
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  name        = "node"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.week.reservation_id
    }
  }
}

output "lease" {
  value = openstack_reservation_host_v1.week.id
}

output "reservation" {
  value = openstack_reservation_host_v1.week.reservation_id
}
