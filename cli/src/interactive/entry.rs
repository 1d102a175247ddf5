//! Whether an entry is complete, or goes on in the next line.
//!
//! * An open bracket goes on: a line break within brackets counts as a space, since a form of Rex
//!   cannot extend past the end of a line.
//! * A definition without a body, and any form whose parts may follow on lines of their own, goes
//!   on until an empty line.
//! * Anything else is complete at the end of its line.

use rex::{LeafKind, NodeShape, ReadErrorKind, Rex};

/// Returns an entry with each line that ends within brackets joined to the next one.
pub(super) fn join_open_lines(text: &str) -> String {
    let mut text = text.to_owned();
    // Each round removes a line.
    while let Some(at) = end_of_open_line(&text) {
        text.replace_range(at..=at, " ");
    }
    text
}

/// Returns the position of the line feed after the first line that ends within brackets.
fn end_of_open_line(text: &str) -> Option<usize> {
    let line = open_line(text)?;
    text.match_indices('\n').nth(line - 1).map(|(at, _)| at)
}

/// Returns the number of the first line that ends within brackets.
fn open_line(text: &str) -> Option<usize> {
    let errors = rex::read_file(text, "").filter_map(Result::err);
    let open = errors.filter(|error| matches!(error.kind, ReadErrorKind::UnclosedForm(_)));
    open.map(|error| error.line).next()
}

/// Returns whether the text of an entry is complete.
pub(super) fn is_complete(text: &str) -> bool {
    if text.trim().is_empty() || is_session_command(text) {
        return true;
    }
    if text.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()) {
        return true;
    }
    let text = join_open_lines(text);
    if open_line(&text).is_some() {
        return false;
    }
    if text.trim_end().contains('\n') {
        return false;
    }
    match rex::read_file(&text, "").next() {
        Some(Ok(block)) => is_whole(&block.rex),
        // An error is shown at once; a comment is nothing.
        Some(Err(_)) | None => true,
    }
}

/// Returns whether an entry is a command of the session.
fn is_session_command(text: &str) -> bool {
    let rest = text.trim_start().strip_prefix(':');
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Returns whether a tree of one line needs no further lines.
fn is_whole(rex: &Rex) -> bool {
    let mut innermost = rex;
    loop {
        match innermost {
            Rex::Node { shape: NodeShape::Open, rune, sons, heir, .. } => {
                let parts = sons.len() + usize::from(heir.is_some());
                if parts_needed(rune).is_none_or(|needed| parts < needed) {
                    return false;
                }
                match sons.last() {
                    Some(last) => innermost = last,
                    None => return true,
                }
            }
            Rex::Leaf { leaf: LeafKind::Line, .. } => return false,
            _ => return true,
        }
    }
}

/// Returns the number of parts that the form of a rune needs; none if parts may always follow.
fn parts_needed(rune: &str) -> Option<usize> {
    match rune.strip_prefix('#').filter(|rest| !rest.is_empty()).unwrap_or(rune) {
        "|" | ":|" | "*" | "-" | "." | "**" | "^-^" => Some(1),
        "=" | "=?=" | "&" | "?" | "??" | "^" | "@@" => Some(2),
        "@" => Some(3),
        "###" => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_on_one_line_are_complete() {
        for text in ["", "(add 1 2)", "x", "| add 1 2", "= x 3", "= (f x) | add x 1", ":help", "{a"]
        {
            assert!(is_complete(text), "{text:?}");
        }
        for text in [":| prelude", "=?= 1 1", "; a comment", ")", "= x 3\n\n", "#### app"] {
            assert!(is_complete(text), "{text:?}");
        }
    }

    #[test]
    fn open_brackets_and_missing_parts_go_on() {
        for text in ["(add 1", "[1 2", "= x (add 1", "= (f x)", "= x", "@ x 3", "= (f x) | @ y 3"] {
            assert!(!is_complete(text), "{text:?}");
        }
        for text in ["# case x", "| f (g", "= (f x)\n| add x", "++ 1", "} text"] {
            assert!(!is_complete(text), "{text:?}");
        }
    }

    #[test]
    fn an_empty_line_ends_an_entry() {
        assert!(is_complete("= (f x)\n| add x 1\n"));
        assert!(is_complete("= (f x)\n| add x 1\n\n"));
        assert!(is_complete("(add 1\n\n"));
    }

    #[test]
    fn line_breaks_within_brackets_become_spaces() {
        assert!(is_complete("(add 1\n2)"));
        assert_eq!(join_open_lines("(add 1\n  [2\n3])"), "(add 1   [2 3])");
        assert_eq!(join_open_lines("= (f x)\n| (g\nx)"), "= (f x)\n| (g x)");
        assert_eq!(join_open_lines("(add 1"), "(add 1");
    }
}
