module "up" {
  source = "./.." #~ error T0208: so that the tree would never end
}
