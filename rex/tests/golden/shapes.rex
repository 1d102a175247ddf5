; One block a line: every shape, alone and inside the others.

word

(f x)
(| f x)
(f)
(| f)
()
(|)
(+)
(+ 1)
(+ 1 2)
[]
[a]
[a b c]
(, a b)

(a + b)
(a + b + c)
(a + b - c)
(f x + g y z)
(a +)
(a + - b)
(a + - b * c d)
(+ - * a)
(+ a - b c * d)
(x: y)
(x, y, z)

-a
-(a)
-(-a)
--a
-a+b
(-a)+b
a-(-b)
a+b
a+b+c
a+b-c+d
(a+b)-c
a+(b-c)

f(x)
f(x)(y)
f[x]
(f)(x)
((f x) y)
(f x)y
[x][y]
(a+b)(c)
(-a)(b)
a(-b)
a(b + c)
(a(b))(c)
((a(b))(c))(d)
(a(b)) + c
(f(x) y)
((f x)(y) + z)

a b c
a | b c
a (b c) | d
(= x 1)(= y 2)
x= y
