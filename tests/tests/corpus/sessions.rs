//! Sessions: with the prototype's modules, the REPL prints the same as the prototype's for the
//! inputs in `golden/library` and `golden/corpus`.

use crate::Corpus;
use tests::{
    ExecutionMode, difference, golden, golden_text, module_named_in, reduce_errors, stderr, stdout,
};

fn sessions_print_the_same(mode: ExecutionMode) {
    let Some(corpus) = Corpus::open(mode) else { return };
    let entries = std::fs::read_dir(golden("library")).expect("the transcripts");
    let mut names: Vec<String> = entries
        .map(|entry| format!("library/{}", entry.expect("an entry").file_name().display()))
        .filter_map(|name| name.strip_suffix(".in").map(str::to_owned))
        .collect();
    names.push("corpus/defs".to_owned());
    let (mut lines, mut wrong) = (0, Vec::new());
    for name in &names {
        let input = golden_text(&format!("{name}.in"));
        let module = module_named_in(&input);
        // The first load prints the definitions of the module, which the transcripts do not
        // contain.
        corpus.session(module, "");
        let output = corpus.session(module, &input);
        let expected = golden_text(&format!("{name}.out"));
        match difference(&reduce_errors(&expected), &reduce_errors(&stdout(&output))) {
            // A session with an error exits with 2.
            _ if !matches!(output.status.code(), Some(0 | 2)) => {
                wrong.push(format!("{name}: {}", stderr(&output)))
            }
            Some(difference) => wrong.push(format!("{name}: {difference}")),
            None => lines += expected.lines().count(),
        }
    }
    let (sessions, count) = (names.len(), wrong.len());
    corpus.report(&format!("{sessions} sessions, {lines} lines equal, {count} wrong"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

tests::in_every_mode! { sessions_print_the_same }
