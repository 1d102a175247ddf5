//! Programs that edit a row or table in a loop, keep some of the versions, and compute items lazily from other
//! items: whatever is compiled, and however often the nursery is collected, they have the same values.

use library_image::LIBRARY_IMAGE;
use plan::HeapOptions;
use runtime::{CompileMode, RuntimeBuilder};
use tests::{built_in_library, library_session};

/// The loops of the programs; each ends with a nat that depends on all items.
const PROGRAM: &str = "\
= (check row) | foldl (acc x & mod (add x (mul 31 acc)) 1000003) 7 row

; Ways to give change: an item from two items of the version before.
= (change amount coins)
^ check (foldl _ (put (rep 0 (inc amount)) 0 1) coins)
& (ways coin)
^ _ ways coin
? (go ways c)
| if (lth amount c) ways
| go (put ways c (mod (add (get ways c) (get ways (sub c coin))) 1000003)) (inc c)

; The same, and each tenth version is kept.
= (changeKept amount coins)
@ start | put (rep 0 (inc amount)) 0 1
@ versions
    ^ foldl _ [start NIL] coins
    & ([ways kept] coin)
    ^ _ ways kept coin
    ? (go ways kept c)
    | if (lth amount c) [ways kept]
    @ kept | if (mod c 10) kept (ways :: kept)
    | go (put ways c (mod (add (get ways c) (get ways (sub c coin))) 1000003)) kept (inc c)
@ [ways kept] versions
| listFoldl (acc row & mod (add (check row) (mul 31 acc)) 1000003) (check ways) kept

= (strike step i row)
| if (gte i (len row)) row
| strike step (add i step) (put row i 0)

= (sieve n)
^ check (_ 2 (put (put (rep 1 n) 0 0) 1 0))
? (go p row)
| if (gte (mul p p) n) row
| if (get row p) | go (inc p) (strike p (mul p p) row)
| go (inc p) row

; Counts in a table, of which each hundredth version is kept.
= (counts n)
@ [last kept]
    ^ _ #[] NIL 1 0
    ? (go table kept seed i)
    | if (eql i n) [table kept]
    @ seed | mod (add 12345 (mul 1103515245 seed)) (bex 31)
    @ kept | if (mod i 100) kept (table :: kept)
    | go (tabAlter (old & SOME (maybeCase old 1 inc)) (mod (div seed 65536) 700) table) kept seed (inc i)
@ value
    & table
    | listFoldl (acc [k v] & mod (add k (add v (mul 31 acc))) 1000003) 0 (tabToPairList table)
| listFoldl (acc table & mod (add (value table) (mul 31 acc)) 1000003) (value last) kept

; Least distances: each row from the row before and one of its items, which is lazy.
= (distances n)
@ first | gen n (i & gen n (j & if (eql i j) 0 (add 1 (mod (mul (add i 7) (add j 11)) 97))))
^ sumOf check (_ 0 first)
? (go k dist)
| if (eql k n) dist
@ via | get dist k
@ next
    ^ map _ dist
    & row
    @ toK | get row k
    | zipWith (old next & min old (add toK next)) row via
| go (inc k) next

= (random seed) | mod (add 12345 (mul 1103515245 seed)) (bex 31)

= (numbers n)   | listTake n (listIterate random 5)

; A histogram; the numbers are lazy, and so are the indices. Each hundredth version is kept.
= (histogram n)
@ [row kept]
    ^ listFoldl _ [(rep 0 300) NIL] (numbers n)
    & ([row kept] seed)
    @ i | mod (div seed 65536) 300
    @ kept | if (mod seed 100) kept (row :: kept)
    [(put row i (inc (get row i))) kept]
| listFoldl (acc row & mod (add (check row) (mul 31 acc)) 1000003) (check row) kept

; Exchanges of items at lazy indices.
= (swap row i j) | put (put row i (get row j)) j (get row i)

= (shuffle n seeds)
^ check (listFoldl _ (gen n id) seeds)
& (row seed)
| swap row (mod (div seed 65536) n) (mod (div seed 256) n)

; Sorting with a heap.
= (sift row n i)
@ l | inc (mul 2 i)
| if (gte l n) row
@ r | inc l
@ c | if (and (lth r n) (lth (get row l) (get row r))) r l
| if (lte (get row c) (get row i)) row
| sift (swap row i c) n c

= (heap row)
^ _ row (div (len row) 2)
? (go row i)
| ifz i row
| go (sift row (len row) (dec i)) (dec i)

= (heapSort row)
^ check (_ (heap row) (len row))
? (go row n)
| if (lth n 2) row
| go (sift (swap row 0 (dec n)) (dec n) 0) (dec n)

