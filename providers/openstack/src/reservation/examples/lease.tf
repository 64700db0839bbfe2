provider "openstack" {
  cloud = "chi_uc"
}

resource "openstack_reservation_lease_v1" "lab" {
  name     = "lab-project1"
  duration = "1d"

  host {
    min = 1
    where {
      property = "node_type"
      value    = "compute_skylake"
    }
  }

  floatingip {
    pool   = "public"
    amount = 1
  }
}

output "reservation" {
  value = openstack_reservation_lease_v1.lab.host[0].id
}
