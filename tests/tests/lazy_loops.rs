//! Loops over lists that go through a lazy argument, as `listFoldr` does: compiled code, which calls
//! a loop where the law makes a thunk and evaluates it, agrees with the interpreter.

use tests::assert_same_compiled;

/// Folds from the right that decide early, late and never need the rest, that evaluate it once, twice,
/// or return it in a row; lists that end in no list, in a crash, or not at all.
const FOLDS: &str = r"
= (allOf f xs) | listFoldr (x rest & and (f x) rest) TRUE xs
= (anyOf f xs) | listFoldr (x rest & or (f x) rest) FALSE xs

[(allOf (gth 9) ~[1 2 3]) (allOf (gth 2) ~[1 2 3]) (allOf (gth 2) NIL) (allOf (gth 2) 7)]

(allOf (gth 2) (1 :: 5 :: die {not reached}))

(anyOf (eql 5) (1 :: 5 :: (die {not reached})))

(anyOf (eql 5) ~[1 2 3])

[(try (allOf (gth 9)) (1 :: (die {reached}))) (try (allOf (x & die x)) ~[1 2])]

= (from n) | n :: from (inc n)

(anyOf (eql 4000) (from 0))

(allOf (gth 5000) (from 0))

= (pairs a b xs)
^ listAll _ xs
& ([x y])
| if (lth x a) (lte y b)
| TRUE

[(pairs 3 9 ~[[1 2] [2 9] [5 77]]) (pairs 3 9 ~[[1 10] 5]) (pairs 3 9 NIL) (pairs {a} 9 ~[[1 2]])]

= (steps odd)
^ listFoldr _ 0
& (x rest)
| if (eql odd (mod x 2)) (add x rest)
| rest

[(steps 1 (listGen 2000 id)) (steps 0 (listGen 2000 id)) (steps 2 (listGen 30000 id))]

= (lazyRest x rest) [x rest]

= (chain xs) | listFoldr lazyRest 0 xs

[(fst (chain (1 :: die {tail}))) (chain ~[1 2 3])]

= (twice xs) | listFoldr (x rest & if (isZero x) 1 (add rest rest)) 7 xs

[(twice ~[1 2 3]) (twice ~[1 0 (die {item})]) (twice NIL)]

= (both f g xs) | listCase xs TRUE (x rest & and (f x) (g g f rest))

= (either self f xs) | listCase xs FALSE (x rest & or (f x) (self self f rest))

[(both (gth 9) either ~[1 2 3]) (both (gth 2) either ~[5 1]) (both (gth 9) either ~[1])]

= (firstAbove n xs)
| listHead | listFilter (x & lth n x) xs

[(firstAbove 1500 (from 0)) (firstAbove 9 ~[1 2 3]) (firstAbove 2 (1 :: 3 :: (die {tail})))]

= (counted f n xs)
| listFoldr (x rest & if (f x) (inc rest) (if (gth 900 n) rest (add n rest))) 0 xs

[(counted (lth 5) 3 (listGen 300 id)) (counted (lth 5) {n} ~[1 6]) (counted (x & 18446744073709551616) 2 ~[1])]
";

#[test]
fn what_a_fold_does_not_need_is_not_evaluated() {
    assert_same_compiled(FOLDS);
}
