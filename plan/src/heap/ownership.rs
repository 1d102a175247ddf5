//! Ownership of new nodes: which objects an edit may change in place.
//!
//! A loop that edits a table makes a version in each turn, and nothing refers to the version before.
//! Compiled code proves that for some variables (`jit/src/codegen/ownership.rs`), and then has the
//! objects changed that the loop itself has made, in place of copies. Nothing else may be changed:
//! the first version came from outside, and shares objects with other values.
//!
//! # The mark
//!
//! The root of a version (a table, a row or a set) has an [`EditMark`] in its header.
//!
//! - *In eden* it is the address of the next object in eden when the first edit of the loop began.
//!   Everything below the root that is in eden at that address or a later one was made by edits of
//!   this loop, because edits add only parts that they make, and the first version is older than the
//!   mark. A flat row or set has no parts below it; its own mark says how many words behind it are
//!   spare.
//! - *Elsewhere* it is the number of an owner, which a young collection gives to a marked root and to
//!   the parts that the loop has made ([`Collection::move_ownership`]). Everything below the root that
//!   has the same number was made by the loop, and so was everything below it that is in eden: it was
//!   made since the collection. The collection gives the number to those parts too, when it moves them.
//!   Flat roots share a number, since they have no parts.
//!
//! # Why nothing else is changed
//!
//! - *No other reference to the root.* The edit that makes a marked root returns it to code that
//!   passes it only to the next edit. Before a value from elsewhere enters such a variable, the code
//!   [disowns](HeapMemory::disown) it, so a mark that was left in a value that is shared by now is
//!   never used. The edits of another loop copy such a root, and give the copy another mark.
//! - *No mark in the value of a thunk that becomes the value of a variable.* A variable that holds a thunk may
//!   be edited once it holds the thunk's value, which others may know. The code disowns the value when it
//!   evaluates the thunk, and a collection disowns it when it replaces a thunk in a frame by its value.
//! - *No other reference to a part with the number of the root*, for the same reason: only the owner of
//!   the root has reached it. A part that becomes the root of another value was taken from a value
//!   that nobody owned any more, and is disowned as well.
//! - *Numbers are not given twice.* A full collection removes all of them, and begins again.
//! - *No other thread reads what is changed.* Numbers that were given before old objects were lent
//!   ([`super::loan`]) do not count.
//! - Marks never leave the heap: a frozen copy has none ([`ObjectHeader::without_mark`]), and a number in
//!   a frozen object is ignored.

use super::memory::HeapMemory;
use super::object::{self, ObjectDraft};
use crate::layout::{EXTRA_MAX, ObjectHeader, ObjectLayout};
use crate::pinspace::range::is_frozen;
use crate::word::{Word, WordKind};
use std::ops::Range;

/// Which objects an owner has made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EditMark {
    /// Those in eden at this address or a later one.
    eden_from: usize,
    /// Those elsewhere with this number; 0 for none.
    number: u64,
}

impl EditMark {
    /// The mark of an owner that has no objects.
    pub(crate) const NOTHING: EditMark = EditMark { eden_from: usize::MAX, number: 0 };
}

/// The numbers of owners of objects outside of eden.
#[derive(Debug)]
pub(super) struct OwnerNumbers {
    /// The number of all owners of flat roots, and the least that counts.
    flat: u64,
    /// The next number for an owner of a root with parts.
    next: u64,
}

impl OwnerNumbers {
    /// The state in which no object has a number.
    pub(super) const fn none_given() -> OwnerNumbers {
        OwnerNumbers { flat: 1, next: 2 }
    }

    /// Has the numbers that were given no longer count.
    pub(super) fn retire(&mut self) {
        self.flat = self.next;
        self.next = self.flat + 1;
    }

    /// Returns the next number for a root with parts.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether objects with that number have an owner.
    pub(super) fn counts(&self, number: u64) -> bool {
        number >= self.flat
    }

    /// Returns the number for the flat roots that a collection moves; 0 if there is none left.
    pub(super) fn for_flat_root(&self) -> u64 {
        if self.flat <= EXTRA_MAX { self.flat } else { 0 }
    }

    /// Returns the number for a root with parts that a collection moves; 0 if there is none left.
    pub(super) fn for_next_root(&mut self) -> u64 {
        if self.next > EXTRA_MAX {
            return 0;
        }
        self.next += 1;
        self.next - 1
    }
}

/// Returns the address that the mark in the header of an object in eden stands for, in an eden that
/// begins there. The header has a mark, and is not that of a flat object.
pub(super) fn marked_address(header: ObjectHeader, (eden_start, unit): (usize, usize)) -> usize {
    eden_start + 8 * unit * (header.extra() as usize - 1)
}

impl HeapMemory {
    /// Returns the mark of an owner whose edits begin now. May allocate [`HeapMemory::mark_words`] words.
    #[inline]
    pub(crate) fn edit_mark(&mut self) -> EditMark {
        // A mark stands for a multiple of the unit: the owner would not own an object before it.
        let words = (self.nursery.next() - self.nursery.eden_start()) / 8;
        let missing = words.wrapping_neg() & (self.nursery.mark_unit() - 1);
        if missing != 0 {
            self.nursery.take(missing);
        }
        EditMark { eden_from: self.nursery.next(), number: 0 }
    }

    /// Returns the most words that [`HeapMemory::edit_mark`] allocates.
    #[inline]
    pub(crate) fn mark_words(&self) -> usize {
        self.nursery.mark_unit()
    }

