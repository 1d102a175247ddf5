//! Lists that one function makes and another reads: compiled code, which makes no such list (deforestation),
//! agrees with the interpreter, also where a part of a list is not to be evaluated, crashes, is shared, or is
//! no list.

use tests::assert_same_compiled;

/// Pipelines of producers and consumers over finite lists, over lists without an end, and over what is no list.
const PIPELINES: &str = r"
= (from n) | CONS n (from (inc n))

= (total n) | listFoldl add 0 (listMap (mul 3) (listTake n (listEnumFrom 0)))

[(total 0) (total 1) (total 2) (total 3) (total 1000) (total {n})]

= (count n f) | listLen (listFilter f (listTake n (from 0)))

[(count 0 (gth 9)) (count 100 (gth 9)) (count 100 (const 0)) (count 1 (const 1)) (count 300 odd)]

= (below n) | listFoldl add 0 (listTakeWhile (x & lth x n) (listIterate (mul 2) 1))

[(below 0) (below 1) (below 2) (below 1000) (below 9223372036854775809)]

= (sumMap f xs) | listSum (listMap f xs)

[(sumMap inc ~[1 2 3]) (sumMap inc NIL) (sumMap inc 7) (sumMap inc {text}) (sumMap (x & {a}) ~[1 2])]

[(sumMap inc [1 2 3]) (sumMap inc [1]) (sumMap inc [1 [2 [3 0]]]) (sumMap inc (add 1))]

= (allBelow n xs) | listAll (x & lth x n) (listMap (mul 2) xs)

[(allBelow 9 ~[1 2 3]) (allBelow 5 (from 1)) (allBelow 9 NIL) (allBelow 5 (CONS 1 (CONS 3 (die {tail}))))]

= (reversed k xs) | listRev (listTake k xs)

[(reversed 2 ~[1 2 3]) (reversed 9 ~[1 2 3]) (reversed 0 (die {list})) (reversed 3 (from 5))]

= (flip k xs) | listWeld (listRev (listTake k xs)) (listDrop k xs)

[(flip 3 ~[1 2 3 4 5]) (flip 0 ~[1]) (flip 1 ~[1]) (flip 7 ~[1 2]) (flip 2 NIL)]

= (squares n) | listSum (listZipWith mul (listGen n id) (listMap inc (listGen n id)))

[(squares 0) (squares 1) (squares 50)]

= (flat n) | listSum (listCatMap (x & listTake x (from x)) (listGen n id))

[(flat 0) (flat 1) (flat 2) (flat 30)]

= (pairs n) | listLen (listCatMap (x & listMap (y & [x y]) (listFilter (lth x) (listGen n id))) (listGen n id))

[(pairs 0) (pairs 1) (pairs 12)]

= (bytes n) | listToRow (listMap (mul 2) (listTake n (from 1)))

[(bytes 0) (bytes 4) (barFromList (listMap (x & mod x 7) (listTake 9 (from 1))))]

= (sieve xs) | listCase xs NIL (p rest & CONS p (sieve (listFilter (x & mod x p) rest)))

(listTake 12 (sieve (from 2)))

= (sieveSum n) | listSum (listTake n (sieve (from 2)))

[(sieveSum 0) (sieveSum 1) (sieveSum 20)]

= (nested n) | listSum (listMap (x & listSum (listMap (mul x) (listTake x (from 0)))) (listTake n (from 0)))

[(nested 0) (nested 3) (nested 12)]

= (lastOf xs) | listFoldl (x y & y) 0 (listMap inc xs)

[(lastOf ~[1 2 3]) (lastOf NIL) (lastOf (listGen 500 id))]

(try (x & lastOf (CONS (die x) ~[2])) 5)
";

/// What is not evaluated, what crashes and where, and lists that are used twice.
const LAZINESS: &str = r"
= (from n) | CONS n (from (inc n))

= (crashAt n) | listMap (x & if (eql x n) (die {item}) x) (from 0)

= (firstAbove n xs) | listHead (listFilter (x & lth n x) (listMap inc xs))

[(firstAbove 5 (from 0)) (firstAbove 1 (CONS 1 (die {tail}))) (firstAbove 9 ~[1 2])]

= (lens n) | listLen (listTake n (crashAt 3))

[(lens 2) (lens 9)]

= (sums n) | listSum (listTake n (crashAt 3))

[(try sums 3) (try sums 4) (try sums 9)]

= (tailCrash n) | listSum (listTake n (CONS 1 (CONS 2 (die {tail}))))

[(try tailCrash 2) (try tailCrash 3) (try tailCrash 0)]

= (countCrash n) | listSum (listTake (die n) (from 0))

(try countCrash 7)

= (stepCrash n) | listFoldl (acc x & if (lth n x) (die acc) (add acc x)) 0 (listMap inc (from 0))

[(try stepCrash 5) (try stepCrash 100)]

= (shared n)
@ xs | listMap (mul 3) (listTake n (from 0))
[(listSum xs) (listLen xs) xs]

[(shared 0) (shared 4)]

= (twice n)
@ xs | listMap (mul 3) (listTake n (from 0))
| listSum (listZipWith add xs (listMap inc xs))

[(twice 0) (twice 9)]

= (branch c n)
@ xs | listTake n (from 0)
| if c (listSum xs) (listLen xs)

[(branch 1 9) (branch 0 9) (branch 1 0)]

= (unused c n) | if c 7 (listSum (listMap inc (listTake n (die {list}))))

[(unused 1 9) (try unused 0 9)]

= (later acc n)
@ xs | listMap inc (listTake n (from 0))
| listFoldl add (add 1 acc) xs

[(later 3 4) (later {a} 0) (try (a & later (die a) 3) 5)]

= (order n) | listFoldl (acc x & seq x (add acc x)) (die {start}) (listMap (x & die x) (listTake n (from 1)))

[(try order 0) (try order 2)]

= (lazyItems n) | listLen (listMap (x & die x) (listTake n (from 0)))

(lazyItems 50)

= (foldr n) | listFoldr (x rest & if (eql x 40) x (add x rest)) 0 (listMap inc (from n))

[(foldr 0) (foldr 39)]

= (loopTwice n)
^ _ n 0
? (go i acc)
| if (isZero i) acc
@ acc | add acc (listSum (listMap (mul i) (listTake 3 (from i))))
| seq acc
| go (dec i) acc

[(loopTwice 0) (loopTwice 40)]

= (search x xs) | listCase xs 0 (y rest & if (eql x y) (inc x) (search x rest))

[(search 3 ~[1 2 3]) (search (die {x}) NIL) (try (x & search (die x) ~[1]) 6) (search 9 ~[1 2]) (search {a} ~[1 {a}])]

= (steps a n xs) | listCase xs a (y rest & if (lth n y) a (steps (add a n) (inc n) rest))

[(steps {a} 1 NIL) (steps {a} 1 ~[1 1 5]) (steps 1 1 (listMap (mul 2) (from 0))) (steps 9223372036854775807 9223372036854775807 ~[1 2 3])]
";

#[test]
fn pipelines_have_the_same_results() {
    assert_same_compiled(PIPELINES);
}

#[test]
fn what_is_not_needed_is_not_evaluated() {
    assert_same_compiled(LAZINESS);
}
