provider "openstack" {
  cloud = "chi_uc"
}

resource "openstack_reservation_host_v1" "node" {
  name       = "lab-project1"
  start_date = "now"
  duration   = "1d"
  min        = 1

  where {
    property = "node_type"
    value    = "compute_skylake"
  }
}

resource "openstack_compute_instance_v2" "node" {
  name        = "lab-project1"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"

  network {
    name = "sharednet1"
  }

  # The server waits for the lease, and ends with it.
  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.node.reservation_id
    }
  }
}
