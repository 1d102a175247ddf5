//! What can be wrong with a source text, and where.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

/// How much of a long source line is quoted on either side of the place of an error.
const EXCERPT_CHARS: usize = 60;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A character with no role outside of strings and comments.
    #[error("{}", unexpected(*.0))]
    Unexpected(char),
    /// A `(` or `[` without its counterpart on the same line.
    #[error("`{0}` is not closed on its line")]
    UnclosedNest(char),
    /// A string that begins with `{` or `"`, or a text quoted by `}` and this character.
    #[error("the string is not closed: `{0}` is missing on this line")]
    UnclosedText(char),
    /// `}` followed by something that cannot quote a text.
    #[error("`}}` takes a space (a line string) or an ASCII character to quote with")]
    BadQuote,
    /// A free-standing rune in square brackets.
    #[error("a rune cannot stand by itself in square brackets")]
    RuneInBrackets,
    /// The file is not text.
    #[error("not UTF-8 text")]
    NotUtf8,
}

fn unexpected(c: char) -> String {
    match c {
        ')' | ']' => format!("`{c}` closes nothing here"),
        '\t' => "a tab cannot separate or indent; use spaces".into(),
        '\r' => "a carriage return; lines must end in a line feed alone".into(),
        c if c.is_ascii_graphic() => format!("`{c}` is not expected here"),
        c if c.is_control() => format!("control character U+{:04X}", u32::from(c)),
        c => format!("`{c}` may only be used in strings and comments"),
    }
}

/// Why a block could not be read. Displayed, it quotes the source line and points at the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {problem}\n\n    {excerpt}\n    {carets}")]
pub struct ReadError {
    /// The name the reader was given for its input.
    pub file: Arc<str>,
    /// Counts from 1.
    pub line: usize,
    /// In characters, counts from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
    /// The source line, or the part of a long one that is around the place.
    excerpt: String,
    /// What goes below it.
    carets: String,
}

impl ReadError {
    /// An error at a byte range of `source`, which is line `line` of `file`.
    pub(super) fn new(
        file: &Arc<str>,
        line: usize,
        source: &str,
        place: Range<usize>,
        problem: Problem,
    ) -> Self {
        let (before, rest) = source.split_at_checked(place.start).unwrap_or((source, ""));
        let (here, after) = rest.split_at_checked(place.len()).unwrap_or((rest, ""));
        let column = before.chars().count() + 1;

        let mut excerpt: String = match before.char_indices().rev().nth(EXCERPT_CHARS - 1) {
            Some((cut, _)) if cut > 0 => "...".chars().chain(before[cut..].chars()).collect(),
            _ => before.into(),
        };
        let indent = excerpt.chars().count();
        let marked = here.chars().count().clamp(1, EXCERPT_CHARS);
        let shown = marked + EXCERPT_CHARS;
        excerpt.extend(here.chars().chain(after.chars()).take(shown));
        if here.chars().chain(after.chars()).nth(shown).is_some() {
            excerpt.push_str("...");
        }
        let excerpt = excerpt.chars().map(visible).collect();
        let carets = " ".repeat(indent) + &"^".repeat(marked);
        ReadError { file: file.clone(), line, column, problem, excerpt, carets }
    }
}

/// Control characters would move the carets (or the terminal's cursor) astray.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The bytes of a file as text.
///
/// # Errors
///
/// [`Problem::NotUtf8`], at the first byte that is not.
pub fn decode<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, ReadError> {
    str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        let line_start = bytes[..good].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let line_end =
            bytes[good..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| good + i);
        let line = bytes[..good].iter().filter(|b| **b == b'\n').count() + 1;
        let source = String::from_utf8_lossy(&bytes[line_start..line_end]);
        let start = good - line_start;
        let place = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
        ReadError::new(&file.into(), line, &source, place, Problem::NotUtf8)
    })
}
