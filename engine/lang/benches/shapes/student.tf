variable "student" {
  type = object({
    login = string
    index = number
    gpu   = optional(bool, false)
  })
}

variable "course" {
  type = string
}

locals {
  prefix = "${var.course}-${var.student.login}"
  cidr   = cidrsubnet("10.0.0.0/8", 16, var.student.index)
  tags   = { course = var.course, owner = var.student.login }
}

resource "terraform_data" "network" {
  input = { name = "${local.prefix}-net", tags = local.tags }
}

resource "terraform_data" "subnet" {
  input = {
    name       = "${local.prefix}-subnet"
    network_id = terraform_data.network.id
    cidr       = local.cidr
    gateway    = cidrhost(local.cidr, 1)
  }
}

resource "terraform_data" "router" {
  input = { name = "${local.prefix}-router", tags = local.tags }
}

resource "terraform_data" "interface" {
  input = { router_id = terraform_data.router.id, subnet_id = terraform_data.subnet.id }
}

resource "terraform_data" "group" {
  input = { name = "${local.prefix}-group", tags = local.tags }
}

resource "terraform_data" "rule" {
  for_each = { ssh = 22, http = 80 }
  input    = { group_id = terraform_data.group.id, name = each.key, port = each.value }
}

resource "terraform_data" "keypair" {
  input = { name = "${local.prefix}-key" }
}

resource "terraform_data" "port" {
  count = 2
  input = {
    network_id = terraform_data.network.id
    subnet_id  = terraform_data.subnet.id
    groups     = [terraform_data.group.id]
    address    = cidrhost(local.cidr, 10 + count.index)
  }
}

resource "terraform_data" "instance" {
  input = {
    name      = "${local.prefix}-node"
    flavor    = var.student.gpu ? "gpu_p100" : "m1.medium"
    key       = terraform_data.keypair.output.name
    ports     = terraform_data.port[*].id
    user_data = <<-EOT
      #cloud-config
      hostname: ${local.prefix}
      %{for name, rule in terraform_data.rule~}
      # ${name} ${rule.output.port}
      %{endfor~}
    EOT
  }
  depends_on = [terraform_data.interface]
}

resource "terraform_data" "floating_ip" {
  input      = { pool = "public", instance_id = terraform_data.instance.id }
  depends_on = [terraform_data.router]
}

output "address" {
  value = terraform_data.port[0].output.address
}
