//! What a collection does with the marks of owners: see [`super::ownership`].
//!
//! # Safety
//!
//! As for [`super::collection`].

use super::collection::{Collection, CollectionScope};
use super::object;
use super::ownership::marked_address;
use crate::layout::{ObjectHeader, ObjectLayout};
use crate::pinspace::range::is_frozen;
use crate::word::Word;
use std::ops::Range;

impl Collection<'_> {
    /// Replaces the mark of an object that has just moved from one address to another. A young
    /// collection numbers its owner, and the parts that the owner has made; a full one removes the mark.
    ///
    /// # Safety
    /// The header is that of the object before it moved, and has a mark.
    #[cold]
    pub(super) unsafe fn move_ownership(
        &mut self,
        (old, new): (usize, usize),
        header: ObjectHeader,
    ) {
        let (number, eden_from) = match &self.scope {
            CollectionScope::Full(_) => (0, usize::MAX),
            // A survivor has a number already.
            CollectionScope::Nursery(nursery) if !nursery.is_in_eden(old) => return,
            CollectionScope::Nursery(_) if header.layout().is_flat() => {
                (self.owner_numbers.for_flat_root(), usize::MAX)
            }
            CollectionScope::Nursery(nursery) => {
                let from = marked_address(header, nursery.eden());
                (self.owner_numbers.for_next_root(), from)
            }
        };
        // SAFETY: the object has just been copied to this address.
        unsafe { object::set_header(new, header.with_remembered(false).with_mark(number)) };
        if number != 0 && eden_from != usize::MAX {
            // SAFETY: as above.
            unsafe { self.number_parts(new, eden_from, number) };
        }
    }

    /// Removes the number of a table, row or set that a young collection has visited.
    #[cold]
    pub(super) fn disown_moved(&mut self, value: Word) {
        if is_frozen(value.address()) {
            return;
        }
        // SAFETY: the value has been visited, so its object is live and does not move any more.
        let header = unsafe { object::header(value.address()) };
        if self.owner_numbers.counts(header.extra()) {
            // SAFETY: as above. An object whose number counts has not been lent.
            unsafe { object::set_header(value.address(), header.without_mark()) };
        }
    }

    /// Moves the parts of an owned root or node that are in eden, and gives them its number.
    ///
    /// # Safety
    /// The address is that of a live object outside of eden.
    #[inline]
    pub(super) unsafe fn number_new_parts(&mut self, address: usize, header: ObjectHeader) {
        // The parts of a root that has just got its number have theirs, and others are not its owner's.
        let has_number = header.has_mark() && header.extra() < self.first_new_number;
        if !has_number || header.layout().is_flat() {
            return;
        }
        if let CollectionScope::Nursery(nursery) = &self.scope {
            let eden_start = nursery.eden().0;
            // SAFETY: by this function's contract.
            unsafe { self.number_parts(address, eden_start, header.extra()) };
        }
    }

    /// Moves the parts of a root or node that are in eden at an address or a later one, and gives them
    /// the number. The recursion is as deep as the tree, which has fewer than twenty levels.
    ///
    /// # Safety
    /// The address is that of a live object outside of eden, which is a table or node.
    unsafe fn number_parts(&mut self, address: usize, eden_from: usize, number: u64) {
        // SAFETY: by this function's contract.
        let header = unsafe { object::header(address) };
        for index in parts(header) {
            // SAFETY: the payload has a value at that index.
            let part = unsafe { object::load(address, index) };
            let CollectionScope::Nursery(nursery) = &self.scope else { return };
            if part.is_thunk() || !part.has_object() || !nursery.is_in_eden(part.address()) {
                continue;
            }
            if part.address() < eden_from {
                continue;
            }
            // SAFETY: the part is live, or has moved.
            let part_header = unsafe { object::header(part.address()) };
            if part_header.new_address().is_some() {
                continue;
            }
            // What the mark of the part meant when the part was a root no longer matters.
            let moved = self.copy_object(part.address(), part_header);
            // SAFETY: the part has just been copied to this address.
            unsafe {
                let header = object::header(moved);
                object::set_header(moved, header.with_mark(number));
            }
            if !part_header.layout().is_flat() {
                // SAFETY: as above; it is a node, since it is a part and not flat.
                unsafe { self.number_parts(moved, eden_from, number) };
            }
        }
    }
}

/// The payload indices of the parts of a table or node.
fn parts(header: ObjectHeader) -> Range<usize> {
    let size = header.size();
    match header.layout() {
        ObjectLayout::Tab => 0..size,
        ObjectLayout::RowNode => size / 2..size,
        ObjectLayout::SetNode => size / 3 * 2..size,
        _ => 0..0,
    }
}
