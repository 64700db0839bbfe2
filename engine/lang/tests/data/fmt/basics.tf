

variable   foo{
type="string"
   default    = "${var.x}"
 description   =   "x"   # comment
  sensitive=true # other

longer_name = 1
}
variable "l" {
  type = list
}
variable "m" { 
 type = "map" 
}
variable "o" {
  type = object({
  a=string
    bbbb   =    number  // c
      cc=optional(list(string),[])
  })
}
resource "a"   b /* x */ "c"{
foo="${a}${b}"
 bar = "${a}"
baz="${
   a ? 1 :
   2
}"
qux = "${(
a
)}"
  quux = "${foo("${bar}")}"
 x = "a ${  b  } c"
y = -1+- 2
 z = a  -1
 w = !  a
v = a [ 0 ] . b
u = a[ * ].b
t = [ 1,2 , 3 ]
s = { a=1,b : 2 , "c"=3 }
r = {}
q = { }
p = [ ]
o = [for x in [1,2]:x if x>1]
n = {for k,v in x:k=>v...}
m = f( a , b ... )
l = a==b&&c!=d||e<=f
k = a?b:c
j = (a+b)*c/d%e
 i = "%{ if a }b%{ else }c%{ endif }"
 h = "${ {a=1} }"
 g = provider :: a :: f ( 1 )
 f = "${~ a ~}"
d = null
}

foo {}
foo { }
foo { a = 1 }
foo {   a=1   }
foo "x" {
}
