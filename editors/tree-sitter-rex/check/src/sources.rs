//! The sources of both libraries have no error.

use crate::parser::{grammar, parser};
use std::fs;
use std::path::{Path, PathBuf};
use tree_sitter::{Node, Parser};

/// The files below a folder that have this ending.
fn files_below(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, ending, files);
        } else if path.extension().is_some_and(|it| it == ending) {
            files.push(path);
        }
    }
}

/// The first node of a tree that is an error or missing.
fn first_error(node: Node<'_>) -> Option<Node<'_>> {
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    let children = (0..node.child_count()).filter_map(|index| node.child(index as u32));
    children.filter(Node::has_error).find_map(first_error)
}

/// Parses the files below a folder. Returns how many there are, and the first error of each file.
fn parse_all(parser: &mut Parser, folder: &Path) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    files_below(folder, "sire", &mut files);
    files.sort();
    let mut errors = Vec::new();
    for path in &files {
        let text = fs::read(path).expect("the file can be read");
        let tree = parser.parse(&text, None).expect("there is no time limit");
        if tree.root_node().has_error() {
            let place = first_error(tree.root_node()).map(|node| node.start_position());
            let line = place.map_or(0, |place| place.row + 1);
            let shown = String::from_utf8_lossy(&text);
            let shown = shown.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
            errors.push(format!("{}:{line}: {shown}", path.display()));
        }
    }
    (files.len(), errors)
}

#[test]
fn a_bracket_that_is_not_closed_is_an_error() {
    let Some(mut parser) = parser() else { return };
    let tree = parser.parse("= (f x) | g x\n\n= y | (f 3\n", None).expect("there is no limit");
    let error = first_error(tree.root_node()).expect("an error");
    assert_eq!(error.start_position().row, 2);
}

#[test]
fn the_library_has_no_error() {
    let Some(mut parser) = parser() else { return };
    let (count, errors) = parse_all(&mut parser, &grammar().join("../../sire"));
    assert!(count > 40, "{count} files");
    assert!(errors.is_empty(), "{} of {count} files:\n{}", errors.len(), errors.join("\n"));
}

#[test]
fn the_library_of_the_prototype_has_no_error() {
    let Some(mut parser) = parser() else { return };
    let Some(reference) = std::env::var_os("PALLAS_REFERENCE") else {
        eprintln!("the prototype's library is skipped: PALLAS_REFERENCE is not set");
        return;
    };
    let (count, errors) = parse_all(&mut parser, &Path::new(&reference).join("sire"));
    assert!(count > 40, "{count} files");
    assert!(errors.is_empty(), "{} of {count} files:\n{}", errors.len(), errors.join("\n"));
}
