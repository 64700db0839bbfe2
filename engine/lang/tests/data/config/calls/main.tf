module "a" { #~ error T0209: The argument "size" is required, but no definition was found
  source = "./unit"
  sise   = 1 #~ error T0209: An argument named "sise" is not expected here. Did you mean "size"?
}

module "b" {
  source = "./unit"
  size   = module.a.adress #~ error T0210: does not have an attribute named "adress". Did you mean "address"?
}

module "c" {
  source   = "./unit"
  for_each = toset(["x"])
  size     = each.key
}

output "c" {
  value = [module.c["x"].address, module.a["x"].address] #~ error T0210: Because module.a does not have "count" or "for_each" set
}
