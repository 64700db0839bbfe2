resource "t" "x" {
  dynamic { #~ error T0214: the type of the blocks that are generated
    for_each = []
    content {}
  }
  dynamic "part" { #~ error T0214: The argument "for_each" is required
    content {}
  }
  dynamic "part" { #~ error T0214: A nested block of type "content" is required
    for_each = []
  }
  dynamic "part" {
    for_each = []
    iterater = x #~ error T0202: Did you mean "iterator"?
    content {}
  }
}
