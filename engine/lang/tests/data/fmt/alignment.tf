locals {
  a = 1
  bbb = 2 # x
  cc = 3     # yyy
  d = [
    1,
      2,   # two
    333, # three
  ]
  eeee = {
    a = 1
    bb = { c = 1 }
    ccc = {
      d = 1
    }
    dddd = 4
  }
  f = 1

  gg = 2
  # alone
  hhh = 3
  i = "é" # c
  jj = "日本語" # d
  日本 = 1
  k = foo(
    1,
    2
  )
  l = foo({
    a = 1
  bbb = 2
  })
  mm = [{
    a = 1
  }, {
    b = 2
  }]
  nnn = (
  a
  )
  o = true ? {
    a = 1
    } : {
    b = 2
  }
  pp = a == b # e
  q = 1 /* f */
  /* g */ r = 1
  s = 1 // h
  t /* i */ = 1
  u = /* j */ 1
}
