; Errors. After each error the reader continues with the next block.

good

(a

a)

[a (b]

(a]

[a + b]

[| a]

{never closed

"never closed

}qnever closed

café

a	b

| a
  (b
  c
d

after

| a
| [b
| "c

}é no quote é

good (still)
