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

";

/// Expressions and their values, which a program in another language computed.
const CASES: &[(&str, u64)] = &[
    ("change 3000 [1 2 5 10 20 50]", 704_523),
    ("changeKept 400 [1 2 5 10 20 50]", 95_314),
    ("sieve 6000", 684_583),
    ("counts 3000", 531_507),
    ("distances 24", 12_611_719),
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
    ];
    for mode in [CompileMode::Off, CompileMode::Eager] {
        assert_eq!(values(mode, 1 << 15, true, cases), expected(cases), "{mode:?}");
    }
}
