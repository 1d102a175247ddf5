//! What is known of a row that was edited last: which of its items may not be normal.
//!
//! A loop that replaces one item after the other would normalise all items of each version. A new row
//! whose other items are normal is noted with the index of the one that may not be. A collection moves the
//! row and forgets it.

use super::memory::HeapMemory;
use crate::word::Word;

impl HeapMemory {
    /// The index of the only item of a row that may not be normal, if that is known.
    #[inline]
    pub fn unfinished_item(&self, row: Word) -> Option<usize> {
        self.edited_row.filter(|(edited, _)| *edited == row).map(|(_, item)| item)
    }

    /// Notes that all items of a new row but this one are normal.
    pub(crate) fn note_edited_row(&mut self, row: Word, item: usize) {
        self.edited_row = Some((row, item));
    }

    /// Forgets what was noted of a row that was changed in place since.
    pub(crate) fn forget_edited_row(&mut self, row: Word) {
        if self.edited_row.is_some_and(|(edited, _)| edited == row) {
            self.edited_row = None;
        }
    }
}
