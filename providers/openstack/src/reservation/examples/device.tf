provider "openstack" {
  cloud = "chi_edge"
}

resource "openstack_reservation_device_v1" "pi" {
  name     = "pi-project1"
  duration = "4h"
  min      = 1

  where {
    property = "machine_name"
    value    = "raspberrypi4-64"
  }
}
