//! Our own library against what the prototype's gives for the same expressions.
//!
//! The transcripts print plain data, so they judge any library with these names and meanings.

use tests::{Pallas, difference, golden_text, stderr, stdout};

/// What a session prints, without what comes before its first answer and without empty lines.
fn answers(printed: &str) -> String {
    let banner = "} Just type away!\n}\n";
    let (_, answers) = printed.split_once(banner).expect("a session greets");
    answers.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

fn check(module: &str, name: &str) {
    let pallas = Pallas::new();
    let output = pallas.run(["sire", module], golden_text(&format!("library/{name}.in")));
    assert!(output.status.success(), "{}", stderr(&output));
    // The prototype's macro for `%x` prints what it makes.
    let expected: String = answers(&golden_text(&format!("library/{name}.out")))
        .lines()
        .filter(|line| !line.starts_with("[`("))
        .map(|line| format!("{line}\n"))
        .collect();
    if let Some(difference) = difference(&expected, &answers(&stdout(&output))) {
        panic!("{name}: {difference}");
    }
}

macro_rules! transcripts {
    ($($name:ident: $module:literal,)*) => {
        $(#[test] fn $name() { check($module, stringify!($name)) })*
    };
}

transcripts! {
    nat: "sire",
    compare: "sire",
    row: "sire",
    list: "sire",
    maybe_either: "sire",
    str: "sire",
    set_tab: "sire",
    bar_pad: "sire",
    syntax: "sire",
    words: "prelude",
}

#[test]
fn every_module_loads_and_passes_its_own_checks() {
    let pallas = Pallas::new();
    for module in sire::Library::built_in() {
        let output = pallas.run(["sire", module], "");
        let told = stdout(&output) + &stderr(&output);
        assert!(output.status.success() && !told.contains("%crash"), "{module}: {told}");
    }
}
