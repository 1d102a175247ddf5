//! Stores, files of frozen modules and exports mean the same to another binary: one for another
//! architecture, under emulation, that `PALLAS_OTHER_BINARY` names. Without one this is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Pallas, binary, count_up, feed, stderr, stdout, tell};

/// Our binary and the other one, if there is one; otherwise that is told.
fn binaries() -> Option<[PathBuf; 2]> {
    let other = std::env::var_os("PALLAS_OTHER_BINARY").filter(|path| !path.is_empty());
    if other.is_none() {
        tell("other_binary: skipped, since PALLAS_OTHER_BINARY is not set");
    }
    Some([binary().to_owned(), other?.into()])
}

/// Runs a command that is to succeed, and gives what it printed.
fn done(command: Command, input: &str) -> String {
    let output = feed(command, input);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// Boots, counts and kills a machine with one binary and goes on with the other, and back.
fn pass_on(first: &Path, second: &Path) {
    let pallas = Pallas::new();
    let run = |binary, args: &[&str]| done(pallas.command_of(binary, args), "");
    run(first, &["boot", "counter", "sire/demo_count_up.sire"]);
    let mut last = 0;
    for binary in [first, second, first] {
        let shown = count_up(pallas.command_of(binary, ["start", "counter"]), 3);
        // What was shown last may have been logged after it was shown.
        assert!(shown[0] == last + 1 || shown[0] == last, "{shown:?} after {last}");
        assert_eq!(shown, [shown[0], shown[0] + 1, shown[0] + 2]);
        last = shown[2];
    }
    assert!(run(second, &["check", "counter"]).contains("counter: whole: "));
    run(first, &["export", "counter", "counter.pallas"]);
    run(second, &["import", "counter.pallas", "moved"]);
    assert!(run(first, &["check", "moved"]).contains("moved: whole: "));
    let shown = count_up(pallas.command_of(second, ["start", "moved"]), 1);
    assert!(shown[0] == last + 1 || shown[0] == last, "{shown:?} after {last}");
}

#[test]
fn machines_go_on_with_the_other_binary() {
    if let Some([ours, other]) = binaries() {
        pass_on(&ours, &other);
        pass_on(&other, &ours);
    }
}

#[test]
fn modules_that_one_has_cached_are_mapped_by_the_other() {
    let Some([ours, other]) = binaries() else { return };
    for [first, second] in [[&ours, &other], [&other, &ours]] {
        let pallas = Pallas::new();
        let input = "(foldl add 0 (gen 1000 (mul 3)))\n\n";
        let loaded = done(pallas.command_of(first, ["sire", "prelude"]), input);
        let mapped = done(pallas.command_of(second, ["sire", "prelude"]), input);
        assert!(loaded.ends_with("\n1498500\n\n"), "{loaded}");
        // What loading prints is printed when a module is loaded, and not when it is mapped.
        assert!(mapped.len() < loaded.len() && loaded.ends_with(&mapped), "{mapped}");
    }
}

#[test]
fn seeds_are_the_same_bytes() {
    let Some([ours, other]) = binaries() else { return };
    let pallas = Pallas::new();
    pallas.write(
        "sire/sums.sire",
        "#### sums <- prelude\n\n:| prelude\n\n= main | map inc [1 2 3]\n",
    );
    for (binary, seed) in [(&ours, "ours.seed"), (&other, "other.seed")] {
        done(pallas.command_of(binary, ["save", seed, "sums"]), "");
    }
    let [ours, other] = ["ours.seed", "other.seed"].map(|seed| std::fs::read(pallas.path(seed)));
    assert_eq!(ours.expect("a seed"), other.expect("a seed"));
}
