//! The examples in `test/corpus`, which the command `tree-sitter test` reads too.

use crate::parser::{grammar, parser};
use std::fs;

/// An example: its name, the text, and the tree without white space that matters.
struct Example {
    name: String,
    text: String,
    tree: String,
}

/// Reads a file of examples: a name between two lines of `=`, the text, a line of `-`, the tree.
fn read_examples(file: &str) -> Vec<Example> {
    let is_line_of = |line: &str, c: char| line.len() >= 3 && line.chars().all(|it| it == c);
    let lines: Vec<&str> = file.lines().collect();
    let starts: Vec<usize> = (0..lines.len().saturating_sub(2))
        .filter(|at| is_line_of(lines[*at], '=') && is_line_of(lines[at + 2], '='))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let body = &lines[start + 3..end];
            let middle = body.iter().position(|line| is_line_of(line, '-')).expect("a line of -");
            // The command leaves out the empty lines around the text.
            let text = body[..middle].join("\n").trim_matches('\n').to_owned();
            Example {
                name: lines[start + 1].to_owned(),
                text,
                tree: normal(&body[middle + 1..].join(" ")),
            }
        })
        .collect()
}

/// A tree with single spaces, and without the names of fields.
fn normal(tree: &str) -> String {
    let spaced = tree.replace('(', " (").replace(')', " ) ");
    let words = spaced.split_whitespace().filter(|word| !word.ends_with(':'));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_examples_have_their_trees() {
    let Some(mut parser) = parser() else { return };
    let files = fs::read_dir(grammar().join("test/corpus")).expect("the folder exists");
    let mut count = 0;
    for file in files {
        let file = fs::read_to_string(file.expect("an entry").path()).expect("a text");
        for Example { name, text, tree } in read_examples(&file) {
            let parsed = parser.parse(&text, None).expect("there is no time limit");
            assert_eq!(normal(&parsed.root_node().to_sexp()), tree, "{name}");
            count += 1;
        }
    }
    assert!(count >= 5, "{count} examples");
}

#[test]
fn the_queries_name_nodes_of_the_grammar() {
    let Some(parser) = parser() else { return };
    let language = parser.language().expect("it has one");
    for file in ["highlights.scm", "folds.scm"] {
        let query = fs::read_to_string(grammar().join("queries").join(file)).expect("a text");
        tree_sitter::Query::new(&language, &query).expect(file);
    }
}
