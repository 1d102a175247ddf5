//! [`SourceSpan`]: the place of a tree in the source text.

use std::ops::Range;

/// A range of bytes of a block's text, counted from the start of the block's first line.
///
/// The reader sets it. It is not part of what a tree is: equality ignores it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceSpan {
    start: u32,
    end: u32,
}

impl SourceSpan {
    /// The place of a tree that was not read from source.
    pub const NONE: SourceSpan = SourceSpan { start: 0, end: 0 };

    /// Makes a span. Offsets beyond 4 GiB become 4 GiB.
    pub fn new(range: Range<usize>) -> SourceSpan {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        SourceSpan { start: offset(range.start), end: offset(range.end) }
    }

    /// Returns whether the tree was not read from source.
    pub fn is_none(self) -> bool {
        self.end == 0
    }

    /// Returns the range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the span from the start of this one to the end of a later one.
    #[must_use]
    pub fn to(self, last: SourceSpan) -> SourceSpan {
        match (self.is_none(), last.is_none()) {
            (true, _) => last,
            (_, true) => self,
            _ => SourceSpan { start: self.start, end: last.end.max(self.end) },
        }
    }
}
