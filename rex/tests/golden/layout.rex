; Indentation: sons, heirs, widths.

|

| a b c

| a
  b
    c

| a
b

| a
b
c

| a
b
| c
d

= x
| f a | g b
| h c

= x | y
    z
  w

=?= a
  | b

=?=   a
  | b
 c

#### wide
   | x
   y

@ a 1
@ b 2
@ c | f
      a
      b
| g a b c

| first | second | third | fourth
      x
    y
  z

| one
        | two
            a
      | three
    | four
  five

| an_argument another_argument yet_another_argument the_last_argument
| an_argument another_argument yet_another (| inner something quite long) x

| f
    | g
    h
    | i
  j

| aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    | b
  cccccccccccccccccccccccccccccccccccccccccccccc
  d

* = a 1
  = b 2

* = a
  | 1
* = b
  | 2

| a
; a comment inside
  ; another
  b ; and one at the end
c

| {é} | a
      | b

| {é}    | a
         | b is further left than a, in bytes

|a
| b

:= x
 y
  z
==== long
=  short
