//! Loops that edit tables, sets and rows: compiled code, which changes in place what only the loop
//! refers to, returns what the interpreter returns, and changes no other value.

use library_image::LIBRARY_IMAGE;
use plan::{EvalError, Val, plain};
use runtime::{CompileMode, RuntimeBuilder};
use sire::Sire;
use spec::Term;
use tests::{built_in_library, library_session};

/// Loops. The last two parameters of each are a count and a start value.
const PROGRAM: &str = "\
= (counts f n start)
| foldl (tab i & tabInsWith f (mod (mul i 7919) 300) i tab) start (gen n id)

= (sums n start)   | counts add n start

= (lazySums n start)  | counts (a b & add a (mul 2 b)) n start

= (crashes n start) | tabLen (counts (a b & die b) n start)

= (nested n start)
^ foldl _ start (gen n id)
& (tab i)
| listFoldl (tab j & tabInsWith add (mod (add i (mul 37 j)) 500) 1 tab) tab ~[0 1 2 3 4 5]

= (before n start)
@ after | sums n start
[after start (sums n after) after]

= (versions n tab kept)
| ifz n [tab kept]
@ next | tabPut tab (mod (mul n 7919) 200) n
| versions (dec n) next (if (eql 0 (mod n 7)) (tab :: kept) kept)

= (keepsVersions n start) | versions n start NIL

= (swapping n a b)
| ifz n [a b]
| swapping (dec n) b (tabPut a (mod n 150) n)

= (swaps n start) | swapping n start start

= (first n a b)
| ifz n [a b]
| first (dec n) (tabIns (mod n 170) [n] a) b

= (shared n start) | first n start start

= (recursive n start)
| ifz n start
| tabPut (recursive (dec n) start) (mod (mul 31 n) 200) n

= (looking n tab sum)
| ifz n [tab sum]
@ !sum | add sum (tabGet tab (mod (mul n 17) 300))
| looking (dec n) (tabPut tab (mod (mul n 7919) 300) n) sum

= (looks n start) | looking n start 0

= (lateLooking n tab rows)
| ifz n [tab rows]
| lateLooking (dec n) (tabPut tab (mod (mul n 7919) 300) n) ((tabGet tab (mod n 40)) :: rows)

= (lateLooks n start) | lateLooking n start NIL

= (barKeys n start)
| foldl (tab i & tabInsWith add (barDrop (mod i 3) (natBar (mod (mul i 7919) 400))) 1 tab) start (gen n id)

= (rowKeys n start)
| foldl (tab i & tabPut tab [(mod i 11) (mod i 7)] [i (tabLen tab)]) start (gen n id)

= (badKeys n start)
| foldl (tab i & tabPut tab (if (eql i 50) (die i) i) i) start (gen n id)

= (half n tab)
| if (eql n 20) (tabLen (tabDel 30 tab))
| half (dec n) (tabPut tab n (add n 0))

= (halfway n start) | [(half (add 21 n) start) start]

= (members n start)
^ foldl _ start (gen n id)
& (set i)
| setIns (mod (mul i 7919) 400) set

= (memberSets n start) | [(members n start) start (members (mul 2 n) start)]

= (queueing n set out)
| ifz n [set out]
@ set | setIns [(mod (mul n 31) 97) n] set
| queueing (dec n) set (if (setHas [3 n] set) (n :: out) out)

= (queues n start) | queueing n start NIL

= (registers n row)
| ifz n row
| registers (dec n) (put row (mod n (inc (len row))) (add n (get row (mod (mul 3 n) (len row)))))

= words | gen 40 (i & natBar (mul 7919 (add 1000 i)))

= (barLooking n tab sum)
| ifz n [tab sum]
@ !sum | add sum (tabGet tab (get words (mod (mul n 3) 40)))
| barLooking (dec n) (tabPut tab (get words (mod (mul n 7) 40)) n) sum

= (barLooks n start) | barLooking n start 0

= (barQueueing n set sum)
| ifz n [set sum]
@ !sum | add (mul 2 sum) (setHas (get words (mod (mul n 3) 40)) set)
| barQueueing (dec n) (setIns (get words (mod (mul n 7) 40)) set) sum

= (barQueues n start) | barQueueing n start 0

= (sweeping n row sum)
| ifz n [row sum]
@ !sum | add sum (get row (mod n 300))
| sweeping (dec n) (put row (mod (dec n) 300) (mul n n)) sum

= (sweeps n start) | sweeping n start 0

= (afterwards x tab)
[(seq x (tabGet tab 3)) (seq x (put tab 0 1)) (seq x (tabPut tab 3 4))]

= (firstCrashes n start) | afterwards (if (eql n 1) (die 1) n) start

= (machines n start) | [(registers n start) start (registers (inc n) start)]

