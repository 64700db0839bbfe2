provider "openstack" {
  cloud = "kvm_tacc"
}

resource "openstack_reservation_instance_v1" "vms" {
  name      = "lab-project1"
  duration  = "7d"
  amount    = 2
  vcpus     = 2
  memory_mb = 4096
  disk_gb   = 20
}
