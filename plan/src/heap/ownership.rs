//! Ownership of new nodes: which objects an edit may change in place.
//!
//! A loop that edits a table makes a version in each turn, and nothing refers to the version before.
//! Compiled code proves that for some variables (`jit/src/codegen/ownership.rs`), and then has the
//! objects changed that the loop itself has made, in place of copies. Nothing else may be changed:
//! the first version came from outside, and shares objects with other values.
//!
//! # The mark
//!
//! The root of a version (a table, a row or a set) has an [`EditMark`] in its header: the address of
//! the next object in eden when the first edit of the loop began. Everything below the root that is
//! in eden at that address or a later one was made by edits of this loop, because edits add only
//! parts that they make, and the first version is older than the mark. A flat row or set has no
//! parts below it; its own mark says how many words behind it are spare.
//!
//! - *No other reference to the root.* The edit that makes a marked root returns it to code that
//!   passes it only to the next edit. Before a value from elsewhere enters such a variable, the code
//!   [disowns](HeapMemory::disown) it, so a mark that was left in a value that is shared by now is
//!   never used.
//! - *A collection ends ownership.* It empties eden, so neither the root nor its parts are in eden
//!   afterwards, and the next edit copies them. Hence objects that are changed in place are young,
//!   and need no write barrier; no other thread reads them; and marks of different collections are
//!   never compared.
//! - Marks never leave the heap: a frozen copy has none ([`ObjectHeader::without_mark`]).

use super::memory::HeapMemory;
use super::object::{self, ObjectDraft};
use crate::layout::{EXTRA_MAX, ObjectHeader, ObjectLayout};
use crate::word::{Word, WordKind};

/// The address of the next object in eden when the edits of an owner began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EditMark(usize);

impl EditMark {
    /// The mark of an owner that has no objects.
    pub(crate) const NOTHING: EditMark = EditMark(usize::MAX);
}

impl HeapMemory {
    /// Returns the mark of an owner whose edits begin now.
    pub(crate) fn edit_mark(&self) -> EditMark {
        EditMark(self.nursery.next())
    }

    /// Returns the mark of a root; `None` if it has none, or a collection has moved it since.
    #[inline]
    pub(crate) fn mark_of(&self, root: Word) -> Option<EditMark> {
        let header = self.header(root);
        let number = header.extra() as usize;
        if number == 0 || !self.nursery.is_in_eden(root.address()) {
            return None;
        }
        if matches!(header.layout(), ObjectLayout::Row | ObjectLayout::Set) {
            return Some(EditMark(root.address()));
        }
        Some(EditMark(self.nursery.eden_start() + 8 * self.mark_unit() * (number - 1)))
    }

    /// Whether an owner may still change a table, row or set, or the parts of it, in place. What others
    /// note of such an object does not hold for long.
    pub fn is_changeable(&self, root: Word) -> bool {
        self.mark_of(root).is_some()
    }

    /// Marks a root that is not flat. It was made by the owner.
    pub(crate) fn set_mark(&mut self, root: Word, mark: EditMark) {
        let words = mark.0.saturating_sub(self.nursery.eden_start()) / 8;
        let number = 1 + words.div_ceil(self.mark_unit()) as u64;
        let header = self.header(root).with_mark(number.min(EXTRA_MAX));
        self.replace_header(root, header);
    }

    /// Removes the mark of a value that may be shared. Thunks and values without a mark are left as
    /// they are.
    #[inline]
    pub fn disown(&mut self, value: Word) {
        if !matches!(value.kind(), WordKind::Tab | WordKind::Row | WordKind::Set) {
            return;
        }
        // Objects outside of eden may be read-only, and their marks are not used.
        if self.nursery.is_in_eden(value.address()) {
            let header = self.header(value).without_mark();
            self.replace_header(value, header);
        }
    }

    /// Whether the owner with that mark has made a part of its root.
    #[inline(always)]
    pub(crate) fn is_owned(&self, part: Word, mark: EditMark) -> bool {
        part.address() >= mark.0 && self.nursery.is_in_eden(part.address())
    }

    /// The number of words that a unit of marks stands for: 1 unless eden is larger than 4 MB.
    fn mark_unit(&self) -> usize {
        let most = EXTRA_MAX as usize / 2;
        self.nursery.capacity().div_ceil(most).next_power_of_two()
    }

    /// Allocates a flat row or set that an owner may lengthen in place by up to `spare` items. The
    /// caller has reserved the words of both.
    pub(crate) fn allocate_with_spare(
        &mut self,
        layout: ObjectLayout,
        size: usize,
        spare: usize,
    ) -> ObjectDraft {
        debug_assert!(matches!(layout, ObjectLayout::Row | ObjectLayout::Set));
        let Some(address) = self.nursery.take(1 + size + spare) else {
            return self.allocate(layout, 0, size);
        };
        let header = ObjectHeader::new(layout, 1 + spare as u64, size);
        // SAFETY: the nursery has just allocated the words.
        unsafe { object::set_header(address, header) };
        // SAFETY: the object has just been allocated, with `size` payload words of this layout.
        unsafe { ObjectDraft::new(address, layout, size) }
    }

    /// Inserts an item into an owned flat row or set in place. Returns whether it has a spare word.
    ///
    /// # Panics
    /// If there are fewer than `at` items.
    #[inline]
    pub(crate) fn insert_in_place(&mut self, flat: Word, at: usize, item: Word) -> bool {
        let header = self.header(flat);
        let (size, address) = (header.size(), flat.address());
        assert!(at <= size, "an item belongs there");
        if header.extra() < 2 || !self.nursery.is_in_eden(address) {
            return false;
        }
        // SAFETY: the object is live. A header in eden with a mark of 2 or more was written by
        // `allocate_with_spare` or by this function, so a spare word follows the payload.
        unsafe { object::insert_word(address, size, at, item.raw()) };
        self.replace_header(flat, header.with_spare_item());
        true
    }

    /// Removes the mark of normal form from an owned object, into which another value was written.
    pub(crate) fn clear_normal(&mut self, object: Word) {
        let header = self.header(object).without_normal();
        self.replace_header(object, header);
    }

    /// Replaces the header of an object in eden.
    fn replace_header(&mut self, object: Word, header: ObjectHeader) {
        debug_assert!(self.nursery.is_in_eden(object.address()));
        // SAFETY: by the heap's invariant the object is live.
        unsafe { object::set_header(object.address(), header) };
    }
}
