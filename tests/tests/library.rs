//! Our own library against what the prototype's printed for expressions over the public names.
//!
//! The prototype's `%` prints a trace of itself whenever it is expanded; ours does not, so those
//! lines are left out of the comparison, and so are empty ones.

use std::process::Output;
use tests::{Laws, Pallas, difference, feed, golden, golden_text, named_module, stdout};

fn lines(transcript: &str) -> String {
    let shown = transcript.lines().filter(|line| !line.is_empty() && !line.starts_with("[`(%"));
    shown.flat_map(|line| [line, "\n"]).collect()
}

/// A session with the module that a transcript names.
fn session(pallas: &Pallas, laws: Laws, transcript: &str, input: &str) -> Output {
    let mut command = pallas.command(["sire", named_module(transcript)]);
    laws.set(&mut command);
    feed(command, input)
}

fn our_library_does_what_the_prototype_s_does(laws: Laws) {
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
        // Once for the definitions that loading prints, which are not ours to compare.
        session(&pallas, laws, &input, "");
        let output = session(&pallas, laws, &input, &input);
        assert!(output.status.success(), "{name}: {output:?}");
        let expected = lines(&golden_text(&format!("library/{name}.out")));
        if let Some(difference) = difference(&expected, &lines(&stdout(&output))) {
            panic!("{name}: {difference}");
        }
    }
}

tests::in_every_way! { our_library_does_what_the_prototype_s_does }
