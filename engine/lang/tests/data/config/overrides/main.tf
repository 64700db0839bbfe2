variable "a" {
  default = 1
}

locals {
  b = 1
}

resource "t" "x" {
  a = 1
  part {
    b = 1
  }
}
