a = -var.x
b = [-1, - 2]
c = x - -1
d = foo(-1)
e = x ? -1 : - 2
f = x == -1
g = x && !y
h = !(x)
i = x != y ? !y : ! z
j = {a: -1}
k = {a = -1, (b) = - 2, "${c}" = 1}
l = x[-1]
m = x > -1 || x < - 1
n = "${-1}"
o = "${ - x }${ ! y }"
p = a.*.b
q = a.0.b
r = a . b [ "c" ] [ 0 ] . d
s = foo ( ) . bar
t = foo(a...)
u = [for k , v in {a = 1} : "${k}=${v}" if v != - 1]
v = { for k in x : k => k ... }
w = { for k in [1] : k => k if true }
x = [for in in [1] : in]
y = a <= b
