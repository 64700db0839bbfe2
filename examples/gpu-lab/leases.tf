# Virtual machines for the whole lab, from now on.
resource "openstack_reservation_flavor_v1" "vms" {
  name        = "gpu-lab-vms-${var.project}"
  flavor_name = "m1.medium"
  amount      = 2
  duration    = "28d"
}

# The GPU nodes: leased weeks ahead, and held for a week at most.
resource "openstack_reservation_host_v1" "gpu" {
  for_each   = var.nodes
  provider   = openstack.uc
  name       = "gpu-lab-${each.key}-${var.project}"
  start_date = var.gpu_start
  end_date   = var.gpu_end
  time_zone  = var.time_zone
  min        = 1

  where {
    property = "node_type"
    op       = "="
    value    = each.value
  }
}

# An address for the same week, from the pool that can be reserved.
resource "openstack_reservation_floatingip_v1" "public" {
  provider   = openstack.uc
  name       = "gpu-lab-address-${var.project}"
  pool       = "public"
  start_date = var.gpu_start
  end_date   = var.gpu_end
  time_zone  = var.time_zone
}
