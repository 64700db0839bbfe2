data "openstack_networking_network_v2" "vms" {
  name = "sharednet1"
}

data "openstack_networking_network_v2" "nodes" {
  provider = openstack.uc
  name     = "sharednet1"
}

# Now: they sit on a lease that begins with the apply.
resource "openstack_compute_instance_v2" "vm" {
  count      = 2
  name       = "gpu-lab-vm${count.index}-${var.project}"
  image_name = "CC-Ubuntu24.04"
  flavor_id  = openstack_reservation_flavor_v1.vms.reserved_flavor_id
  key_pair   = var.key

  network {
    uuid = data.openstack_networking_network_v2.vms.id
  }
}

# Later: ports on the shared network are scarce, so this one comes with the node that needs it.
resource "openstack_networking_port_v2" "train" {
  provider   = openstack.uc
  name       = "gpu-lab-train-${var.project}"
  network_id = data.openstack_networking_network_v2.nodes.id
}

# Later: a student's nodes, on the leases of the same names.
resource "openstack_compute_instance_v2" "node" {
  for_each    = var.nodes
  provider    = openstack.uc
  name        = "gpu-lab-${each.key}-${var.project}"
  image_name  = "CC-Ubuntu24.04-CUDA"
  flavor_name = "baremetal"
  key_pair    = var.key

  network {
    uuid = each.key == "train" ? null : data.openstack_networking_network_v2.nodes.id
    port = each.key == "train" ? openstack_networking_port_v2.train.id : null
  }

  scheduler_hints {
    additional_properties = {
      reservation = openstack_reservation_host_v1.gpu[each.key].reservation_id
    }
  }
}

resource "openstack_networking_floatingip_associate_v2" "train" {
  provider    = openstack.uc
  floating_ip = openstack_reservation_floatingip_v1.public.addresses[0]
  port_id     = openstack_networking_port_v2.train.id

  # The address can only be routed to a port that a node has taken.
  depends_on = [openstack_compute_instance_v2.node]
}
