//! Prints a tree on one line.
//!
//! The printer uses an explicit stack of tasks. A task for a tree pushes the tasks for its parts.
//! The text goes to a [`StyledSink`] piece by piece, so a long line need not be in memory.

use std::borrow::Cow;
use std::fmt;

use super::styled::{StyledSink, TextStyle};
use crate::chars::{are_word_bytes, is_word_byte};
use crate::{LeafKind, NodeShape, Rex};

enum PrintTask<'a> {
    /// Print a tree with its heir.
    Tree(&'a Rex),
    /// Print a tree, in parentheses if it would merge with its neighbours otherwise.
    Isolated(&'a Rex),
    /// Print a tree that is attached to another one without a space.
    Heir(&'a Rex),
    /// Print a node without its heir.
    Body(&'a Rex),
    /// Print a tree between infix runes, where `|` needs no parentheses.
    Operand(&'a Rex),
    /// Print this text.
    Text(&'a str, TextStyle),
}

/// Prints `rex` on one line.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn write(out: &mut impl StyledSink, rex: &Rex) -> fmt::Result {
    let mut tasks = Vec::with_capacity(16);
    tasks.push(PrintTask::Tree(rex));
    while let Some(task) = tasks.pop() {
        let first_new = tasks.len();
        match task {
            PrintTask::Text(text, style) => out.push(text, style)?,
            PrintTask::Tree(rex) => {
                match rex {
                    Rex::Leaf { leaf, text, .. } => {
                        let (written, style) = leaf_text(*leaf, text);
                        out.push(&written, style)?;
                    }
                    Rex::Node { heir: None, .. } => tasks.push(PrintTask::Body(rex)),
                    Rex::Node { .. } => push_isolated(&mut tasks, rex, PrintTask::Body(rex)),
                    Rex::Embed(never) => match *never {},
                }
                tasks.extend(rex.heir().map(PrintTask::Heir));
            }
            PrintTask::Isolated(rex) => push_isolated(&mut tasks, rex, PrintTask::Tree(rex)),
            PrintTask::Heir(rex @ Rex::Node { shape: NodeShape::Prefix, .. }) => {
                tasks.push(PrintTask::Isolated(rex));
            }
            PrintTask::Heir(rex) => tasks.push(PrintTask::Tree(rex)),
            PrintTask::Operand(rex) => push_operand(&mut tasks, rex),
            PrintTask::Body(rex) => push_body(&mut tasks, rex),
        }
        tasks[first_new..].reverse();
    }
    Ok(())
}

fn push_isolated<'a>(tasks: &mut Vec<PrintTask<'a>>, rex: &Rex, inner: PrintTask<'a>) {
    if let Rex::Node { shape: NodeShape::Prefix | NodeShape::Shut, .. } = rex {
        tasks.extend([
            PrintTask::Text("(", TextStyle::Bracket),
            inner,
            PrintTask::Text(")", TextStyle::Bracket),
        ]);
    } else {
        tasks.push(inner);
    }
}

fn push_operand<'a>(tasks: &mut Vec<PrintTask<'a>>, rex: &'a Rex) {
    if let Rex::Node { shape: NodeShape::Nest, rune, sons, heir, .. } = rex
        && rune == "|"
        && sons.len() + usize::from(heir.is_some()) >= 2
    {
        push_spaced(tasks, sons.iter().chain(rex.heir()).map(PrintTask::Tree));
    } else {
        tasks.push(PrintTask::Tree(rex));
    }
}

fn push_body<'a>(tasks: &mut Vec<PrintTask<'a>>, rex: &'a Rex) {
    let Rex::Node { shape, rune, sons, .. } = rex else { return };
    let rune = rune.as_str();
    let rune_text = || PrintTask::Text(rune, TextStyle::Rune);
    match shape {
        NodeShape::Prefix => {
            tasks.push(rune_text());
            tasks.extend(sons.first().map(PrintTask::Isolated));
        }
        NodeShape::Shut => {
            for (i, son) in sons.iter().enumerate() {
                if i > 0 {
                    tasks.push(rune_text());
                }
                tasks.push(PrintTask::Isolated(son));
            }
        }
        NodeShape::Infix => {
            let between =
                |(i, son)| (i > 0).then(rune_text).into_iter().chain([PrintTask::Operand(son)]);
            push_nested(tasks, ["(", ")"], sons.iter().enumerate().flat_map(between));
        }
        NodeShape::Open | NodeShape::Nest => {
            let (brackets, head) = match rune {
                "," => (["[", "]"], None),
                // `|` only distinguishes `(| x)` from `x`, so it is not coloured as a rune.
                "|" => (
                    ["(", ")"],
                    (sons.len() == 1).then_some(PrintTask::Text("|", TextStyle::Plain)),
                ),
                _ => (["(", ")"], Some(rune_text())),
            };
            push_nested(tasks, brackets, head.into_iter().chain(sons.iter().map(PrintTask::Tree)));
        }
    }
}

fn push_nested<'a>(
    tasks: &mut Vec<PrintTask<'a>>,
    [open, close]: [&'static str; 2],
    parts: impl Iterator<Item = PrintTask<'a>>,
) {
    tasks.push(PrintTask::Text(open, TextStyle::Bracket));
    push_spaced(tasks, parts);
    tasks.push(PrintTask::Text(close, TextStyle::Bracket));
}

fn push_spaced<'a>(tasks: &mut Vec<PrintTask<'a>>, parts: impl Iterator<Item = PrintTask<'a>>) {
    for (i, part) in parts.enumerate() {
        if i > 0 {
            tasks.push(PrintTask::Text(" ", TextStyle::Plain));
        }
        tasks.push(part);
    }
}

