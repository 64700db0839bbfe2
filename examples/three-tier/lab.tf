module "lab" {
  source = "../../modules/three-node-lab"
  count  = var.with_lab ? 1 : 0

  suffix          = "lab-${var.project}"
  flavor_id       = var.reservation
  key_pair        = openstack_compute_keypair_v2.admin.name
  cidr            = "192.168.9.0/24"
  security_groups = ["allow-ssh", "allow-8000"]

  setup = <<-EOT
    apt-get -qq update
    apt-get -qq install -y podman
  EOT
}
