//! What the prototype printed at its REPL for inputs written for this project, line by line.
//!
//! Values and definitions must be equal to the byte. Of an error only the innermost reason must
//! agree: the prototype wraps errors twice and repeats the block.

use tests::{Laws, Pallas, difference, feed, golden_text, reduced, stdout};

fn check(name: &str, laws: Laws, stressed: bool) {
    let pallas = Pallas::new();
    let mut command = pallas.command(["sire"]);
    laws.set(&mut command);
    if stressed {
        command.env("PALLAS_GC_STRESS", "1");
    }
    let output = feed(command, golden_text(&format!("repl/{name}.in")));
    assert!(output.status.success(), "{output:?}");
    let expected = reduced(&golden_text(&format!("repl/{name}.out")));
    if let Some(difference) = difference(&expected, &reduced(&stdout(&output))) {
        panic!("{name}: {difference}");
    }
}

/// All but the deep ones, whose stacks would be looked at as often as they change.
fn collecting_at_every_allocation_changes_nothing(laws: Laws) {
    for name in
        ["01_literals", "02_primops", "03_laws", "04_data", "05_errors", "06_rex", "07_macros"]
    {
        check(name, laws, true);
    }
}

tests::in_every_way! { collecting_at_every_allocation_changes_nothing }

macro_rules! transcripts {
    ($($test:ident: $name:literal,)*) => {
        $(fn $test(laws: Laws) { check($name, laws, false) })*
        tests::in_every_way! { $($test)* }

        #[test]
        fn every_transcript_is_checked() {
            let mut known = [$($name),*].map(|name: &str| format!("{name}.in"));
            known.sort();
            let folder = std::fs::read_dir(tests::golden("repl")).expect("the transcripts");
            let mut there: Vec<String> = folder
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .filter(|name| name.ends_with(".in"))
                .collect();
            there.sort();
            assert_eq!(there, known);
        }
    };
}

transcripts! {
    literals: "01_literals",
    operations: "02_primops",
    laws: "03_laws",
    data: "04_data",
    errors: "05_errors",
    rex: "06_rex",
    macros: "07_macros",
    scale: "08_scale",
}
