//! Functions whose arguments or results are rows: compiled code, which passes and returns the items
//! instead of a row, agrees with the interpreter.

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

/// Vectors and states in rows: of three items and of other numbers, of values that crash if they are
/// evaluated, of no rows; loops that take few turns, many, or do not end, whose values nobody needs.
const VECTORS: &str = "
= (isqrt x)
| ifz x 0
^ _ (bex (div (add 2 (met x)) 2))
? (go guess)
@ next | div (add guess (div x guess)) 2
| if (gte next guess) guess
| go next

= (vecAdd a b) | zipWith iAdd64 a b
= (dot a b)    | foldl iAdd64 0 (zipWith iMul64 a b)
= (normal a)   | map (x & iDiv64 (iMul64 x 1000) (isqrt (dot a a))) a

= (walk n p v)
| if (isZero n) [p v]
| walk (dec n) (vecAdd p v) (normal (vecAdd v p))

(walk 20 [1 2 3] [4 5 6])

(walk 9 [1 (iNeg64 2) 3] [18446744073709551616 (iNeg64 5) 7])

[(walk 5 [1 2] [4 5 6]) (walk 5 0 [4 5 6]) (walk 5 [1] [4]) (walk 5 7 {no row})]

(walk 5 [1 2 3 4 5] [9 8 7 6 5])

= (lazyVector i) [i 2 (die {lazy})]

= (item n b i) | idx n (vecAdd (lazyVector i) b)

[(item 0 [6 7 8] 5) (item 1 [6 7 8] 5) (item 0 (lazyVector 6) 5) (item 1 [4 5] 7)]

[(try (item 2 [6 7 8]) 5) (try (item 2 [4 5]) 5) (try (item 0 [add]) 5)]

= (lengthOfNormal i) (len (normal (lazyVector i)))

(lengthOfNormal 3)

= (normalOf i) | try (r & force (normal (lazyVector i))) 0

(normalOf 3)

= (turn n s)
@ [x y z] s
| if (isZero n) s
| turn (dec n) [y (add x z) (mul n z)]

(turn 30 [1 2 3])

[(turn 3 [1 2]) (turn 3 5) (turn 0 [1 2]) (turn 2 [1 2 3 4])]

= (turnPair n s)
@ [x y] s
| if (lth 3 n) [(add y n) (div x n)]
[(mul x 2) (die {forced})]

= (spin n x y)
| if (isZero n) x
@ [a b] (turnPair n [x y])
| spin (dec n) a b

(try (r & spin 4 1 2) 0)

(spin 1 3 4)

(try (r & spin 60 1 2) 0)

= (steps n)
^ _ n 0
? (go n acc)
| if (isZero n) acc
| go (dec n) (add n acc)

= (lazySteps n) [n (steps (mod n 60)) (steps (div 100 n)) (isqrt n)]

(map lazySteps [0 1 2 7 8 9 40 18446744073709551615 340282366920938463463374607431768211457])

= (spinLonger n) | if (eql n 3) (spinLonger n) (steps n)

(len [1 (spinLonger 3)])

= (unusedLoop n) | fst [n (spinLonger n)]

(map unusedLoop [1 2 3 4])
";

#[test]
fn returned_items_are_those_of_the_row() {
    assert_same_compiled(RETURNED_ROWS);
}

#[test]
fn an_index_may_be_any_value() {
    assert_same_compiled(ITEM_INDICES);
}

#[test]
fn items_of_vectors_are_those_of_rows() {
    assert_same_compiled(VECTORS);
}
