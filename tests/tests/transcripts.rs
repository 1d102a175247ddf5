//! The REPL prints what the prototype's REPL printed for the inputs in `golden/repl`.
//!
//! Values and definitions must be equal byte for byte. Of an error only the innermost reason must
//! be equal, because the prototype wraps an error twice and prints it in several blocks.

use tests::{
    ExecutionMode, Pallas, difference, golden_text, reduce_errors, run_with_input, stdout,
};

/// Compares one transcript. `stressed` collects garbage at every allocation.
fn check(name: &str, mode: ExecutionMode, stressed: bool) {
    let pallas = Pallas::new();
    let mut command = pallas.command(["sire"]);
    mode.apply_to(&mut command);
    if stressed {
        command.env("PALLAS_GC_STRESS", "1");
    }
    let output = run_with_input(command, golden_text(&format!("repl/{name}.in")));
    let has_errors = stdout(&output).contains("\n++ %crash\n") || !output.stderr.is_empty();
    assert_eq!(output.status.code(), Some(if has_errors { 2 } else { 0 }), "{output:?}");
    let expected = reduce_errors(&golden_text(&format!("repl/{name}.out")));
    if let Some(difference) = difference(&expected, &reduce_errors(&stdout(&output))) {
        panic!("{name}: {difference}");
    }
}

/// Without `08_scale`: every collection would scan its deep stacks, which would take too long.
fn collecting_at_every_allocation_changes_nothing(mode: ExecutionMode) {
    for name in
        ["01_literals", "02_primops", "03_laws", "04_data", "05_errors", "06_rex", "07_macros"]
    {
        check(name, mode, true);
    }
}

tests::in_every_mode! { collecting_at_every_allocation_changes_nothing }

macro_rules! transcripts {
    ($($test:ident: $name:literal,)*) => {
        $(fn $test(mode: ExecutionMode) { check($name, mode, false) })*
        tests::in_every_mode! { $($test)* }

        #[test]
        fn every_transcript_has_a_test() {
            let mut tested = [$($name),*].map(|name: &str| format!("{name}.in"));
            tested.sort();
            let folder = std::fs::read_dir(tests::golden("repl")).expect("the transcripts");
            let mut present: Vec<String> = folder
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .filter(|name| name.ends_with(".in"))
                .collect();
            present.sort();
            assert_eq!(present, tested);
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
