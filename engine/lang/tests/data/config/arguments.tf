name = 1 #~ error T0202: An argument named "name" is not expected here

varible "a" { #~ error T0202: Blocks of type "varible" are not expected here. Did you mean "variable"?
}

variable "a" {
  defalt = 1 #~ error T0202: An argument named "defalt" is not expected here. Did you mean "default"?
}

variable "a" { #~ error T0201: A variable named "a" was already declared
}

variable { #~ error T0001: Missing name for variable
}

variable "source" { #~ error T0204: reserved due to its special meaning inside module blocks
}

variable "1x" { #~ error T0204: A name must start with a letter or underscore
}

variable "n" {
  type     = number
  default  = "x" #~ error T0215: This default value is not compatible with the variable's type constraint: a number is required
  nullable = false
}

output "x" { #~ error T0203: The argument "value" is required
}

output "y" {
  value     = 1
  sensitive = "maybe" #~ error T0205: Unsuitable value: a bool is required
}

locals {
  a = 1
  b = 2
}

locals {
  a = 3 #~ error T0201: A local value named "a" was already declared
}

resource "t" "x" {
  count    = 1
  for_each = {} #~ error T0206: mutually-exclusive

  lifecycle {
    ignore_change = [a] #~ error T0202: Did you mean "ignore_changes"?
  }
}

resource "t" "x" { #~ error T0201: A t resource named "x" was already declared
}

resource "t" { #~ error T0001: Missing name for resource
}

check "c" { #~ error T0203: at least one assert block
}

moved { #~ error T0203: The argument "to" is required
  from = a.b
}

removed {
  from = 1 #~ error T0205: Invalid address
}

provider "p" {
}

provider "p" { #~ error T0201: set the "alias" argument for alternative configurations
}

terraform {
  required_version = var.x #~ error T0205: Variables may not be used here
  required_providers {
    a = { source = "x/a", versions = "1" } #~ error T0202: required_providers objects can only contain
  }
  backend "local" {}
  backend "s3" {} #~ error T0201: A module may have only one backend configuration
}

ephemeral "x" "y" { #~ error T0217: Ephemeral resources are not implemented yet
}
