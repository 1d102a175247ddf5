//! Colours of the text that is edited: comments, texts, numbers, runes and commands.

use rex::chars::{is_rune_char, is_word_char};
use std::borrow::Cow;

const COMMENT: &str = "\x1b[2m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const RUNE: &str = "\x1b[33m";
const COMMAND: &str = "\x1b[35m";
const RESET: &str = "\x1b[0m";

/// Returns the text with escape sequences that colour its tokens. The reader's rules are followed
/// line by line; what it would reject gets no colour.
pub(super) fn highlight(text: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(2 * text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, colour) = token(rest, first, rest.len() == text.len());
        let (token, after) = rest.split_at(length);
        match colour {
            Some(colour) => out.extend([colour, token, RESET]),
            None => out.push_str(token),
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// Returns the length of the token at the start of `rest`, in bytes, and its colour.
fn token(rest: &str, first: char, is_start: bool) -> (usize, Option<&'static str>) {
    let line_end = rest.find('\n').unwrap_or(rest.len());
    let run = |member: fn(char) -> bool| rest.find(|c| !member(c)).unwrap_or(rest.len());
    let second = rest.chars().nth(1);
    match first {
        ':' if is_start && second.is_some_and(|c| c.is_ascii_alphabetic()) => (
            1 + rest[1..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - 1),
            Some(COMMAND),
        ),
        ';' => (line_end, Some(COMMENT)),
        '"' => (closed_by(rest, line_end, '"'), Some(TEXT)),
        '{' => (closed_by(rest, line_end, '}'), Some(TEXT)),
        '}' if matches!(second, None | Some(' ' | '\n')) => (line_end, Some(TEXT)),
        c if c.is_ascii_digit() => (run(is_word_char), Some(NUMBER)),
        c if is_word_char(c) => (run(is_word_char), None),
        c if is_rune_char(c) => (run(is_rune_char), Some(RUNE)),
        c => (c.len_utf8(), None),
    }
}

/// Returns the length of a text up to its closing character, or to the end of the line.
fn closed_by(rest: &str, line_end: usize, closer: char) -> usize {
    rest[1..line_end].find(closer).map_or(line_end, |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_coloured_and_nothing_is_lost() {
        for text in ["", "= (f x) | add x 12 ; é", "{a} \"b", "} line\n:load", ":load a", "é{", "}"]
        {
            let coloured = highlight(text);
            let mut plain = coloured.into_owned();
            for code in [COMMENT, TEXT, NUMBER, RUNE, COMMAND, RESET] {
                plain = plain.replace(code, "");
            }
            assert_eq!(plain, text);
        }
        assert_eq!(highlight("f 12"), "f \x1b[36m12\x1b[0m");
        assert_eq!(highlight(":load a"), "\x1b[35m:load\x1b[0m a");
    }
}
