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

/// Records that a loop passes to itself: their parts are changed by calls in calls, and nothing needs some of them.
const RECORDS: &str = r"
# record Bank
| BANK accounts:Tab log:List total:Nat note:Any

= (deposit who amount bank)
@ BANK(..) bank
| BANK (tabPut accounts who (add amount (tabGet accounts who))) (CONS amount log) (add total amount) (note who)

= (deposits n)
^ _ 0 (BANK #[] NIL 0 die)
? (go i bank)
| if (i == n) bank
| go (inc i) (deposit (mod (mul i 7919) 101) (mod i 13) bank)

= (check bank)
@ BANK(..) bank
[(foldl (acc x & mod (add x (mul 31 acc)) 1000003) 0 (tabValsRow accounts)) (listLen log) total]

=?= [59767 1200 7182] | check (deposits 1200)

; Keys that are no nats, values that crash, and a key that the last turns do not need.
= (keep keys i bank)
@ BANK(..) bank
| BANK (tabPut accounts (get keys (mod i 3)) (if (i == 5) (die i) i)) log (add total i) note

= (kept keys n)
^ _ 0 (BANK #[] NIL 0 0)
? (go i bank)
| if (i == n) bank
| go (inc i) (keep keys i bank)

=?= 44850 | getTotal (kept [[1 2] b#a (x y & x)] 300)

=?= 297   | tabGet (getAccounts (kept [[1 2] 9 b#a] 300)) [1 2]

=?= 15    | getTotal (kept [1 (die {key}) 3] 6)

=?= 299   | tabGet (getAccounts (kept [1 2 18446744073709551616] 300)) 18446744073709551616

; What is no table is found out when the table is needed.
= (bad n)
^ _ 0 (BANK 7 NIL 0 0)
? (go i bank)
| if (i == n) bank
| go (inc i) (keep [1 2 3] i bank)

=?= 4950 | getTotal (bad 100)
";

#[test]
fn records_that_a_loop_changes_are_what_the_laws_compute() {
    assert_same_compiled(RECORDS);
}

/// Functions that are parts of states, lists and options: they are called, given more arguments, and passed on.
const FUNCTIONS: &str = r"
= (done env success failure)       | success env failure
= (never env success failure)      | failure
= (both p q env success failure)   | p env (env retry & q env success retry) failure
= (orElse p q env success failure) | p env success (q env success failure)

= (assign letter digit env success failure)
| if (has digit (tabValsRow env)) failure
| success (tabIns letter digit env) failure

= (choose n letter) | listFoldr orElse never (listMap (assign letter) (listGen n id))
= (test f env success failure) | if (f env) (success env failure) failure

; The ways to put different digits on three letters whose sum is known.
; The number of ways to put different digits on three letters whose sum is known.
= (countWays n sum)
@ isSum | test (env & eql sum (foldl add 0 (tabValsRow env)))
| listFoldr both done ~[(choose n %a) (choose n %b) (choose n %c) isSum] #[] (env retry & inc retry) 0

=?= 36 | countWays 8 10

= (pure x cs)   | SOME [x cs]
= (bind p f cs) : [x rest] < maybeCase (p cs) NONE
                | f x rest
= (digit cs)    | listCase cs NONE (c rest & if (isDigit c) (SOME [(sub c 48) rest]) NONE)

= (orParse p q cs) | maybeCase (p cs) (q cs) SOME

= (number n)
: d < bind (orParse digit (pure 99))
| if (d == 99) (pure n)
| number (add d (mul 10 n))

=?= [120356 {x}] | maybeCase (number 0 (barToList b#120356x)) 0 ([n rest] & [n (fst rest)])

=?= [0 0] | maybeCase (number 0 NIL) 7 ([n rest] & [n rest])

; SOME with parts that crash, its items, and more arguments.
[(isSome (SOME (die 1))) (fromSome 5 (SOME 6)) (maybe 0 inc (SOME 4)) (len (SOME 3)) (idx 0 (SOME 8)) (SOME 1 2)]

= (drops n row) | listFoldl (acc k & mod (add (mul 31 acc) (sum (drop k row))) 1000003) 7 (listGen n id)

[(drops 9 [1 2 3 4 5]) (drops 30 (gen 20 inc)) (drop 1 5) (drop [1] [2 3]) (drop 18446744073709551616 [1 2]) (drop 1 (a b & a))]

= (grow n) | listFoldl (row k & rowCons k (rowSnoc row (mul k k))) [] (listGen n id)

[(grow 3) (sum (grow 40)) (rowCons 1 7) (rowSnoc {text} 2) (len (rowCons (die 1) (rowSnoc [] (die 2))))]

= (low n x) [(trunc n x) (trunc 32 x) (trunc 64 x) (trunc 0 x) (trunc 63 x) (trunc 65 x)]

[(low 8 1000) (low 62 18446744073709551615) (low 63 36893488147419103231) (low 64 36893488147419103231) (low [1] 5) (low 3 [7])]

[(map (i & natToSizedBar i 65) [1 2 7 8 9]) (barSing 0) (barSing 255)]

; Parts of bars, of a view, and of values that are no bars: each offset, and widths up to where a part is a view.
= text  | barCat (gen 40 (i & barCat [b#item (natToSizedBar 2 (add 256 i))]))
= parts | [b#{} b#a b#abcdefg b#abcdefgh b#abcdefghi text (barDrop 3 text) (barSlice 17 70 text)]

= (sums bar)
| listFoldl (acc w & mod (add (mul 31 acc) w) 1000003) 7
| listCatMap (o & listMap (w & barNat (barSlice o w bar)) [0 [1 [2 [7 [8 [9 [16 [23 [63 [64 [65 0]]]]]]]]]]])
| listGen (min 80 (add 2 (barLen bar))) id

(map sums parts)

(map (bar & [(barIsEmpty bar) (foldl add 0 (barToRow bar)) (len (barToRow (barTake 16 bar)))]) parts)

[(barSlice [1] 2 b#abc) (barSlice 1 {x} b#abc) (barSlice 18446744073709551616 1 b#abc) (barSlice 1 18446744073709551616 b#abc)]

= (values n)
^ _ n #[]
? (go n tab)
@ row | tabValsRow tab
| if (isZero n) [row (tabValsRow (tabIns 1 7 tab)) row]
| go (dec n) (tabIns (mod n 5) (add n (sum row)) tab)

(map values [0 1 7 40])

; All items are evaluated.
[(strictRow [1 (add 1 2)]) (try (x & len (strictRow [1 (die x)])) 3) (strictRow 7)]

=?= (try (x & die x) 3) | try (x & len (strictRow [(die x) 1])) 3
";

#[test]
fn functions_that_are_passed_on_are_called_as_the_laws_call_them() {
    assert_same_compiled(FUNCTIONS);
}
