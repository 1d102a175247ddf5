//! Comparison of values that share their parts: a value of 40 doublings is a tree of 2^40 leaves
//! and 40 objects. Its comparison takes time in proportion to the objects, also where its parts
//! are not yet in normal form.

use tests::{ExecutionMode, Pallas, in_every_mode, run_with_input, stdout};

in_every_mode! { shared_parts_are_compared_once }

/// Values of many doublings, as rows and as apps. Every use makes a new value, which is not in
/// normal form before it is compared.
const DEFINITIONS: &str = "\
= (rows n x)
| if (isZero n) x
| rows (dec n) [x x]

= (apps n x)
| if (isZero n) x
| apps (dec n) (0 x x)

";

/// Expressions and their values.
const CASES: &[(&str, &str)] = &[
    ("((x & eql x x) (rows 40 1))", "1"),
    ("(eql (rows 40 1) (rows 40 1))", "1"),
    ("(neq (rows 40 1) (rows 40 1))", "0"),
    ("(eql (apps 40 1) (apps 40 1))", "1"),
    ("(eql (rows 40 1) (rows 40 2))", "0"),
    ("(eql (rows 40 [1 (add 1 1)]) (rows 40 [1 2]))", "1"),
    ("(cmp (rows 40 1) (rows 40 1))", "1"),
    ("(cmp (rows 40 1) (rows 40 2))", "0"),
    ("(cmp [(rows 40 2) (rows 40 1)] [(rows 40 1) (rows 40 1)])", "2"),
    ("(cmp (apps 40 2) (apps 40 1))", "2"),
    ("(lth (rows 40 1) (rows 40 1))", "0"),
    ("(lte (rows 40 1) (rows 40 1))", "1"),
    ("(gth (rows 40 1) (rows 40 2))", "0"),
    ("(gte (rows 40 1) (rows 40 1))", "1"),
    ("(eql (min (rows 40 1) (rows 40 2)) (rows 40 1))", "1"),
    ("(eql (max (rows 40 1) (rows 40 2)) (rows 40 2))", "1"),
    ("(has (rows 40 1) [(rows 40 2) (rows 40 1)])", "1"),
    ("(elemIdx (rows 40 1) [(rows 40 2) (rows 40 1)] 9 id)", "1"),
    ("(bsearch (rows 40 2) [(rows 40 1) (rows 40 2)])", "3"),
    ("(len (sort [(rows 40 2) (rows 40 1) (rows 40 1)]))", "3"),
    ("(len (sortUniq [(rows 40 1) (rows 40 1)]))", "1"),
    ("(setLen (setFromRow [(rows 40 2) (rows 40 1) (rows 40 1)]))", "2"),
    ("(setHas (rows 40 1) (setFromRow [(rows 40 2) (rows 40 1)]))", "1"),
    ("(tabGet (tabFromPairs [[(rows 40 1) 5] [(rows 40 2) 6]]) (rows 40 2))", "6"),
    ("(tabLen (tabIns (rows 40 1) 7 (tabSing (rows 40 1) 5)))", "1"),
    // The comparison stops at the first difference and evaluates nothing behind it.
    ("(cmp [(die 1) (rows 40 1)] [(die 1) (rows 40 2)])", "0"),
];

fn shared_parts_are_compared_once(mode: ExecutionMode) {
    let pallas = Pallas::new();
    let run = |program: &str| {
        let mut command = pallas.command(["sire", "prelude"]);
        mode.apply_to(&mut command);
        let output = run_with_input(command, program);
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    run("");
    let mut program = DEFINITIONS.to_owned();
    let mut expected = Vec::new();
    for (number, (expression, value)) in CASES.iter().enumerate() {
        // The number before each value tells which case failed.
        program.push_str(&format!("[{number} {expression}]\n\n"));
        expected.push(format!("[{number} {value}]"));
    }
    let printed = run(&program);
    let results: Vec<&str> = printed.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(results, expected);
}
