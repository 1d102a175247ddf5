//! Sessions: inputs written for this project, with the prototype's modules loaded.

use crate::Corpus;
use tests::{Laws, difference, golden, golden_text, named_module, reduced, stderr, stdout};

fn sessions_print_what_they_did(laws: Laws) {
    let Some(corpus) = Corpus::open(laws) else { return };
    let entries = std::fs::read_dir(golden("library")).expect("the transcripts");
    let mut names: Vec<String> = entries
        .map(|entry| format!("library/{}", entry.expect("an entry").file_name().display()))
        .filter_map(|name| name.strip_suffix(".in").map(str::to_owned))
        .collect();
    names.push("corpus/defs".to_owned());
    let (mut lines, mut wrong) = (0, Vec::new());
    for name in &names {
        let input = golden_text(&format!("{name}.in"));
        let module = named_module(&input);
        // Once for what loading prints: it is not part of the transcripts.
        corpus.session(module, "");
        let output = corpus.session(module, &input);
        let expected = golden_text(&format!("{name}.out"));
        match difference(&reduced(&expected), &reduced(&stdout(&output))) {
            _ if !output.status.success() => wrong.push(format!("{name}: {}", stderr(&output))),
            Some(difference) => wrong.push(format!("{name}: {difference}")),
            None => lines += expected.lines().count(),
        }
    }
    let (sessions, count) = (names.len(), wrong.len());
    corpus.tell(&format!("{sessions} sessions, {lines} lines equal, {count} wrong"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

tests::in_every_way! { sessions_print_what_they_did }