= (stateStep [count tab kept] i)
@ old | tabGet tab (mod i 70)
| if (eql 0 (mod i 5)) [(inc count) tab kept]
[(add count (if old 1 0)) (tabPut tab (mod (mul 7919 i) 300) i) (if (eql 1 (mod i 9)) tab kept)]

= (states n start)    | listFoldl stateStep [0 start start] (listGen n id)
= (anyStates n start) | listFoldl stateStep start (listGen n id)
= (rowStates n start) | foldl stateStep [n start start] (gen n id)

= (edgeStep [parents sizes] i)
@ [parents sizes]
    | if (tabGet sizes (mod i 7)) [(tabPut parents (mod i 40) i) (tabPut sizes (mod i 50) (inc i))]
    [(tabPut parents (mod i 30) 1) (tabPut sizes (mod (mul 3 i) 10) i)]
| if (eql (tabGet parents 3) (tabGet parents 4)) [parents sizes]
[parents sizes]

= (edges n start)    | listFoldl edgeStep [start start] (listGen n id)
= (anyEdges n start) | listFoldl edgeStep start (listGen n id)

= (pairing n tab)
| ifz n [tab tab]
| pairing (dec n) (tabPut tab (mod n 30) n)

= (pairs n start)
@ [a b] | pairing n start
[(tabPut a 0 1) (sums n b) a]

= (both n a b)
| ifz n [a b]
| both (dec n) (tabPut a (mod n 9) n) a

= (boths n start) | both n start start

= (numbering n tab sum)
| ifz n [tab sum]
@ !sum | add (mul 3 sum) (tabGet tab (mod (mul n 17) 600))
@ key  | if (eql 0 (mod n 8)) (tabLen tab) (mod (mul n 7919) 150)
| numbering (dec n) (tabPut tab (add 100 key) n) sum

= (numbers n start) | numbering n start 0

