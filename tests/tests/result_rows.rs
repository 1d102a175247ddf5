//! Functions whose result is a row: compiled code, which returns the items instead of a row, agrees
//! with the interpreter.

use tests::assert_same_compiled;

/// Callers that read the items of a returned row, return it, keep it, or use a part of it. The
/// items are small and large nats, lists, and unevaluated. Some functions call each other in tail
/// position.
const RETURNED_ROWS: &str = "\
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

/// Items at indices that the compiler knows, and at others, of rows and of values that are no rows.
const ITEM_INDICES: &str = "
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
fn returned_items_are_those_of_the_row() {
    assert_same_compiled(RETURNED_ROWS);
}

#[test]
fn an_index_may_be_any_value() {
    assert_same_compiled(ITEM_INDICES);
}
