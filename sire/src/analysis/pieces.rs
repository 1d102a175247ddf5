//! The blocks of a text that a person edits, and what two versions of a text have in common.

use rex::{ReadError, SourceBlock};
use std::ops::Range;

/// A block, with the text up to the next one.
pub(super) struct SourcePiece {
    /// Its bytes in the text.
    pub(super) range: Range<usize>,
    /// Its first line, counted from 1.
    pub(super) line: usize,
    pub(super) content: Result<SourceBlock, ReadError>,
}

impl SourcePiece {
    /// Returns the names that lines of the piece define. This is for blocks that cannot be read.
    pub(super) fn defined_names(&self, text: &str) -> Vec<String> {
        let lines = text[self.range.clone()].lines().filter_map(|line| line.strip_prefix("= "));
        let name = |line: &str| {
            let line = line.trim_start_matches([' ', '(', '*']);
            let end = line.find(|c| !rex::chars::is_word_char(c)).unwrap_or(line.len());
            line[..end].to_owned()
        };
        // The empty name makes the block count as failed.
        lines.map(name).chain([String::new()]).collect()
    }
}

/// Returns the pieces of a text, in their order.
pub(super) fn pieces(text: &str, file: &str) -> Vec<SourcePiece> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut pieces: Vec<SourcePiece> = Vec::new();
    for content in rex::read_file(text, file) {
        // An error has the line that is wrong, which may be a later one of its block.
        let line = match &content {
            Ok(block) => block.line,
            Err(error) => error.line,
        };
        let start = starts.get(line - 1).copied().unwrap_or(text.len());
        if let Some(last) = pieces.last_mut() {
            last.range.end = start.max(last.range.start);
        }
        pieces.push(SourcePiece { range: start..text.len(), line, content });
    }
    pieces
}

/// Returns how many pieces at the start of two texts are the same.
pub(super) fn shared_pieces(
    (one, one_text): (&[SourcePiece], &str),
    (two, two_text): (&[SourcePiece], &str),
) -> usize {
    let is_same = |(one, two): &(&SourcePiece, &SourcePiece)| {
        one.line == two.line && one_text[one.range.clone()] == two_text[two.range.clone()]
    };
    one.iter().zip(two).take_while(is_same).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_from_the_first_block_on() {
        let text = "; a comment\n#### m\n\n= x | 1\n\n= (y\n\n= z | 2\n";
        let found = pieces(text, "m.sire");
        let texts: Vec<&str> = found.iter().map(|piece| &text[piece.range.clone()]).collect();
        assert_eq!(texts, ["#### m\n\n", "= x | 1\n\n", "= (y\n\n", "= z | 2\n"]);
        assert!(found[2].content.is_err());
        assert_eq!(found[2].defined_names(text), ["y", ""]);
    }

    #[test]
    fn a_change_keeps_the_pieces_in_front_of_it() {
        let old = "#### m\n\n= x | 1\n\n= y | 2\n";
        let of = |new: &str| shared_pieces((&pieces(new, ""), new), (&pieces(old, ""), old));
        assert_eq!(of(old), 3);
        assert_eq!(of("#### m\n\n= x | 1\n\n= y | 3\n"), 2);
        assert_eq!(of("#### m\n\n= x | 1\n\n= y | 2\n\n= z | 3\n"), 2);
        assert_eq!(of("\n#### m\n\n= x | 1\n\n= y | 2\n"), 0);
    }
}
