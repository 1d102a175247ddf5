//! [`SourceWord`]: the words and runes of a text, with their places.

use rex::{LeafKind, NodeShape, Rex};
use std::ops::Range;

/// What a [`SourceWord`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SourceWordKind {
    /// A bare word that is no number.
    Name,
    /// A word that begins with a digit.
    Number,
    /// A text in quotes, or a line string.
    Text,
    /// A rune in front of its arguments.
    Rune,
}

/// A word, text or rune of a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SourceWord {
    pub(crate) kind: SourceWordKind,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
}

/// A block of a text, with its words in the order of the text.
pub(crate) struct WordBlock {
    /// Its first line, counted from 1.
    pub(crate) line: usize,
    /// The rune that it begins with; empty if it begins with none.
    pub(crate) rune: String,
    pub(crate) words: Vec<SourceWord>,
}

impl WordBlock {
    /// Returns the bytes from the first word to the last one.
    pub(crate) fn range(&self) -> Range<usize> {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => 0..0,
        }
    }
}

/// Returns the blocks of a text. Blocks that are not well-formed are left out.
pub(crate) fn word_blocks(text: &str) -> Vec<WordBlock> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut blocks = Vec::new();
    for block in rex::read_file(text, "").filter_map(Result::ok) {
        let Some(offset) = starts.get(block.line - 1) else { continue };
        let rune = match &block.rex {
            Rex::Node { rune, .. } => rune.clone(),
            Rex::Leaf { .. } | Rex::Embed(_) => String::new(),
        };
        let words = words_of(text, &block.rex, *offset);
        blocks.push(WordBlock { line: block.line, rune, words });
    }
    blocks
}

fn words_of(text: &str, rex: &Rex, offset: usize) -> Vec<SourceWord> {
    let mut words = Vec::new();
    let mut pending = vec![rex];
    while let Some(rex) = pending.pop() {
        pending.extend(rex.heir());
        pending.extend(rex.sons());
        let span = rex.span().range();
        let range = offset + span.start..offset + span.end;
        if span.is_empty() || text.get(range.clone()).is_none() {
            continue;
        }
        match rex {
            Rex::Leaf { leaf: LeafKind::Word, text, .. } => {
                let is_number = text.starts_with(|c: char| c.is_ascii_digit());
                let kind = if is_number { SourceWordKind::Number } else { SourceWordKind::Name };
                words.push(SourceWord { kind, range });
            }
            Rex::Leaf { .. } => words.push(SourceWord { kind: SourceWordKind::Text, range }),
            Rex::Node { shape, rune, .. } => words.extend(rune_word(text, *shape, rune, range)),
            Rex::Embed(never) => match *never {},
        }
    }
    words.sort_by_key(|word| word.range.start);
    words
}

/// Returns the place of a rune that is in front of its arguments. The node of a nested form may begin
/// with its bracket.
fn rune_word(text: &str, shape: NodeShape, rune: &str, range: Range<usize>) -> Option<SourceWord> {
    if matches!(shape, NodeShape::Infix | NodeShape::Shut) {
        return None;
    }
    let source = &text[range.clone()];
    let skipped = source.len() - source.trim_start_matches(['(', ' ']).len();
    let is_there = source[skipped..].starts_with(rune) && !rune.is_empty();
    let start = range.start + skipped;
    is_there.then(|| SourceWord { kind: SourceWordKind::Rune, range: start..start + rune.len() })
}

/// Returns the range of the word, or of the rune, that a byte of a text is in or behind. Quotes and
/// brackets are neither.
pub(crate) fn token_at(text: &str, byte: usize) -> Option<Range<usize>> {
    let of = |is_part: fn(char) -> bool| {
        let start = text[..byte]
            .rfind(|c| !is_part(c))
            .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        let end = text[byte..].find(|c| !is_part(c)).map_or(text.len(), |at| byte + at);
        (start < end).then_some(start..end)
    };
    of(rex::chars::is_word_char).or_else(|| of(rex::chars::is_rune_char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_runes_have_places() {
        let text = "; no\n= (f x)\n| add 1 (g {a b})\n\n(? (h y) y)\n";
        let blocks = word_blocks(text);
        let words: Vec<Vec<&str>> = blocks
            .iter()
            .map(|block| block.words.iter().map(|word| &text[word.range.clone()]).collect())
            .collect();
        assert_eq!(words[0], ["=", "f", "x", "|", "add", "1", "g", "{a b}"]);
        assert_eq!(words[1], ["?", "h", "y", "y"]);
        assert_eq!((blocks[0].line, blocks[0].rune.as_str()), (2, "="));
    }

    #[test]
    fn the_token_at_a_byte_is_a_word_or_a_rune() {
        let text = "(foo =?= é)";
        assert_eq!(token_at(text, 2), Some(1..4));
        assert_eq!(token_at(text, 4), Some(1..4));
        assert_eq!(token_at(text, 6), Some(5..8));
        assert_eq!(token_at(text, 0), None);
        assert_eq!(token_at(text, text.len()), None);
    }
}
