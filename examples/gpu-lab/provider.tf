# Virtual machines.
provider "openstack" {
  cloud = "openstack"
}

# Bare metal.
provider "openstack" {
  alias = "uc"
  cloud = "chi_uc"
}
