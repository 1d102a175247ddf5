//! [`Collection`]: a running collection, which moves objects and rewrites the words that point to
//! them.
//!
//! Frozen objects ([`crate::pinspace`]) never move and are never scanned: a collection only sees
//! that a word points to one, and marks the code of a frozen law. A full collection replaces a pin
//! that has been frozen by its frozen copy.
//!
//! A word that points to an evaluated thunk is replaced by the thunk's value, and a selector of an
//! evaluated row by the item. Otherwise a selector that nobody evaluates keeps the other items of
//! its row alive. (Wadler, \"Fixing some space leaks with a garbage collector\", 1987.)
//!
//! # Safety
//!
//! The addresses below are those of objects that were live when the collection began, or that it
//! has copied; it frees nothing before its end. By the heap's invariant every word in a root or a
//! live object points to such an object or a frozen one, or has no object.

use super::bar_views::DetachedView;
use super::nursery::NurseryEvacuation;
use super::object;
use super::ownership::OwnerNumbers;
use super::remembered::{
    RememberedParts, RememberedSet, cards_of, is_scanned_by_cards, values_on_card,
};
use super::space::{OldSpace, ScanCursor};
use crate::layout::{LAW_CODE, ObjectHeader, ObjectLayout, PIN_FROZEN};
use crate::pinspace::attached::FrozenReferences;
use crate::pinspace::range::is_frozen;
use crate::word::{Word, WordKind};
use std::ops::Range;

/// Receives notifications of code that the collector finds reachable during a full collection.
pub trait CodeMarker {
    /// A code word ([`WordKind::Code`](crate::raw::WordKind::Code)) is reachable.
    fn mark_code(&mut self, word: Word);

    /// A frozen law, or the frozen pin of something, is reachable.
    fn mark_frozen(&mut self, word: Word);
}

/// The part of the heap that a collection moves objects out of.
pub(super) enum CollectionScope<'a> {
    /// The nursery.
    Nursery(NurseryEvacuation<'a>),
    /// All of the heap. The collection records which frozen objects words point to.
    Full(&'a mut FrozenReferences),
}

/// The number of selectors below a selector that are replaced before it. The recursion is on the
/// native stack; what is left is replaced by the next collections.
const SELECTION_DEPTH: u32 = 16;

/// A running collection, as a [`HeapHost`](super::HeapHost) sees it.
pub struct Collection<'a> {
    pub(super) scope: CollectionScope<'a>,
    pub(super) to: &'a mut OldSpace,
    pub(super) remembered: &'a mut RememberedSet,
    pub(super) owner_numbers: &'a mut OwnerNumbers,
    /// The least number of a root with parts that this collection gives.
    pub(super) first_new_number: u64,
    /// The views that the end of a full collection attaches to their sources.
    pub(super) detached_views: Vec<DetachedView>,
    /// Words copied so far.
    pub(super) copied: u64,
    /// Words scanned so far.
    pub(super) scanned: u64,
    /// Words of the evaluation stack visited so far.
    pub(super) scanned_stack: u64,
    /// Whether a pending thunk that survives again may stay young: it is reached through a survivor or
    /// a recent frame.
    pub(super) keeps_pending: bool,
}

