data "openstack_networking_secgroup_v2" "ssh" {
  count = var.with_bastion ? 1 : 0
  name  = "allow-ssh"
}

resource "openstack_networking_port_v2" "web" {
  name               = "web-${var.project}"
  network_id         = openstack_networking_network_v2.tier["web"].id
  security_group_ids = [openstack_networking_secgroup_v2.tier["web"].id]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.tier["web"].id
    ip_address = cidrhost(local.tiers["web"], 20)
  }
}

resource "openstack_compute_instance_v2" "web" {
  name        = "web-${var.project}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  key_pair    = openstack_compute_keypair_v2.admin.name

  network {
    port = openstack_networking_port_v2.web.id
  }

  metadata = {
    tier    = "web"
    project = var.project
  }

  user_data = <<-EOF
    #cloud-config
    packages: [nginx]
    write_files:
      - path: /etc/nginx/conf.d/app.conf
        content: |
          upstream app { %{for server in openstack_compute_instance_v2.app}server ${server.access_ip_v4}:8000; %{endfor}}
          server {
            listen 80;
            location / { proxy_pass http://app; }
          }
  EOF

  # The packages come from outside: the way there must exist before the server boots.
  depends_on = [openstack_networking_router_interface_v2.tier]
}

resource "openstack_compute_instance_v2" "app" {
  count           = var.app_count
  name            = format("app%d-%s", count.index + 1, var.project)
  image_name      = "CC-Ubuntu24.04"
  flavor_name     = "m1.medium"
  key_pair        = openstack_compute_keypair_v2.admin.name
  security_groups = [openstack_networking_secgroup_v2.tier["app"].name]

  network {
    uuid = openstack_networking_network_v2.tier["app"].id
  }

  metadata = {
    tier    = "app"
    project = var.project
  }

  depends_on = [openstack_networking_router_interface_v2.tier]
}

resource "openstack_compute_instance_v2" "data" {
  name            = "data-${var.project}"
  image_name      = "CC-Ubuntu24.04"
  flavor_name     = "m1.medium"
  key_pair        = openstack_compute_keypair_v2.admin.name
  security_groups = [openstack_networking_secgroup_v2.tier["data"].name]

  network {
    uuid = openstack_networking_network_v2.tier["data"].id
  }

  depends_on = [openstack_networking_router_interface_v2.tier]
}

resource "openstack_blockstorage_volume_v3" "data" {
  name        = "data-${var.project}"
  description = "The database of ${var.project}"
  size        = var.volume_gib
}

resource "openstack_compute_volume_attach_v2" "data" {
  instance_id = openstack_compute_instance_v2.data.id
  volume_id   = openstack_blockstorage_volume_v3.data.id
}

resource "openstack_networking_port_v2" "bastion" {
  count      = var.with_bastion ? 1 : 0
  name       = "bastion-${var.project}"
  network_id = openstack_networking_network_v2.tier["web"].id
  security_group_ids = [
    data.openstack_networking_secgroup_v2.ssh[0].id,
    openstack_networking_secgroup_v2.tier["web"].id,
  ]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.tier["web"].id
  }
}

resource "openstack_compute_instance_v2" "bastion" {
  count       = var.with_bastion ? 1 : 0
  name        = "bastion-${var.project}"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  key_pair    = openstack_compute_keypair_v2.admin.name

  network {
    port = openstack_networking_port_v2.bastion[0].id
  }
}

resource "openstack_networking_floatingip_v2" "web" {
  pool        = "public"
  description = "The web server of ${var.project}"
  port_id     = openstack_networking_port_v2.web.id

  depends_on = [openstack_networking_router_interface_v2.tier]
}

resource "openstack_networking_floatingip_v2" "bastion" {
  count       = var.with_bastion ? 1 : 0
  pool        = "public"
  description = "The bastion of ${var.project}"
}

resource "openstack_networking_floatingip_associate_v2" "bastion" {
  count       = var.with_bastion ? 1 : 0
  floating_ip = openstack_networking_floatingip_v2.bastion[0].address
  port_id     = openstack_networking_port_v2.bastion[0].id

  depends_on = [openstack_networking_router_interface_v2.tier]
}
