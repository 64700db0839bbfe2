resource "x" "y" {
    a = <<EOT
  keep   this
      ${  foo   }  and %{  if x  }this%{ endif }
EOT
  bb=<<-EOT
      indented
        ${ [for x in y:
    x] }
      EOT
    c = 1
 d = [<<A
one
A
 , <<B
two
B
 ]
  e = foo(<<-X
  x
  X
  , 1)
      f = 1
 g = {
   a = <<-E
     ${jsonencode({
   a=1
     bb = 2
        })}
   E
  b = 1
 }
}
