//! Folds whose state is a row or a record with items that nothing evaluates before the end: what is computed
//! early is the same as what the laws compute late, and nothing is evaluated that nothing needs.

use tests::assert_same_compiled;

/// States with counters, sums of items of the state, functions that change an item, and items that crash.
const STATES: &str = r"
= (pair row)
^ foldl _ [1 0] row
& ([a b] x)
@ !a | mod (add a x) 65521
[a (mod (add a b) 65521)]

=?= [25006 35472] | pair (rep 5 5001)

= (count l)
^ listFoldl _ [0 0 7] l
& ([n sum other] x)
[(inc n) (mod (add (mul 3 sum) x) 1000003) other]

=?= [3000 493 7]
  @ [n s o] | count (listGen 3000 id)
  | [n (mod s 3000) o]

# record Counters
| COUNTERS seen:Nat odd:Nat last:Nat table:Tab

= (observe counters x)
@ COUNTERS(..) counters
@ counters | modSeen inc (setLast x counters)
@ counters | if (odd x) (modOdd (add 1) counters) counters
| setTable (tabIns (mod x 16) seen table) counters

= (end l) | listFoldl observe (COUNTERS 0 0 0 #[]) l

@ COUNTERS(..) (end (listGen 5000 (mul 7)))
[seen odd last (tabLen table) (tabIdx 3 table)]

= (apply f g x) [(f (fst x)) (g (snd x))]
= (many f g n) | times (apply f g) [5 6] n

[(many inc dec 4000) (many (add 3) (mul 1) 4000) (many id inc 3000) (many (x & 0) inc 10)]

= (lazyItem n)
@ r | listFoldl ([a b] x & [(add 1 a) (add (add 1 b) (die x))]) [0 0] (listGen n id)
| fst r

=?= 4000 | lazyItem 4000

= (lazyCounter n)
@ [a b] | listFoldl ([a b] x & [(mod (add (mul 2 a) (idx 1 [x b])) 9) (inc b)]) [0 (die {counter})] (listGen n id)
| 7

=?= 7 | lazyCounter 3000

= (large l)
^ listFoldl _ [1 2] l
& ([a b] x)
[(add (mul a 3) x) (mod (mul b (add b 5)) 18446744073709551557)]

[(large (listGen 200 id)) (large (listGen 3 (const 9223372036854775807))) (large ~[{text} [1 2] 18446744073709551616])]

= (deep row) | (x y z & [(mod (add x (div (mul y (add z 1)) (sub x z))) 7) (mod (add (idx 1 row) (idx 0 row)) 5) (add (idx 9 row) 1)])

[(deep [4 5] 1 2 3) (deep [4 (die 1)] 1 2 3 (a b c & a)) (deep 7 [1] {a} 18446744073709551616) (try (x & idx 1 (deep [(die 4) 5] x 2 3)) 1)]

= (change amount coins)
^ get (foldl _ (put (rep 0 (inc amount)) 0 1) coins) amount
& (ways coin)
^ _ ways coin
? (go ways c)
| if (lth amount c) ways
| go (put ways c (mod (add (get ways c) (get ways (sub c coin))) 1000003)) (inc c)

=?= [293 237] | [(change 100 [1 5 10 25 50 100]) (mod (change 3000 [1 2 5 10]) 997)]

; What is chosen is a crash, a thunk, an item of something that is no row, or out of range; what is not chosen crashes.
= (chosen row i x)
++ if (lth i 2) (get row i) (add (idx i row) x)
++ if (barIdx i b#abc) (min i x) (die {no byte})
++ not (or (i == 3) (and (x == 4) (lte i x)))

=?= [10 0 1] | chosen [10 20 30] 0 0

=?= [30 0 1] | chosen [10 20 30] 2 0

=?= 12       | idx 0 (chosen [(die 1) (die 2) 5] 2 7)

=?= 1        | idx 2 (chosen (die 1) 1 5)

[(chosen {text} 1 [1]) (chosen [1 [2 3]] 1 18446744073709551616) (idx 2 (chosen 5 18446744073709551616 2))]

= (walk n)
^ _ n [1 (die {first}) 0]
? (go n row)
| if (n == 0) [(idx 0 row) (idx 2 row)]
| go (dec n)
++ mod (add (get row 0) (if (even n) (get row 2) 1)) 1000
++ add (get row 1) n
++ mod (add (get row 2) (get row (mul 2 (mod n 2)))) 77

(map walk [1 2 3 4000])
";

#[test]
fn what_a_state_computes_early_is_what_the_law_computes() {
    assert_same_compiled(STATES);
}
