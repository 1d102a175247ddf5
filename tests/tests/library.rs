//! Our library evaluates expressions over its public names to the text that the prototype's library
//! printed.
//!
//! The prototype's macro `%` prints a trace whenever it is expanded, and ours does not. The
//! comparison leaves these lines out, and empty lines too.

use std::process::Output;
use tests::{
    ExecutionMode, Pallas, difference, golden, golden_text, module_named_in, run_with_input, stdout,
};

/// The lines of a transcript that are compared.
fn compared_lines(transcript: &str) -> String {
    let lines = transcript.lines().filter(|line| !line.is_empty() && !line.starts_with("[`(%"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Runs a session with the module that a transcript names.
fn session(pallas: &Pallas, mode: ExecutionMode, transcript: &str, input: &str) -> Output {
    let mut command = pallas.command(["sire", module_named_in(transcript)]);
    mode.apply_to(&mut command);
    run_with_input(command, input)
}

fn our_library_agrees_with_the_prototypes(mode: ExecutionMode) {
    let mut names: Vec<String> = std::fs::read_dir(golden("library"))
        .expect("the transcripts")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".in").map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names.len(), 10, "{names:?}");
    let pallas = Pallas::new();
    for name in names {
        let input = golden_text(&format!("library/{name}.in"));
        // The first load prints the definitions of the library, which are not compared.
        session(&pallas, mode, &input, "");
        let output = session(&pallas, mode, &input, &input);
        let has_errors = stdout(&output).contains("\n++ %crash\n");
        let code = if has_errors { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{name}: {output:?}");
        let expected = compared_lines(&golden_text(&format!("library/{name}.out")));
        if let Some(difference) = difference(&expected, &compared_lines(&stdout(&output))) {
            panic!("{name}: {difference}");
        }
    }
}

tests::in_every_mode! { our_library_agrees_with_the_prototypes }
