variable "reservation" {
  type = string
}

resource "openstack_compute_instance_v2" "node" {
  provider    = openstack.metal
  name        = "student"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  scheduler_hints {
    additional_properties = {
      reservation = var.reservation
    }
  }
}
