//! Functions that end with making a row: what compiled code, which returns the items, makes of
//! them is what the interpreter makes of them.

use tests::{Pallas, feed, stdout};

/// Rows that are taken apart by whoever gets them, passed on, kept, and left in part; with items that
/// are small, large, lists and not evaluated; by functions that end with each other.
const INPUT: &str = "\
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

fn run(pallas: &Pallas, flag: &str) -> String {
    let output = feed(pallas.command(["sire", flag, "prelude"]), INPUT);
    assert!(output.status.success(), "{output:?}");
    stdout(&output)
}

#[test]
fn items_that_are_returned_are_those_of_the_row() {
    let pallas = Pallas::new();
    // Loading the library prints what is in it, but only the first time.
    run(&pallas, "--no-jit");
    assert_eq!(run(&pallas, "--jit=eager"), run(&pallas, "--no-jit"));
}
