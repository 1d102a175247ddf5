//! A tree on one line.
//!
//! The work list holds what is still to be written, the next thing last; writing a tree replaces
//! it by its parts.

use std::borrow::Cow;

use super::paint::{Colour, Paint, Phrase};
use crate::chars::{are_word_bytes, is_word_byte};
use crate::{Leaf, Rex, Shape};

enum Step<'a> {
    /// A tree with its heir.
    Tree(&'a Rex),
    /// The same in parentheses, if it would run into its neighbours otherwise.
    Closed(&'a Rex),
    /// What is written right behind another tree.
    Heir(&'a Rex),
    /// A node without its heir.
    Body(&'a Rex),
    /// A tree between infix runes, where `|` needs no parentheses.
    Operand(&'a Rex),
    Mark(&'a str, Paint),
}

/// Renders `rex`, with its width.
pub(super) fn phrase(rex: &Rex, colour: Colour) -> Phrase {
    let mut out = Phrase::with_room();
    let mut steps = Vec::with_capacity(16);
    steps.push(Step::Tree(rex));
    while let Some(step) = steps.pop() {
        let parts_from = steps.len();
        match step {
            Step::Mark(text, paint) => out.push(text, paint, colour),
            Step::Tree(rex) => {
                match rex {
                    Rex::Leaf { leaf, text, .. } => {
                        let (written, paint) = leaf_text(*leaf, text);
                        out.push(&written, paint, colour);
                    }
                    Rex::Node { heir: None, .. } => steps.push(Step::Body(rex)),
                    Rex::Node { .. } => push_closed(&mut steps, rex, Step::Body(rex)),
                    Rex::Embed(never) => match *never {},
                }
                steps.extend(rex.heir().map(Step::Heir));
            }
            Step::Closed(rex) => push_closed(&mut steps, rex, Step::Tree(rex)),
            Step::Heir(rex @ Rex::Node { shape: Shape::Prefix, .. }) => {
                steps.push(Step::Closed(rex));
            }
            Step::Heir(rex) => steps.push(Step::Tree(rex)),
            Step::Operand(rex) => push_operand(&mut steps, rex),
            Step::Body(rex) => push_body(&mut steps, rex),
        }
        steps[parts_from..].reverse();
    }
    out
}

fn push_closed<'a>(steps: &mut Vec<Step<'a>>, rex: &Rex, inner: Step<'a>) {
    if let Rex::Node { shape: Shape::Prefix | Shape::Shut, .. } = rex {
        steps.extend([Step::Mark("(", Paint::Bracket), inner, Step::Mark(")", Paint::Bracket)]);
    } else {
        steps.push(inner);
    }
}

fn push_operand<'a>(steps: &mut Vec<Step<'a>>, rex: &'a Rex) {
    if let Rex::Node { shape: Shape::Nest, rune, sons, heir } = rex
        && rune == "|"
        && sons.len() + usize::from(heir.is_some()) >= 2
    {
        push_spaced(steps, sons.iter().chain(rex.heir()).map(Step::Tree));
    } else {
        steps.push(Step::Tree(rex));
    }
}

fn push_body<'a>(steps: &mut Vec<Step<'a>>, rex: &'a Rex) {
    let Rex::Node { shape, rune, sons, .. } = rex else { return };
    let rune = rune.as_str();
    let mark = || Step::Mark(rune, Paint::Rune);
    match shape {
        Shape::Prefix => {
            steps.push(mark());
            steps.extend(sons.first().map(Step::Closed));
        }
        Shape::Shut => {
            for (i, son) in sons.iter().enumerate() {
                if i > 0 {
                    steps.push(mark());
                }
                steps.push(Step::Closed(son));
            }
        }
        Shape::Infix => {
            let between = |(i, son)| (i > 0).then(mark).into_iter().chain([Step::Operand(son)]);
            push_nested(steps, ["(", ")"], sons.iter().enumerate().flat_map(between));
        }
        Shape::Open | Shape::Nest => {
            let (brackets, head) = match rune {
                "," => (["[", "]"], None),
                // Not painted as a rune: it is only there to tell `(| x)` from `x`.
                "|" => (["(", ")"], (sons.len() == 1).then_some(Step::Mark("|", Paint::Plain))),
                _ => (["(", ")"], Some(mark())),
            };
            push_nested(steps, brackets, head.into_iter().chain(sons.iter().map(Step::Tree)));
        }
    }
}

fn push_nested<'a>(
    steps: &mut Vec<Step<'a>>,
    [open, close]: [&'static str; 2],
    parts: impl Iterator<Item = Step<'a>>,
) {
    steps.push(Step::Mark(open, Paint::Bracket));
    push_spaced(steps, parts);
    steps.push(Step::Mark(close, Paint::Bracket));
}

fn push_spaced<'a>(steps: &mut Vec<Step<'a>>, parts: impl Iterator<Item = Step<'a>>) {
    for (i, part) in parts.enumerate() {
        if i > 0 {
            steps.push(Step::Mark(" ", Paint::Plain));
        }
        steps.push(part);
    }
}

fn leaf_text(leaf: Leaf, text: &str) -> (Cow<'_, str>, Paint) {
    if leaf == Leaf::Word && prints_bare(text) {
        return (text.into(), Paint::Plain);
    }
    let written = match quote_for(text) {
        None => format!("{{{text}}}"),
        Some(quote) => format!("}}{quote}{text}{quote}"),
    };
    (written.into(), Paint::Text)
}

/// Whether a word is written as it is. The prototype looks at the low byte of a character only, so
/// that `Ł` (U+0141) passes for `A`; printed text has to agree with it.
fn prints_bare(text: &str) -> bool {
    let by_low_bytes = || text.chars().all(|c| is_word_byte(c as u32 as u8));
    !text.is_empty() && (are_word_bytes(text.as_bytes()) || by_low_bytes())
}

/// The character to quote `text` with, where braces will not do.
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

/// Every rune character in the order in which they are tried as quotes, `"` among them.
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
    fn quote_candidates_are_all_the_characters_there_are() {
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
    fn texts_find_a_quote() {
        let written = |text: &str| leaf_text(Leaf::Text, text).0.into_owned();
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
