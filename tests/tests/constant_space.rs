//! Lazy programs that need a bounded amount of memory, in a heap that is far smaller than what they
//! allocate: parts of rows, lists and bars that nobody needs any more are freed.

use tests::{ExecutionMode, Pallas, in_every_mode, run_with_input, stdout};

in_every_mode! { lazy_programs_run_in_a_small_heap }

/// Programs and the values of their last expressions.
const PROGRAMS: &[(&str, &str)] = &[
    // Each turn makes a row of two items of the row before.
    (
        "= (swapped s n)\n| if (isZero n) (idx 0 s)\n| swapped [(idx 1 s) (idx 0 s)] (dec n)\n\n\
         (swapped [1 2] 300000)\n\n",
        "1",
    ),
    // The first part of the result is consumed before the second is looked at. (Wadler, \"Fixing
    // some space leaks with a garbage collector\", 1987)
    (
        "= (span f l)\n| listCase l [NIL NIL]\n& (x xs)\n| ifNot (f x) [NIL l]\n\
         @ r | span f xs\n| [(CONS x (idx 0 r)) (idx 1 r)]\n\n\
         = (upto n m)\n| if (gth n m) NIL\n| CONS n (upto (inc n) m)\n\n\
         = (lengths a b)\n@ n | listLen a\n| seq n\n| [n (listLen b)]\n\n\
         = (run n)\n@ r | span (gth n) (upto 1 (add n n))\n| lengths (idx 0 r) (idx 1 r)\n\n\
         (run 300000)\n\n",
        "[299999 300001]",
    ),
    // A chain of selectors is evaluated without a frame for each.
    (
        "= (pairs n)\n| if (isZero n) [0 0]\n@ r | pairs (dec n)\n\
         | [(CONS n (idx 0 r)) (idx 1 r)]\n\n\
         = (both a b)\n@ n | listLen a\n| seq n\n| [n b]\n\n\
         = (run n)\n@ r | pairs n\n| both (idx 0 r) (idx 1 r)\n\n\
         (run 300000)\n\n",
        "[300000 0]",
    ),
    // A list is converted to a bar, and each cell is dropped.
    ("(barLen (barFromList (listGen 1000000 id)))\n\n", "1000000"),
    ("(barLen (barCatList (listGen 500000 (i & barSing (mod i 256)))))\n\n", "500000"),
    // A bar is consumed byte by byte. The parts share its bytes.
    (
        "= (eaten bar n)\n| if (barIsEmpty bar) n\n| seq n\n| eaten (barDrop 1 bar) (inc n)\n\n\
         (eaten (barRep 300000 7) 0)\n\n",
        "300000",
    ),
    // The digits of a large number, from the last: none of the quotients is kept.
    ("(strLen (showNat (lsh 1 1000000)))\n\n", "301030"),
];

fn lazy_programs_run_in_a_small_heap(mode: ExecutionMode) {
    let pallas = Pallas::new();
    let run = |heap: &str, program: &str| {
        let mut command = pallas.command(["sire", "--max-heap", heap, "prelude"]);
        mode.apply_to(&mut command);
        let output = run_with_input(command, program);
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    run("1G", "");
    for (program, value) in PROGRAMS {
        let printed = run("12M", program);
        let last = printed.lines().rfind(|line| !line.is_empty());
        assert_eq!(last, Some(*value), "{program}");
    }
}
