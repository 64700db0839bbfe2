locals {
  tiers = {
    web  = cidrsubnet(var.cidr, 2, 0)
    app  = cidrsubnet(var.cidr, 2, 1)
    data = cidrsubnet(var.cidr, 2, 2)
  }
}

data "openstack_networking_network_v2" "public" {
  name = "public"
}

resource "openstack_networking_router_v2" "edge" {
  name                = "edge-${var.project}"
  admin_state_up      = true
  external_network_id = data.openstack_networking_network_v2.public.id
}

resource "openstack_networking_network_v2" "tier" {
  for_each       = local.tiers
  name           = "${each.key}-net-${var.project}"
  admin_state_up = true
}

resource "openstack_networking_subnet_v2" "tier" {
  for_each        = local.tiers
  name            = "${each.key}-subnet-${var.project}"
  network_id      = openstack_networking_network_v2.tier[each.key].id
  cidr            = each.value
  ip_version      = 4
  dns_nameservers = ["8.8.8.8", "8.8.4.4"]

  allocation_pool {
    start = cidrhost(each.value, 10)
    end   = cidrhost(each.value, 199)
  }
}

resource "openstack_networking_router_interface_v2" "tier" {
  for_each  = local.tiers
  router_id = openstack_networking_router_v2.edge.id
  subnet_id = openstack_networking_subnet_v2.tier[each.key].id
}
