resource "openstack_networking_secgroup_v2" "tier" {
  for_each             = local.tiers
  name                 = "${each.key}-${var.project}"
  description          = "The ${each.key} tier of ${var.project}"
  delete_default_rules = true
}

resource "openstack_networking_secgroup_rule_v2" "outwards" {
  for_each          = local.tiers
  direction         = "egress"
  ethertype         = "IPv4"
  security_group_id = openstack_networking_secgroup_v2.tier[each.key].id
}

resource "openstack_networking_secgroup_rule_v2" "web" {
  for_each          = toset([for port in var.web_ports : tostring(port)])
  description       = "Port ${each.value} for everybody"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = tonumber(each.value)
  port_range_max    = tonumber(each.value)
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.tier["web"].id
}

resource "openstack_networking_secgroup_rule_v2" "app" {
  description       = "The application, for the web tier"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 8000
  port_range_max    = 8000
  remote_group_id   = openstack_networking_secgroup_v2.tier["web"].id
  security_group_id = openstack_networking_secgroup_v2.tier["app"].id
}

resource "openstack_networking_secgroup_rule_v2" "data" {
  description       = "The database, for the application tier"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 5432
  port_range_max    = 5432
  remote_group_id   = openstack_networking_secgroup_v2.tier["app"].id
  security_group_id = openstack_networking_secgroup_v2.tier["data"].id
}

# With a bastion, SSH comes from inside only.
resource "openstack_networking_secgroup_rule_v2" "ssh" {
  for_each          = toset(keys(local.tiers))
  description       = "SSH"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = var.with_bastion || each.key != "web" ? local.tiers["web"] : "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.tier[each.key].id
}

resource "openstack_compute_keypair_v2" "admin" {
  name       = "admin-${var.project}"
  public_key = trimspace(file("${path.module}/three-tier.pub"))
}