    /// Returns the mark of a root; `None` if it has none that counts.
    #[inline]
    pub(crate) fn mark_of(&self, root: Word) -> Option<EditMark> {
        let header = self.header(root);
        if header.extra() == 0 {
            return None;
        }
        if !self.nursery.is_in_eden(root.address()) {
            let number = self.number_of(root.address(), header)?;
            return Some(EditMark { eden_from: self.nursery.eden_start(), number });
        }
        let eden_from = if header.layout().is_flat() {
            root.address()
        } else {
            marked_address(header, (self.nursery.eden_start(), self.nursery.mark_unit()))
        };
        Some(EditMark { eden_from, number: 0 })
    }

    /// Returns the number of the owner of a table, row, set or node outside of eden.
    #[inline]
    fn number_of(&self, address: usize, header: ObjectHeader) -> Option<u64> {
        let number = header.extra();
        (self.owner_numbers.counts(number) && !is_frozen(address)).then_some(number)
    }

    /// Whether an owner may still change a table, row or set, or the parts of it, in place. What others
    /// note of such an object does not hold for long.
    pub fn is_changeable(&self, root: Word) -> bool {
        self.mark_of(root).is_some()
    }

    /// Marks a root that is not flat. It was made by the owner. A root outside of eden has the owner's
    /// number already.
    pub(crate) fn set_mark(&mut self, root: Word, mark: EditMark) {
        if !self.nursery.is_in_eden(root.address()) {
            debug_assert!(self.is_owned(root, mark));
            return;
        }
        let words = mark.eden_from.saturating_sub(self.nursery.eden_start()) / 8;
        let number = 1 + self.nursery.mark_units(words) as u64;
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
        let header = self.header(value);
        // A frozen object is read-only, and other threads may read one whose number does not count.
        if header.extra() != 0
            && (self.nursery.is_in_eden(value.address())
                || self.number_of(value.address(), header).is_some())
        {
            self.replace_header(value, header.without_mark());
        }
    }

    /// Whether the owner with that mark has made a part of its root.
    #[inline(always)]
    pub(crate) fn is_owned(&self, part: Word, mark: EditMark) -> bool {
        if self.nursery.is_in_eden(part.address()) {
            return part.address() >= mark.eden_from;
        }
        mark.number != 0 && self.number_of(part.address(), self.header(part)) == Some(mark.number)
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
        // `allocate_with_spare`, by this function or by `remove_in_place`, so a spare word follows the
        // payload.
        unsafe { object::insert_word(address, size, at, item.raw()) };
        self.replace_header(flat, header.with_spare_item());
        self.forget_edited_row(flat);
        true
    }

    /// Removes an item of an owned flat row or set in place, and leaves its word spare. Returns whether the
    /// object may have spare words.
    ///
    /// # Panics
    /// If there is no such item.
    #[inline]
    pub(crate) fn remove_in_place(&mut self, flat: Word, at: usize) -> bool {
        let header = self.header(flat);
        let (size, address) = (header.size(), flat.address());
        assert!(at < size, "there is such an item");
        if matches!(header.extra(), 0 | EXTRA_MAX) || !self.nursery.is_in_eden(address) {
            return false;
        }
        // SAFETY: the object is live, and has that item.
        unsafe { object::remove_word(address, size, at) };
        self.replace_header(flat, header.without_last_item());
        self.forget_edited_row(flat);
        true
    }

    /// Adds a number to payload words of an owned object, which are nats below 2^63 and stay so.
    ///
    /// # Panics
    /// If there are no such words.
    #[inline]
    pub(crate) fn add_to_nats(&mut self, object: Word, indices: Range<usize>, more: isize) {
        assert!(indices.end <= self.size(object), "the object has these words");
        for index in indices {
            let before = self.load(object, index).raw();
            // SAFETY: the object is live and has the word. A nat needs no write barrier.
            unsafe {
                object::store_raw(object.address(), index, before.wrapping_add_signed(more as i64));
            }
        }
    }

    /// Removes the mark of normal form from an owned object, into which another value was written.
    pub(crate) fn clear_normal(&mut self, object: Word) {
        let header = self.header(object).without_normal();
        self.replace_header(object, header);
    }

    /// Replaces the header of an object that is not frozen.
    fn replace_header(&mut self, object: Word, header: ObjectHeader) {
        debug_assert!(!is_frozen(object.address()));
        // SAFETY: by the heap's invariant the object is live.
        unsafe { object::set_header(object.address(), header) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_retired_do_not_count_and_are_not_given_again() {
        let mut numbers = OwnerNumbers::none_given();
        assert!(!numbers.counts(0));
        let given: Vec<u64> = [numbers.for_flat_root()]
            .into_iter()
            .chain((0..3).map(|_| numbers.for_next_root()))
            .collect();
        assert_eq!(given, [1, 2, 3, 4]);
        assert!(given.iter().all(|number| numbers.counts(*number)));
        numbers.retire();
        assert!(!given.iter().any(|number| numbers.counts(*number)));
        let later = [numbers.for_flat_root(), numbers.for_next_root()];
        assert!(later.iter().all(|number| numbers.counts(*number) && !given.contains(number)));
    }

    #[test]
    fn there_are_as_many_numbers_as_a_header_has_room_for() {
        let mut numbers = OwnerNumbers { flat: 1, next: EXTRA_MAX - 1 };
        let given = [(); 4].map(|()| numbers.for_next_root());
        assert_eq!(given, [EXTRA_MAX - 1, EXTRA_MAX, 0, 0]);
        numbers.retire();
        assert_eq!((numbers.for_flat_root(), numbers.for_next_root()), (0, 0));
    }
}