= zeros [b#{} x#00 x#0000 x#000000]

= (zeroKeys n start)
^ foldl _ start (gen n id)
& (tab i)
| tabInsWith add (barWeld (natBar (mod (mul i 7) 23)) (get zeros (mod i 4))) i tab

= (wrapping n tab)
| ifz n [(tabPut tab 3 4) tab]
@ tab | tabPut tab (mod n 60) n
| if (eql n 7) [tab]
| wrapping (dec n) tab

= (recordStep rec i)
| mut 0 (tabPut (idx 0 rec) (mod (mul 7919 i) 300) i)
| mut 1 (tabDel (mod i 50) (idx 1 rec))
| mut 2 (inc (idx 2 rec)) rec

= (records n start) | [(listFoldl recordStep [start start 0] (listGen n id)) start]

= (changed f at row) | mut at (f (idx at row)) row

= (countedStep [sum rec] i)
@ old | tabGet (idx 1 rec) (mod i 40)
| if (mod i 3)
    [(add sum old) (changed inc 0 (mut 1 (tabPut (idx 1 rec) (mod i 60) i) rec))]
[(add sum (mod (mul i old) 97)) (changed (add i) 2 (changed (tabDel (mod i 30)) 1 rec))]

= (counted n start) | listFoldl countedStep [0 [0 start 0]] (listGen n id)

= (keepingStep [rec kept] i)
@ next | mut 1 i (mut 0 (tabPut (idx 0 rec) (mod (mul 31 i) 90) i) rec)
| if (mod i 7) [next kept]
[next (rec :: kept)]

= (keepings n start) | listFoldl keepingStep [[start 0 start] NIL] (listGen n id)

= (popping n tab out)
| ifz n [tab out]
@ least | tabMinKey tab
@ old   | tabGet tab least
| popping (dec n) (tabPut (tabDel least tab) (add 1 (mod (mul n 7919) 500)) n) (old :: out)

= (pops n start) | [(popping n start NIL) start]

= (setPopping n set sum)
| ifz n [set sum]
@ least | setMin set
@ set   | setIns (add 1 (mod (mul n 7919) 500)) (setDel least set)
| setPopping (dec n) set (if (gte (setLen set) 3) (inc sum) sum)

= (setPops n start) | [(setPopping n start 0) start]

= (lazyEdits n a b)
| ifz n [a b]
| seq a
| lazyEdits (dec n) (tabPut a (mod n 150) n) (tabDel (mod (mul 3 n) 70) (tabPut b (mod n 90) a))

= (lazies n start) | lazyEdits (mod n 20) start start

= (sharing n tab out)
| ifz n [tab out]
@ next | tabPut tab (mod n 30) n
| sharing (dec n) (tabDel (mod n 20) next) (next :: out)

= (sharings n start) | sharing n start NIL

= (waking n tab out)
| ifz n [tab out]
@ next | tabPut tab (mod n 30) n
@ seen | if (eql 3 (mod n 4)) (tabLen next) 0
| seq seen
| waking (dec n) (tabPut next 5 seen) (if (mod n 9) out (next :: out))

= (wakings n start) | waking n start NIL

= (wraps n start)
@ wrapped | wrapping (add 7 n) start
[wrapped (sums n (fst wrapped)) (wrapping (mod n 7) start)]
";

/// Start values of every shape, as Sire expressions.
const STARTS: &[&str] = &[
    "#[]",
    "(foldl (tab i & tabPut tab i [i]) #[] (gen 100 id))",
    "(foldl (tab i & tabPut tab (mul 3 i) i) #[] (gen 600 (mul 2)))",
    "(foldl (tab i & tabPut tab (add 100 i) i) #[] (gen 300 id))",
    "(tabMap (add 1) (tabFromPairs [[1 2] [3 4] [b#abc 5]]))",
    "(tabFromPairs [[2 (die 2)] [3 3]])",
    "%[]",
    "(setFromRow [1 5 b#x [1 2]])",
    "(setFromRow (gen 300 (mul 2)))",
    "[]",
    "[1 2 3]",
    "(gen 40 id)",
    "(gen 700 (add 1))",
    "7",
    "18446744073709551616",
    "(setFromRow [1 2] [5 6])",
    "(setFromRow [1 2] 5)",
    "(die 3)",
];

const LOOPS: &[&str] = &[
    "sums",
    "lazySums",
    "crashes",
    "nested",
    "before",
    "keepsVersions",
    "swaps",
    "shared",
    "recursive",
    "looks",
    "lateLooks",
    "barKeys",
    "rowKeys",
    "badKeys",
    "halfway",
    "memberSets",
    "queues",
    "machines",
    "barLooks",
    "barQueues",
    "sweeps",
    "firstCrashes",
    "states",
    "anyStates",
    "rowStates",
    "edges",
    "anyEdges",
    "pairs",
    "boths",
    "zeroKeys",
    "numbers",
    "wraps",
    "records",
    "counted",
    "keepings",
    "pops",
    "setPops",
    "lazies",
    "sharings",
    "wakings",
];

/// The outcome of an evaluation to normal form.
#[derive(Debug, PartialEq)]
enum LoopOutcome {
    Value(Term),
    /// Which of several crashes is met may differ.
    Crash,
    Other(String),
}

/// A session with the loops and start values.
fn session(mode: CompileMode, nursery: usize) -> Sire {
    let options = plan::HeapOptions { nursery, max_heap: 1 << 28, ..Default::default() };
    let runtime = RuntimeBuilder::new().heap(options).compile(mode);
    let mut sire = library_session(runtime, built_in_library());
    // The laws of the library are not executed again, which compiling them first would make slow.
    sire.start_from(&LIBRARY_IMAGE);
    sire.load("prelude").expect("it is built in");
    let mut text = String::from(PROGRAM);
    for (index, start) in STARTS.iter().enumerate() {
        text += &format!("\n= (start{index} x) | {start}\n");
    }
    for (number, law) in LOOPS.iter().enumerate() {
        text += &format!("\n= (loop{number} n start) | {law} n (start 0)\n");
    }
    sire.repl(text.as_bytes()).expect("it is read");
    sire
}

fn outcome(sire: &mut Sire, law: usize, count: u64, start: usize) -> LoopOutcome {
    let law = sire.binding(&format!("loop{law}")).expect("it is defined");
    let start: Val = sire.binding(&format!("start{start}")).expect("it is defined");
    let vm = sire.vm();
    let count = vm.nat(count);
    match vm.apply(&law, &[count, start]).and_then(|value| vm.force(&value)) {
        Ok(value) => LoopOutcome::Value(plain::to_term(vm.look(&value))),
        Err(EvalError::Crash { .. }) => LoopOutcome::Crash,
        Err(other) => LoopOutcome::Other(other.to_string()),
    }
}

#[test]
fn loops_that_own_collections_return_what_copies_would_be() {
    let mut interpreted = session(CompileMode::Off, 4 << 20);
    // Some loops take several collections, and some none.
    let mut compiled = session(CompileMode::Eager, 1 << 17);
    let mut values = 0;
    for (law, name) in LOOPS.iter().enumerate() {
        for (start, text) in STARTS.iter().enumerate() {
            for count in [0, 1, 3, 400] {
                let expected = outcome(&mut interpreted, law, count, start);
                values += usize::from(matches!(expected, LoopOutcome::Value(_)));
                let found = outcome(&mut compiled, law, count, start);
                assert!(found == expected, "{name} {count} {text}");
            }
        }
    }
    assert!(values > 600, "{values} loops return values");
}
