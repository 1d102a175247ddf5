//! Finds the definition of a name in the text of a module, with the comment above it.

use rex::{LeafKind, Rex, SourceBlock};
use std::ops::Range;

/// A definition in the text of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionSource {
    /// The path of the file.
    pub file: String,
    /// The line of the definition, counted from 1.
    pub line: usize,
    /// The text of the definition, without the line feed at its end.
    pub text: String,
    /// The lines of the comment above it, without semicolons; empty if there is none.
    pub doc: String,
    /// The type that is declared above it, such as `> Nat > Bit`.
    pub signature: Option<String>,
}

/// Returns the last definition of a name in a text.
pub(crate) fn find_definition(file: &str, text: &str, name: &str) -> Option<DefinitionSource> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let blocks = rex::read_file(text, file).filter_map(Result::ok);
    let found = blocks.filter_map(|block| Some((definition_in(&block, name)?, block.line))).last();
    let (DefinitionSpans { span, signature }, first_line) = found?;
    let block_start = *starts.get(first_line - 1)?;
    let block_text = &text[block_start..];
    let line = first_line + block_text.get(..span.start)?.matches('\n').count();
    Some(DefinitionSource {
        file: file.to_owned(),
        line,
        text: block_text.get(span)?.trim_end().to_owned(),
        doc: doc_above(text, first_line),
        signature: signature.and_then(|span| Some(block_text.get(span)?.trim().to_owned())),
    })
}

/// The ranges of a definition and its type in the text of a block.
struct DefinitionSpans {
    span: Range<usize>,
    signature: Option<Range<usize>>,
}

fn definition_in(block: &SourceBlock, name: &str) -> Option<DefinitionSpans> {
    let mut signature: Option<Range<usize>> = None;
    let mut next = Some(&block.rex);
    while let Some(rex) = next {
        let Rex::Node { rune, sons, .. } = rex else { return None };
        let span = rex.span().range();
        next = rex.heir();
        match rune.as_str() {
            ">" => {
                let start = signature.as_ref().map_or(span.start, |before| before.start);
                signature = Some(start..span.end);
            }
            "=" | "#=" => {
                // The body may be the heir: `= (f x)` above `| g x`.
                let is_next = |rex: &Rex| matches!(rex, Rex::Node { rune, .. } if rune == "=");
                let body = next.filter(|heir| !is_next(heir));
                // A key and properties come before the name.
                let parts = sons.len() + usize::from(body.is_some());
                let head = sons.get(parts.max(2) - 2);
                if head.and_then(head_name) == Some(name) {
                    let end = body.map_or(span.end, last_offset);
                    return Some(DefinitionSpans { span: span.start..end, signature });
                }
                signature = None;
                next = if body.is_some() { None } else { next };
            }
            _ => return None,
        }
    }
    None
}

/// Returns the end of a tree and its heirs.
fn last_offset(rex: &Rex) -> usize {
    let mut end = rex.span().range().end;
    let mut next = rex.heir();
    while let Some(heir) = next {
        end = end.max(heir.span().range().end);
        next = heir.heir();
    }
    end
}

/// Returns the name that the left side of a definition binds: `f`, `(f x)` or `(**f x)`.
fn head_name(head: &Rex) -> Option<&str> {
    match head {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, .. } => Some(text),
        Rex::Node { rune, sons, .. } if rune == "|" || rune == "**" => match sons.first()? {
            Rex::Node { rune, sons, .. } if rune == "**" => head_name(sons.first()?),
            Rex::Leaf { text, .. } => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the comment that ends above a line, across at most one blank line.
fn doc_above(text: &str, line: usize) -> String {
    let above: Vec<&str> = text.lines().take(line - 1).collect();
    let mut lines = above.iter().rev().peekable();
    lines.next_if(|line| line.trim().is_empty());
    let is_heading = |line: &str| line.starts_with(";;; ") && line.ends_with(";;;");
    let comment = lines.take_while(|line| line.starts_with(';') && !is_heading(line));
    let mut comment: Vec<&str> = comment
        .map(|line| {
            let text = line.trim_start_matches(';');
            text.strip_prefix(' ').unwrap_or(text)
        })
        .collect();
    comment.reverse();
    comment.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
#### m

;; Adds one.
;; Twice.

> Nat
> Nat
= (bump x)
| 3 x

= a | 1
= b | 2

= (**id x) x
";

    fn find(name: &str) -> Option<DefinitionSource> {
        find_definition("m.sire", TEXT, name)
    }

    #[test]
    fn a_definition_is_found_with_its_comment_and_type() {
        let found = find("bump").expect("it is there");
        assert_eq!((found.line, found.text.as_str()), (8, "= (bump x)\n| 3 x"));
        assert_eq!(found.doc, "Adds one.\nTwice.");
        assert_eq!(found.signature.as_deref(), Some("> Nat\n> Nat"));
    }

    #[test]
    fn definitions_of_a_chain_are_apart() {
        assert_eq!(find("a").map(|found| (found.line, found.text)), Some((11, "= a | 1".into())));
        assert_eq!(find("b").map(|found| (found.line, found.text)), Some((12, "= b | 2".into())));
        assert_eq!(find("id").map(|found| found.text), Some("= (**id x) x".into()));
        assert_eq!(find("x"), None);
    }
}