impl Collection<'_> {
    /// Whether this is a full collection, which also marks code.
    pub fn is_full(&self) -> bool {
        matches!(self.scope, CollectionScope::Full(_))
    }

    /// Moves the object that a root points to, if it has to move, and rewrites the root. Returns
    /// whether the root points to a young object afterwards, so that the next young collection must
    /// visit it.
    #[inline(always)]
    pub fn visit_root<M: CodeMarker + ?Sized>(&mut self, root: &mut Word, marker: &mut M) -> bool {
        self.visit(root, marker);
        match &self.scope {
            CollectionScope::Nursery(nursery) => {
                root.has_object() && nursery.is_young(root.address())
            }
            CollectionScope::Full(_) => false,
        }
    }

    /// Does the same for a root in a frame: a recent one is visited by the next collection in any case. A
    /// variable that holds a thunk may be replaced by the thunk's value, which others know: see
    /// [`super::ownership`].
    #[inline(always)]
    pub fn visit_frame_root<M: CodeMarker + ?Sized>(
        &mut self,
        root: &mut Word,
        marker: &mut M,
        is_recent: bool,
    ) -> bool {
        self.keeps_pending = is_recent;
        let was_thunk = root.is_thunk();
        let is_young = self.visit_root(root, marker);
        if was_thunk && matches!(root.kind(), WordKind::Tab | WordKind::Row | WordKind::Set) {
            self.disown_moved(*root);
        }
        self.keeps_pending = false;
        is_young
    }

    /// Records, in a full collection, that a frozen object is in use, though no visited word points
    /// to it.
    pub fn keep_frozen(&mut self, address: usize) {
        if let CollectionScope::Full(seen) = &mut self.scope {
            seen.note(address);
        }
    }

    #[inline(always)]
    fn visit<M: CodeMarker + ?Sized>(&mut self, word: &mut Word, marker: &mut M) {
        if !word.has_object() {
            if word.kind() == WordKind::Code && self.is_full() {
                marker.mark_code(*word);
            }
            return;
        }
        let mut old = *word;
        while old.is_thunk() {
            // SAFETY: see the module documentation; a thunk's object is live.
            old = match unsafe { object::header(old.address()) }.layout() {
                // SAFETY: as above; an indirection has its value at index 0.
                ObjectLayout::Indirection => unsafe { object::load(old.address(), 0) },
                ObjectLayout::Selector => {
                    // SAFETY: as above.
                    match unsafe { self.select(old.address(), SELECTION_DEPTH) } {
                        Some(item) => item,
                        None => break,
                    }
                }
                _ => break,
            };
        }
        if !old.has_object() {
            *word = old;
            return;
        }
        let address = old.address();
        if let CollectionScope::Nursery(nursery) = &self.scope
            && !nursery.must_move(address)
        {
            *word = old;
            return;
        }
        if is_frozen(address) {
            self.mark_frozen(old, marker);
            return;
        }
        // SAFETY: see the module documentation.
        let header = unsafe { object::header(address) };
        let new = match header.new_address() {
            Some(new) => new,
            None => self.relocate(address, header, marker),
        };
        *word = old.moved_to(new);
    }

    /// Replaces a selector by an indirection to its item, and returns the item, if the selector has
    /// to move and its row is evaluated. The row may be the value of up to `depth` other selectors.
    ///
    /// # Safety
    /// The address is that of a live selector that has not moved.
    unsafe fn select(&self, address: usize, depth: u32) -> Option<Word> {
        if let CollectionScope::Nursery(nursery) = &self.scope
            && !nursery.must_move(address)
        {
            // An old object that pointed to a young one would have to be remembered.
            return None;
        }
        // SAFETY: by this function's contract.
        let (header, row) = unsafe { (object::header(address), object::load(address, 1)) };
        // SAFETY: a selector has a value at index 1.
        let row = unsafe { self.evaluated(row, depth)? };
        if row.kind() != WordKind::Row || is_frozen(row.address()) {
            return None;
        }
        // The words of a moved object stay where they were; only its header is replaced.
        // SAFETY: the row is live.
        let mut row_header = unsafe { object::header(row.address()) };
        if let Some(new) = row_header.new_address() {
            // SAFETY: the row has been copied to this address.
            row_header = unsafe { object::header(new) };
        }
        let index = header.extra() as usize;
        if row_header.layout() != ObjectLayout::Row || index >= row_header.size() {
            return None;
        }
        // SAFETY: the row has an item at that index.
        let item = Word::from_bits(unsafe { object::load_moved(row.address(), index) });
        // SAFETY: the word is that of a live object.
        let item = unsafe { self.resolved(item) };
        if item.is_thunk() && item.address() == address {
            // The item is the selector itself: it has no value.
            return None;
        }
        // SAFETY: the object is a thunk that is not being evaluated, with room for a value.
        unsafe {
            object::set_header(address, header.with_layout(ObjectLayout::Indirection));
            object::store_raw(address, 0, item.raw());
        }
        Some(item)
    }

    /// Returns the value of a thunk, if it has one or is a selector that can be replaced; the word
    /// itself if it is no thunk.
    ///
    /// # Safety
    /// The word is that of a root or of a live object that has not been scanned.
    unsafe fn evaluated(&self, word: Word, depth: u32) -> Option<Word> {
        // SAFETY: by this function's contract.
        let mut word = unsafe { self.resolved(word) };
        while word.is_thunk() {
            // SAFETY: a thunk's object is live.
            let header = unsafe { object::header(word.address()) };
            if header.layout() != ObjectLayout::Selector || depth == 0 {
                return None;
            }
            // SAFETY: the object is a selector, which has not moved, or it had another header.
            word = unsafe { self.select(word.address(), depth - 1)? };
        }
        word.has_object().then_some(word)
    }

    /// Follows indirections.
    ///
    /// # Safety
    /// As for [`Collection::evaluated`].
    unsafe fn resolved(&self, mut word: Word) -> Word {
        while word.is_thunk()
            // SAFETY: a thunk's object is live.
            && unsafe { object::header(word.address()) }.layout() == ObjectLayout::Indirection
        {
            // SAFETY: an indirection has its value at index 0.
            word = unsafe { object::load(word.address(), 0) };
        }
        word
    }

    fn mark_frozen<M: CodeMarker + ?Sized>(&mut self, word: Word, marker: &mut M) {
        self.keep_frozen(word.address());
        if self.is_full() && matches!(word.kind(), WordKind::Law | WordKind::Pin) {
            marker.mark_frozen(word);
        }
    }

    fn relocate<M: CodeMarker + ?Sized>(
        &mut self,
        address: usize,
        header: ObjectHeader,
        marker: &mut M,
    ) -> usize {
        if self.is_full() && header.layout() == ObjectLayout::Pin {
            // SAFETY: the object is a pin that has not moved.
            let copy = unsafe { object::load_raw(address, PIN_FROZEN) } as usize;
            // SAFETY: as above.
            if is_frozen(copy) && unsafe { is_replaceable(address) } {
                // SAFETY: as above.
                unsafe { object::set_header(address, ObjectHeader::moved(copy)) };
                self.mark_frozen(Word::object(WordKind::Pin, copy), marker);
                return copy;
            }
            // A later collection may replace the pin by the copy.
            self.keep_frozen(copy);
        }
        let new = self.copy_object(address, header);
        if header.has_mark() {
            // SAFETY: the object has just moved.
            unsafe { self.move_ownership((address, new), header) };
        }
        new
    }

    /// Moves an object. Its header is copied but for the bit of the remembered set.
    #[inline(always)]
    pub(super) fn copy_object(&mut self, address: usize, header: ObjectHeader) -> usize {
        let size = header.size();
        let survivor = match &mut self.scope {
            CollectionScope::Nursery(nursery) => {
                let stays = self.keeps_pending && header.layout().is_pending();
                nursery.allocate_survivor(address, 1 + size, stays)
            }
            CollectionScope::Full(_) => None,
        };
        let new = survivor.unwrap_or_else(|| self.to.take(1 + size));
        // SAFETY: the object has not moved, and the words at `new` have just been allocated.
        unsafe { object::relocate(address, new, size) };
        if header.is_remembered() {
            // SAFETY: the object at `new` has just been written.
            unsafe { object::set_header(new, header.with_remembered(false)) };
        }
        // SAFETY: the object's memory is not freed before the collection ends.
        unsafe { object::set_header(address, ObjectHeader::moved(new)) };
        self.copied += 1 + size as u64;
        if self.is_full() && header.layout() == ObjectLayout::BarView {
            // SAFETY: the view has just been copied.
            unsafe { self.detach_view(new) };
        }
        new
    }

    /// Visits the values of an object in a range of payload indices. Returns whether one of them is
    /// young afterwards.
    ///
    /// # Safety
    /// The address is that of a live object, whose layout has values in the range.
    #[inline(always)]
    unsafe fn scan<M: CodeMarker + ?Sized>(
        &mut self,
        address: usize,
        values: Range<usize>,
        marker: &mut M,
    ) -> bool {
        self.scanned += values.len() as u64;
        let mut has_young = false;
        for index in values {
            // SAFETY: by its layout, the payload has a value at that index.
            let mut word = unsafe { object::load(address, index) };
            has_young |= self.visit_root(&mut word, marker);
            // SAFETY: as above.
            unsafe { object::store_raw(address, index, word.raw()) };
        }
        has_young
    }

    /// Visits the values of an old object, and remembers the object, or the cards of a large one,
    /// where one of them is young afterwards.
    ///
    /// # Safety
    /// The address is that of a live object in old space.
    pub(super) unsafe fn scan_old<M: CodeMarker + ?Sized>(
        &mut self,
        address: usize,
        marker: &mut M,
    ) {
        // SAFETY: by this function's contract.
        let header = unsafe { object::header(address) };
        // SAFETY: as above.
        unsafe { self.number_new_parts(address, header) };
        let values = header.layout().values(header.size());
        let is_remembered = if is_scanned_by_cards(header) {
            for card in cards_of(&values) {
                // SAFETY: by this function's contract, and `cards_of` returns parts of the range.
                unsafe { self.scan_card(address, card, marker) };
            }
            false
        } else {
            // SAFETY: as above.
            unsafe { self.scan(address, values, marker) }
        };
        if is_remembered != header.is_remembered() {
            // SAFETY: as above.
            unsafe { object::set_header(address, header.with_remembered(is_remembered)) };
        }
        if is_remembered {
            self.remembered.add_object(address);
        }
    }

    /// Visits the values on one card of an old object, and remembers the card if one of them is
    /// young afterwards.
    ///
    /// # Safety
    /// The address is that of a live object in old space, whose layout has values in the range.
    unsafe fn scan_card<M: CodeMarker + ?Sized>(
        &mut self,
        address: usize,
        values: Range<usize>,
        marker: &mut M,
    ) {
        let first = values.start;
        // SAFETY: by this function's contract.
        if unsafe { self.scan(address, values, marker) } {
            self.remembered.add_card(address, first);
        }
    }

    /// Visits the values of the remembered objects and cards.
    ///
    /// # Safety
    /// They are those of the heap's set when the collection began.
    pub(super) unsafe fn scan_remembered<M: CodeMarker + ?Sized>(
        &mut self,
        remembered: RememberedParts,
        marker: &mut M,
    ) {
        for address in remembered.objects {
            // SAFETY: the set holds live objects in old space.
            unsafe { self.scan_old(address, marker) };
        }
        for (address, card) in remembered.cards {
            // SAFETY: as above.
            let header = unsafe { object::header(address) };
            let values = values_on_card(&header.layout().values(header.size()), card);
            // SAFETY: as above; the range is a part of the values.
            unsafe { self.scan_card(address, values, marker) };
        }
    }

    /// Visits the values of all objects that have been copied since the cursors were taken.
    ///
    /// # Safety
    /// The cursors were taken when the collection began, or come from an earlier call.
    pub(super) unsafe fn scan_arrived<M: CodeMarker + ?Sized>(
        &mut self,
        survivors: &mut usize,
        old: &mut ScanCursor,
        marker: &mut M,
    ) {
        loop {
            self.keeps_pending = true;
            while let CollectionScope::Nursery(nursery) = &self.scope
                && *survivors < nursery.frontier()
            {
                // SAFETY: objects are contiguous from the first survivor to the frontier.
                let header = unsafe { object::header(*survivors) };
                // SAFETY: as above.
                unsafe { self.number_new_parts(*survivors, header) };
                let values = header.layout().values(header.size());
                // SAFETY: as above.
                unsafe { self.scan(*survivors, values, marker) };
                *survivors += 8 * (1 + header.size());
            }
            self.keeps_pending = false;
            let Some(address) = self.to.at(old) else { return };
            // SAFETY: objects are contiguous from the cursor to the end of old space.
            let size = unsafe { object::header(address) }.size();
            // SAFETY: as above.
            unsafe { self.scan_old(address, marker) };
            old.step(1 + size);
        }
    }
}

/// Whether a pin may be replaced by its frozen copy. The pin of a law that may have run on this
/// heap may not: frames that run the law keep its code alive through the law.
///
/// # Safety
/// The address is that of a pin that was live when the collection began and has not moved.
unsafe fn is_replaceable(pin: usize) -> bool {
    // SAFETY: a pin has its item at index 0.
    let item = unsafe { object::load(pin, 0) };
    if item.kind() != WordKind::Law {
        return true;
    }
    // SAFETY: the law was live when the collection began, and may have moved since.
    !is_frozen(item.address()) && unsafe { object::load_moved(item.address(), LAW_CODE) } == 0
}