; Counts in a table by a look-up and an insertion; each fiftieth version is kept.
= (tally n)
@ [table kept]
    ^ listFoldl _ [#[] NIL] (numbers n)
    & ([table kept] seed)
    @ k | mod (div seed 65536) 500
    @ kept | if (mod seed 50) kept (table :: kept)
    [(tabPut table k (add (mod seed 10) (tabGet table k))) kept]
@ value
    & table
    | listFoldl (acc [k v] & mod (add k (add v (mul 31 acc))) 1000003) 0 (tabToPairList table)
| listFoldl (acc table & mod (add (value table) (mul 31 acc)) 1000003) (value table) kept

; A set, a table and counters in one state.
= (duplicates n)
@ [seen times count]
    ^ listFoldl _ [%[] #[] 0] (numbers n)
    & ([seen times count] seed)
    @ x | mod (div seed 65536) 400
    [(setIns x seen) (tabPut times x (inc (tabGet times x))) (if (setHas x seen) (inc count) count)]
| add (mul 10_000 count) (add (setLen seen) (mul 100_000_000 (tabFoldlWithKey (acc k n & max acc n) 0 times)))

; Ways through a grid with walls, in a table with pairs as keys, which are texts in the second table.
= (ways tab x y)
| if (isZero (add x y)) 1
| if (isZero (mod (add (mul x x) (mul 7 y)) 11)) 0
@ left  | if (isZero x) 0 (tabGet tab [(dec x) y])
@ above | if (isZero y) 0 (tabGet tab [x (dec y)])
| mod (add left above) 1_000_007

= (gridOf tab)
^ tabFoldlWithKey _ 0 tab
& (acc [x y] v)
| mod (add (add x (mul 3 y)) (add v (mul 31 acc))) 1_000_003

= (textsOf texts)
^ tabFoldlWithKey _ 0 texts
& (acc k v)
| mod (add v (mul 31 acc)) 1_000_003

= (grid n)
^ _ #[] #[] 0
? (go tab texts i)
| if (eql i (mul n n)) (add (gridOf tab) (mul 1_000_003 (textsOf texts)))
@ x | mod i n
@ y | div i n
@ v | ways tab x y
@ k | barNat (barCat [(barShowDecimal (mod i 50)) b#{-}])
| go (tabPut tab [x y] v) (tabPut texts k (mod (add v (tabGet texts k)) 1009)) (inc i)

; What is no app is returned, and neither the index nor the item is evaluated.
= (noRows n)
| listFoldl (acc i & add acc (put i (die i) (die i))) 0 (listTake n (listEnumFrom 0))

= (noRowsTwice n)
^ listFoldl _ 0 (listTake n (listEnumFrom 0))
& (acc i)
| add acc (put (put i (die i) (get i (die i))) (die i) (get (put i (die i) 1) (die i)))

";

/// Expressions and their values, which a program in another language computed.
const CASES: &[(&str, u64)] = &[
    ("change 3000 [1 2 5 10 20 50]", 704_523),
    ("changeKept 400 [1 2 5 10 20 50]", 95_314),
    ("sieve 6000", 684_583),
    ("counts 3000", 531_507),
    ("distances 24", 12_611_719),
    ("histogram 3000", 555_687),
    ("shuffle 500 (numbers 2000)", 508_918),
    ("heapSort (listToRow (numbers 700))", 784_673),
    ("tally 3000", 699_628),
    ("duplicates 3000", 1_526_000_400),
    ("grid 40", 577_900_500_854),
    ("noRows 3000", 4_498_500),
    ("noRowsTwice 3000", 4_498_500),
];

/// The values of the expressions, one after the other in a session.
fn values(mode: CompileMode, nursery: usize, stress: bool, cases: &[(&str, u64)]) -> Vec<u64> {
    let options = HeapOptions { nursery, max_heap: 1 << 28, stress, ..Default::default() };
    let runtime = RuntimeBuilder::new().heap(options).compile(mode);
    let mut sire = library_session(runtime, built_in_library());
    sire.start_from(&LIBRARY_IMAGE);
    sire.load("prelude").expect("it is built in");
    let mut text = PROGRAM.to_owned();
    for (index, (expression, _)) in cases.iter().enumerate() {
        text += &format!("= value{index} ({expression})\n\n");
    }
    sire.repl(text.as_bytes()).expect("it is read");
    let value = |index: usize| {
        let value = sire.binding(&format!("value{index}")).expect("it is defined");
        sire.vm().look(&value).as_u64().expect("a nat")
    };
    (0..cases.len()).map(value).collect()
}

fn expected(cases: &[(&str, u64)]) -> Vec<u64> {
    cases.iter().map(|(_, value)| *value).collect()
}

#[test]
fn values_do_not_depend_on_the_compiler_or_the_nursery() {
    for mode in [CompileMode::Off, CompileMode::Eager, CompileMode::After(200)] {
        for nursery in [1 << 15, 1 << 17, 4 << 20] {
            assert_eq!(values(mode, nursery, false, CASES), expected(CASES), "{mode:?} {nursery}");
        }
    }
}

#[test]
fn values_do_not_depend_on_when_objects_move() {
    let cases = &[
        ("change 300 [1 2 5]", 636_268),
        ("changeKept 60 [1 2 5]", 476_225),
        ("sieve 400", 30_687),
        ("histogram 40", 851_628),
        ("shuffle 300 (numbers 40)", 344_864),
        ("heapSort (listToRow (numbers 40))", 295_349),
        ("tally 40", 247_683),
        ("duplicates 60", 200_070_053),
        ("grid 6", 870_144_979_533),
        ("noRowsTwice 40", 780),
    ];
    for mode in [CompileMode::Off, CompileMode::Eager] {
        assert_eq!(values(mode, 1 << 15, true, cases), expected(cases), "{mode:?}");
    }
}