fn leaf_text(leaf: LeafKind, text: &str) -> (Cow<'_, str>, TextStyle) {
    if leaf == LeafKind::Word && prints_bare(text) {
        return (text.into(), TextStyle::Plain);
    }
    let written = match quote_for(text) {
        None => format!("{{{text}}}"),
        Some(quote) => format!("}}{quote}{text}{quote}"),
    };
    (written.into(), TextStyle::Text)
}

/// Returns whether a word is printed without quotes. The prototype tests the low byte of each
/// character only, so it accepts `Ł` (U+0141) like `A`, and printed text has to agree with it.
fn prints_bare(text: &str) -> bool {
    let by_low_bytes = || text.chars().all(|c| is_word_byte(c as u32 as u8));
    !text.is_empty() && (are_word_bytes(text.as_bytes()) || by_low_bytes())
}

/// Returns the character to quote `text` with, or `None` if braces can quote it.
fn quote_for(text: &str) -> Option<char> {
    if braces_balance(text) {
        return None;
    }
    let used = |c: char| text.contains(c);
    if !used('_') && !used(' ') && text.chars().nth(7).is_none() {
        return Some('_');
    }
    let candidates = ["|#", RUNE_CHARS_WITH_QUOTES, WORD_CHARS];
    candidates.into_iter().flat_map(str::chars).find(|c| !used(*c))
}

/// The rune characters and `"`, in the order in which [`quote_for`] tries them.
const RUNE_CHARS_WITH_QUOTES: &str = "$!#%&*+,-./:<=>?@\\^`'\"|~";
const WORD_CHARS: &str = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn braces_balance(text: &str) -> bool {
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return false,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chars::RUNE_CHARS;

    #[test]
    fn quote_candidates_include_every_rune_and_word_character() {
        let mut quotes: Vec<char> = RUNE_CHARS_WITH_QUOTES.chars().collect();
        quotes.retain(|c| *c != '"');
        let mut runes: Vec<char> = RUNE_CHARS.chars().collect();
        quotes.sort_unstable();
        runes.sort_unstable();
        assert_eq!(quotes, runes);
        assert!(WORD_CHARS.bytes().all(is_word_byte));
        assert_eq!(WORD_CHARS.len(), (0..=255).filter(|b| is_word_byte(*b)).count());
    }

    #[test]
    fn texts_get_the_first_unused_quote() {
        let written = |text: &str| leaf_text(LeafKind::Text, text).0.into_owned();
        assert_eq!(written(""), "{}");
        assert_eq!(written("a {b} c"), "{a {b} c}");
        assert_eq!(written("}"), "}_}_");
        assert_eq!(written("}{"), "}_}{_");
        assert_eq!(written("a_}"), "}|a_}|");
        assert_eq!(written("a }"), "}|a }|");
        assert_eq!(written("1234567}"), "}|1234567}|");
        assert_eq!(written("|#$ }!"), "}%|#$ }!%");
        assert_eq!(written(&format!("{RUNE_CHARS_WITH_QUOTES} }}")).chars().nth(1), Some('_'));
        let everything = format!("{RUNE_CHARS_WITH_QUOTES}{WORD_CHARS} }}");
        assert_eq!(written(&everything), format!("{{{everything}}}"));
    }
}
