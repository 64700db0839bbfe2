module "far" {
  source = "terraform-aws-modules/vpc/aws" #~ error T0207: Modules are read from local directories only
}

module "none" {
  source = "./nowhere" #~ error T0004: could not be read for module "none"
}

module "unit" {
  source = "./unit"
}

module "d" {
  source  = "./unit"
  version = "1.0" #~ error T0206: because it has a relative local path
  size    = 1
}
