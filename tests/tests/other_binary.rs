//! Stores, cached modules, exports and seeds can be exchanged with another binary, such as one for
//! another architecture under emulation. `PALLAS_OTHER_BINARY` names it; without it this suite is
//! skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Pallas, binary, report, run_counter, run_with_input, stderr, stdout};

/// Our binary and the other one. Without another one, reports that and returns None.
fn binaries() -> Option<[PathBuf; 2]> {
    let other = std::env::var_os("PALLAS_OTHER_BINARY").filter(|path| !path.is_empty());
    if other.is_none() {
        report("other_binary: skipped, since PALLAS_OTHER_BINARY is not set");
    }
    Some([binary().to_owned(), other?.into()])
}

/// Runs a command that must succeed. Returns its standard output.
fn succeed(command: Command, input: &str) -> String {
    let output = run_with_input(command, input);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// Runs and kills a counter with one binary, then with the other, then with the first again.
fn exchange(first: &Path, second: &Path) {
    let pallas = Pallas::new();
    let run = |binary, args: &[&str]| succeed(pallas.command_of(binary, args), "");
    run(first, &["boot", "counter", "sire/demo_count_up.sire"]);
    let mut last = 0;
    for binary in [first, second, first] {
        let numbers = run_counter(pallas.command_of(binary, ["start", "counter"]), 3);
        // If the next event was not durable yet, the last number is printed again.
        assert!(numbers[0] == last + 1 || numbers[0] == last, "{numbers:?} after {last}");
        assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
        last = numbers[2];
    }
    assert!(run(second, &["check", "counter"]).contains("counter: whole: "));
    run(first, &["export", "counter", "counter.pallas"]);
    run(second, &["import", "counter.pallas", "moved"]);
    assert!(run(first, &["check", "moved"]).contains("moved: whole: "));
    let numbers = run_counter(pallas.command_of(second, ["start", "moved"]), 1);
    assert!(numbers[0] == last + 1 || numbers[0] == last, "{numbers:?} after {last}");
}

#[test]
fn a_machine_resumes_with_the_other_binary() {
    if let Some([ours, other]) = binaries() {
        exchange(&ours, &other);
        exchange(&other, &ours);
    }
}

/// A module of the user. The states of the library's own modules are in the program, and are not cached.
const SUMS: &str = "#### sums <- prelude\n\n:| prelude\n\n= main | map inc [1 2 3]\n";

#[test]
fn modules_that_one_binary_cached_are_used_by_the_other() {
    let Some([ours, other]) = binaries() else { return };
    for [first, second] in [[&ours, &other], [&other, &ours]] {
        let pallas = Pallas::new();
        pallas.write("sire/sums.sire", SUMS);
        let input = "(foldl add 0 main)\n\n";
        let loaded = succeed(pallas.command_of(first, ["sire", "sums"]), input);
        let cached = succeed(pallas.command_of(second, ["sire", "sums"]), input);
        assert!(loaded.ends_with("\n9\n\n"), "{loaded}");
        // Loading a module prints its definitions; taking it from the cache does not.
        assert!(cached.len() < loaded.len() && loaded.ends_with(&cached), "{cached}");
    }
}

#[test]
fn seeds_are_the_same_bytes() {
    let Some([ours, other]) = binaries() else { return };
    let pallas = Pallas::new();
    pallas.write("sire/sums.sire", SUMS);
    for (binary, seed) in [(&ours, "ours.seed"), (&other, "other.seed")] {
        succeed(pallas.command_of(binary, ["save", seed, "sums"]), "");
    }
    let [ours, other] = ["ours.seed", "other.seed"].map(|seed| std::fs::read(pallas.path(seed)));
    assert_eq!(ours.expect("a seed"), other.expect("a seed"));
}
