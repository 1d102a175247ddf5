//! [`TextLines`]: lines and columns of the protocol, and bytes of a text.
//!
//! A column of the protocol counts UTF-16 code units, or bytes if client and server agree on it. No
//! position makes a conversion fail: one outside of the text, or within a character, becomes the
//! nearest one in front of it.

use lsp_types::{Position, Range};
use std::ops::Range as ByteRange;
use std::sync::Arc;

/// What the columns of positions count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ColumnUnit {
    /// UTF-16 code units.
    Utf16,
    /// Bytes of UTF-8.
    Utf8,
}

impl ColumnUnit {
    /// Returns the column of a byte of a line.
    pub(crate) fn column(self, line: &str, byte: usize) -> u32 {
        let before = &line[..floor_boundary(line, byte)];
        let column = match self {
            ColumnUnit::Utf8 => before.len(),
            ColumnUnit::Utf16 => before.encode_utf16().count(),
        };
        u32::try_from(column).unwrap_or(u32::MAX)
    }

    /// Returns the byte of a line that a column means.
    fn byte(self, line: &str, column: u32) -> usize {
        let column = column as usize;
        if self == ColumnUnit::Utf8 {
            return floor_boundary(line, column);
        }
        let mut units = 0;
        for (at, c) in line.char_indices() {
            units += c.len_utf16();
            if units > column {
                return at;
            }
        }
        line.len()
    }
}

/// Returns the largest boundary between characters that is not after `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A text with the starts of its lines.
#[derive(Clone, Debug)]
pub(crate) struct TextLines {
    pub(crate) text: Arc<str>,
    starts: Vec<usize>,
    unit: ColumnUnit,
}

impl TextLines {
    pub(crate) fn new(text: Arc<str>, unit: ColumnUnit) -> TextLines {
        let starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        TextLines { text, starts, unit }
    }

    /// Returns the byte of a position.
    pub(crate) fn byte(&self, position: Position) -> usize {
        let line = position.line as usize;
        match self.starts.get(line) {
            Some(start) => start + self.unit.byte(self.line(line), position.character),
            None => self.text.len(),
        }
    }

    /// Returns the position of a byte.
    pub(crate) fn position(&self, byte: usize) -> Position {
        let byte = floor_boundary(&self.text, byte);
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let column = self.unit.column(self.line(line), byte - self.starts[line]);
        Position::new(u32::try_from(line).unwrap_or(u32::MAX), column)
    }

    /// Returns the positions of a range of bytes.
    pub(crate) fn range(&self, bytes: ByteRange<usize>) -> Range {
        Range::new(self.position(bytes.start), self.position(bytes.end.max(bytes.start)))
    }

    /// Returns the byte at which a line begins; the end of the text if there is no such line.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// Returns a line without its line feed; empty if there is no such line. Lines count from 0.
    pub(crate) fn line(&self, line: usize) -> &str {
        let start = self.line_start(line);
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        &self.text[start..end.max(start)]
    }

    /// Returns the text with a range replaced.
    pub(crate) fn replaced(&self, range: Range, new: &str) -> Arc<str> {
        let start = self.byte(range.start);
        let end = self.byte(range.end).max(start);
        let text = &self.text;
        Arc::from(format!("{}{new}{}", &text[..start], &text[end..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_bytes_are_inverse_at_boundaries() {
        let text = "a\n\u{10348}é b\n\n";
        for unit in [ColumnUnit::Utf16, ColumnUnit::Utf8] {
            let lines = TextLines::new(text.into(), unit);
            for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
                assert_eq!(lines.byte(lines.position(byte)), byte, "{unit:?} {byte}");
            }
        }
    }

    #[test]
    fn positions_outside_of_the_text_and_within_characters_are_moved_back() {
        let lines = TextLines::new("\u{10348}b\nc".into(), ColumnUnit::Utf16);
        assert_eq!(lines.byte(Position::new(0, 1)), 0);
        assert_eq!(lines.byte(Position::new(0, 2)), 4);
        assert_eq!(lines.byte(Position::new(0, 99)), 5);
        assert_eq!(lines.byte(Position::new(9, 9)), 7);
        let range = Range::new(Position::new(1, 1), Position::new(0, 0));
        assert_eq!(&*lines.replaced(range, "x"), "\u{10348}b\ncx");
    }
}
