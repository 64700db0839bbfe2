resource "openstack_reservation_host_v1" "next" {
  provider   = openstack.metal
  name       = "next"
  start_date = "2027-04-05 09:00"
  end_date   = "2027-04-07 09:00"
  time_zone  = "America/New_York"
  min        = 1

  where {
    property = "node_type"
    value    = "gpu_v100"
  }
}
