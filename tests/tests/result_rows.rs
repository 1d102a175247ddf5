//! Functions that end with making a row: what compiled code, which returns the items, makes of
//! them is what the interpreter makes of them.

use tests::compiled_alike;

/// Rows that are taken apart by whoever gets them, passed on, kept, and left in part; with items that
/// are small, large, lists and not evaluated; by functions that end with each other.
const INPUT: &str = "\
= (sums n)
| if (isZero n) [0 1 NIL]
@ r | sums (dec n)
@ s | add n (idx 0 r)
@ p | mul n (idx 1 r)
| seq s
| seq p
| [s p (CONS (add 1 n) (idx 2 r))]

(sums 0)

(sums 30)

= (total n acc)
| if (isZero n) acc
@ r | sums (mod n 40)
| seq acc
| total (dec n) (add acc (add (idx 0 r) (add (idx 1 r) (listLen (idx 2 r)))))

(total 300 0)

= (even self n a b)
| if (isZero n) [a b]
@ m | add a b
| seq m
| self self (dec n) m a

= (fibs n)
@ r | even even n 1 0
| add (idx 0 r) (mul 2 (idx 1 r))

(fibs 300)

= (quotient a b)
| if (lth a b) [0 a]
@ r | quotient (sub a b) b
| seq (idx 0 r)
| [(inc (idx 0 r)) (idx 1 r)]

= (kept n)
@ r | quotient n 7
| if (isZero (idx 1 r)) r
| [(idx 1 r) r]

[(kept 700) (kept 703) (kept 0) (quotient {odd} 7)]

(quotient 12 (add 5 {odd}))
";

/// Items whose numbers are known to the compiler, evaluated and not, of what is a row and what is not.
const NUMBERS: &str = "
= (both f row)
@ n | f 0
| seq row
| seq n
[(idx n row) (get row n) (idx (f 0) row)]

= (ask x)
@ f & _ x
[(both f [5 6]) (both f (0 1)) (both f (add 1)) (both f 7) (both f (PIN [5 6]))]

(ask 0)

(ask 1)

(ask 18446744073709551616)

(ask ask)

(ask [1])

(ask (add 1))

(ask (PIN 1))

(ask (idx 0 [add]))
";

#[test]
fn items_that_are_returned_are_those_of_the_row() {
    compiled_alike(INPUT);
}

#[test]
fn numbers_of_items_may_be_anything() {
    compiled_alike(NUMBERS);
}
