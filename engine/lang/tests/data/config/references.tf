variable "image" {
  default = 1
}

locals {
  size = var.imge #~ error T0210: An input variable with the name "imge" has not been declared. Did you mean "image"?
  b    = local.sizes #~ error T0210: A local value with the name "sizes" has not been declared. Did you mean "size"?
  c    = t.one.id
  d    = t.two.id #~ error T0210: A managed resource "t" "two" has not been declared in the root module.
  e    = data.t.one.id #~ error T0210: A data resource "t" "one" has not been declared in the root module. Did you mean "t.one"?
  f    = each.key #~ error T0211: The "each" object can be used only in "module" or "resource" blocks
  g    = count.index #~ error T0211: The "count" object can only be used
  h    = self.id #~ error T0211: The "self" object is not available in this context
  i    = module.m.x #~ error T0210: No module call named "m" is declared in the root module.
  j    = t.many.id #~ error T0210: Because t.many has "count" set, its attributes must be accessed on specific instances.
  k    = t.one[0].id #~ error T0210: Because t.one does not have "count" or "for_each" set
  l    = [for t in [1] : t.x]
  m    = t.many[*].id
}

resource "t" "one" {
  dynamic "part" {
    for_each = [1]
    content {
      a = part.value
      b = other.value #~ error T0210: A managed resource "other" "value" has not been declared
    }
  }

  lifecycle {
    postcondition {
      condition     = self.id != ""
      error_message = "x"
    }
  }
}

resource "t" "many" {
  count = 2
  index = count.index
}

variable "checked" {
  default = 1
  validation {
    condition     = var.image > 0 #~ error T0205: must refer to var.checked in order to test incoming values
    error_message = "x"
  }
}
