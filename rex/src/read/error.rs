//! Errors of the reader.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

/// The characters of a long source line that an error quotes on either side of its range.
const EXCERPT_CHARS: usize = 60;

/// The kind of a [`ReadError`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadErrorKind {
    /// A character that is not allowed at this place outside strings and comments.
    #[error("{}", unexpected(*.0))]
    Unexpected(char),
    /// A `(` or `[` that is not closed on the same line.
    #[error("`{0}` is not closed on its line")]
    UnclosedForm(char),
    /// A string without its closing character, which is the field.
    #[error("the string is not closed: `{0}` is missing on this line")]
    UnclosedText(char),
    /// A `}` before a character that cannot quote a text.
    #[error("`}}` takes a space (a line string) or an ASCII character to quote with")]
    BadQuote,
    /// A free-standing rune in square brackets.
    #[error("a rune cannot stand by itself in square brackets")]
    RuneInBrackets,
    /// The input is not UTF-8.
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

/// An error in a block. Its display form quotes the source line and marks the range of the error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {kind}\n\n    {excerpt}\n    {carets}")]
pub struct ReadError {
    /// The name of the input.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The range of the error, in bytes of the source line.
    pub range: Range<usize>,
    /// The kind of the error.
    pub kind: ReadErrorKind,
    /// The source line, or the part of a long line around the range.
    excerpt: String,
    /// The line of carets below the excerpt.
    carets: String,
}

impl ReadError {
    /// Returns the source line, or the part of a long line around the range, and the range in bytes
    /// of it.
    pub fn excerpt(&self) -> (&str, Range<usize>) {
        let indent = self.carets.chars().take_while(|c| *c == ' ').count();
        let byte =
            |chars| self.excerpt.char_indices().nth(chars).map_or(self.excerpt.len(), |at| at.0);
        (&self.excerpt, byte(indent)..byte(self.carets.chars().count()))
    }

    /// Makes an error for a byte range of `source`, which is line `line` of `file`.
    pub(super) fn new(
        file: &Arc<str>,
        line: usize,
        source: &str,
        range: Range<usize>,
        kind: ReadErrorKind,
    ) -> Self {
        let (before, rest) = source.split_at_checked(range.start).unwrap_or((source, ""));
        let (here, after) = rest.split_at_checked(range.len()).unwrap_or((rest, ""));
        let column = before.chars().count() + 1;

        let mut excerpt: String = match before.char_indices().rev().nth(EXCERPT_CHARS - 1) {
            Some((from, _)) if from > 0 => "...".chars().chain(before[from..].chars()).collect(),
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
        ReadError { file: file.clone(), line, column, range, kind, excerpt, carets }
    }
}

/// Replaces control characters, which would misalign the carets or move the terminal's cursor.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// Converts the bytes of a file to text.
///
/// # Errors
///
/// [`ReadErrorKind::NotUtf8`], at the first byte that is not UTF-8.
pub fn decode<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, ReadError> {
    str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let line_start = valid.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let line_end =
            rest.iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| valid.len() + i);
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        let source = String::from_utf8_lossy(&bytes[line_start..line_end]);
        let start = valid.len() - line_start;
        let range = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
        ReadError::new(&file.into(), line, &source, range, ReadErrorKind::NotUtf8)
    })
}
