locals {
  turns = {
    one = ["2027-03-08 09:00", "2027-03-09 09:00"]
    two = ["2027-03-09 09:30", "2027-03-10 09:00"]
  }
}

resource "openstack_reservation_flavor_v1" "turn" {
  for_each    = local.turns
  name        = "turn-${each.key}"
  start_date  = each.value[0]
  end_date    = each.value[1]
  time_zone   = "America/New_York"
  flavor_name = "m1.medium"
}

resource "openstack_compute_instance_v2" "job" {
  for_each   = local.turns
  name       = "job-${each.key}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.turn[each.key].reserved_flavor_id

  network {
    name = "sharednet1"
  }
}

resource "openstack_blockstorage_volume_v3" "results" {
  name = "results"
  size = 1
}

resource "openstack_compute_volume_attach_v2" "results" {
  for_each    = local.turns
  instance_id = openstack_compute_instance_v2.job[each.key].id
  volume_id   = openstack_blockstorage_volume_v3.results.id
}
