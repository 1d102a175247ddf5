//! File tests: each `tests/filetests/*.ir` holds a unit, the passes to run, and the expected
//! result.
//!
//! ```text
//! ; passes: strict worker       the passes, separated by spaces; `all` runs the whole pipeline,
//!                               `lazy-entry` replaces the root by the law's lazy entry, if it has one
//! ; what the test shows         comments
//! k0 = law ..                   the unit before the passes
//! --------
//! k0 = law ..                   the unit after the passes
//! ```
//!
//! Each pass has a test with its name that shows what it does, and one or more `NAME_not_*.ir` that
//! show where it must not apply. The verifier runs after every pass.
//!
//! To rewrite the expected results after an intended change, run
//! `JIT_BLESS=1 cargo test -p jit --test filetests` and review the difference.

use jit::ir::{Op, Stmt, Unit, parse, verify};
use jit::passes::{Pass, make_lazy_entry, optimise};
use std::path::{Path, PathBuf};

/// The line between the input and the expected result.
const SEPARATOR: &str = "\n--------\n";

fn check(unit: &Unit, after: &str) {
    verify(unit).unwrap_or_else(|error| panic!("after {after}: {error}\n{unit}"));
    let text = unit.to_string();
    assert_eq!(parse(&text).map(|parsed| parsed.to_string()), Ok(text));
}

/// The number of generated rows that no function fills.
fn unfilled_rows(unit: &Unit) -> usize {
    let blocks = unit.functions.values().flat_map(|function| function.blocks.values());
    let ops = blocks.flat_map(|block| &block.stmts).flat_map(Stmt::ops);
    ops.filter(|op| matches!(op, Op::Generate(..))).count()
}

fn run(passes: &str, unit: &mut Unit) {
    check(unit, "parsing");
    for name in passes.split_whitespace() {
        if name == "all" {
            optimise(unit, &[], |pass, unit| check(unit, pass.name()));
            assert_eq!(unfilled_rows(unit), 0, "the code generator has no code for\n{unit}");
        } else if name == "lazy-entry" {
            // A unit without a cheap case stays as it is.
            make_lazy_entry(unit);
            check(unit, name);
        } else {
            let pass: Pass = name.parse().unwrap_or_else(|error| panic!("{error}"));
            pass.run(unit);
            check(unit, name);
        }
    }
}

fn test(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (input, expected) = text.split_once(SEPARATOR).unwrap_or((text.trim_end(), ""));
    let first = input.lines().next().unwrap_or_default();
    let passes = first.strip_prefix("; passes:").expect("the first line names the passes");
    let parsed = || parse(input).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut unit = parsed();
    run(passes, &mut unit);
    run("all", &mut parsed());
    let result = unit.to_string();
    if std::env::var_os("JIT_BLESS").is_some() {
        std::fs::write(path, format!("{input}{SEPARATOR}{result}"))
            .expect("the file can be written");
    } else {
        assert_eq!(result, expected, "{}", path.display());
    }
}

fn paths() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[test]
fn passes_give_the_expected_units() {
    let paths = paths();
    assert!(paths.len() > 5, "the files are there");
    paths.iter().for_each(|path| test(path));
}

#[test]
fn every_pass_has_a_test_where_it_applies_and_one_where_it_does_not() {
    let names: Vec<String> = paths()
        .iter()
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    for pass in Pass::ALL {
        assert!(names.iter().any(|name| name == pass.name()), "no {pass}.ir");
        let negative = format!("{pass}_not_");
        assert!(names.iter().any(|name| name.starts_with(&negative)), "no {negative}*.ir");
    }
}
