variable "a" {
  default = 2
}

variable "z" { #~ error T0210: There is no variable "z"
}

locals {
  b = 2
  c = 3 #~ error T0210: There is no local value named "c"
}

resource "t" "x" {
  a = 2
  part {
    b = 2
  }
}

moved { #~ error T0202: Blocks of type "moved" can't be overridden
  from = t.a
  to   = t.x
}
