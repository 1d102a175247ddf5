//! The prototype's programs on our library: which of them load, and why the others do not.
//!
//! The programs of a branch are its modules, without those whose names our library has. What they
//! import is another program, or a module of ours. A module that loads has passed its assertions.
//! `tests/snapshots/programs_on_our_library.txt` has the outcome of each program.
//!
//! The programs are not part of this tree: `PALLAS_REFERENCE` names a checkout of the prototype.
//! Without it, the test is skipped.

use sire::ModuleLibrary;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use tests::{Pallas, assert_snapshot, extract_branch, reference_checkout, report, stderr};

const BRANCHES: [&str; 3] = ["master", "message-passing", "port-fulltag"];

/// The programs that the library must be able to load on every branch.
const LOADED: [&str; 29] = [
    "datom",
    "leancheck",
    "mandelbrot",
    "parallel",
    "pq",
    "ratio",
    "rex_show",
    "rex_tests",
    "sandbox",
    "sieve",
    "sire_20_prp",
    "sire_22_seed",
    "sire_23_repl",
    "sire_24_rex",
    "sire_26_compile",
    "sire_27_sire",
    "sire_tests",
    "stroll",
    "test_datom",
    "test_hitch",
    "test_json",
    "test_pq",
    "test_stroll",
    "test_tcp",
    "type_machinery",
    "type_syntax",
    "types",
    "gen",
    "w48",
];

/// Extracts the programs of a branch into the folder `sire`, and returns their names. None if the
/// reference has no such branch.
fn programs(pallas: &Pallas, reference: &Path, branch: &str) -> Option<BTreeSet<String>> {
    if !extract_branch(reference, branch, "sire", pallas.folder.path()) {
        return None;
    }
    // The demos of both have the same names and are other programs.
    let is_demo = |name: &str| name.starts_with("demo_");
    let ours = ModuleLibrary::built_in().filter(|name| !is_demo(name));
    let ours: BTreeSet<&str> = ours.chain(ModuleLibrary::prototype_names()).collect();
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(pallas.path("sire")).expect("the modules") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        match ours.contains(name.as_str()) {
            true => std::fs::remove_file(&path).expect("it can be removed"),
            false => drop(names.insert(name)),
        }
    }
    // The predecessors of this program do not load in the prototype, and it uses none of their names.
    let mandelbrot = std::fs::read_to_string(pallas.path("sire/demo_mandelbrot.sire"));
    let mandelbrot = mandelbrot.expect("the branch has the program");
    let header = "#### demo_mandelbrot <- demo_loop_val\n";
    let (before, after) = mandelbrot.split_once(header).expect("its header");
    pallas.write("sire/mandelbrot.sire", format!("{before}#### mandelbrot\n{after}"));
    names.insert("mandelbrot".into());
    Some(names)
}

/// Loads a program. Returns `loads`, or the place and reason of the error.
fn outcome(pallas: &Pallas, program: &str) -> String {
    let output = pallas.run(["sire", program], "");
    if output.status.success() {
        return "loads".into();
    }
    let message = stderr(&output);
    let error = message.lines().find_map(|line| line.strip_prefix("pallas: "));
    error.unwrap_or_else(|| panic!("{program}: {message}")).to_owned()
}

#[test]
fn programs_of_the_prototype_load_on_our_library() {
    let Some(reference) = reference_checkout() else {
        return report("programs_on_our_library: skipped, since PALLAS_REFERENCE is not set");
    };
    let mut table = String::new();
    let mut missing = Vec::new();
    for branch in BRANCHES {
        let pallas = Pallas::new();
        let Some(programs) = programs(&pallas, &reference, branch) else {
            return report(&format!(
                "programs_on_our_library: skipped, since the reference has no branch {branch}"
            ));
        };
        let outcomes: Vec<(&String, String)> =
            programs.iter().map(|program| (program, outcome(&pallas, program))).collect();
        let loaded = outcomes.iter().filter(|(_, outcome)| outcome == "loads").count();
        report(&format!(
            "programs_on_our_library: {branch}: {loaded} of {} programs load",
            outcomes.len()
        ));
        for (program, outcome) in &outcomes {
            writeln!(table, "{branch}\t{program}\t{outcome}").expect("a string");
            if LOADED.contains(&program.as_str()) && outcome != "loads" {
                missing.push(format!("{branch}: {program}: {outcome}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert_snapshot("programs_on_our_library.txt", &table);
}
