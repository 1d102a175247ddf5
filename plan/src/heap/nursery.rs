//! The nursery: the young generation, in which objects are allocated.
//!
//! ```text
//! base                                   eden's end            end
//! +---------------------------------------+----------+----------+
//! | eden: objects are allocated here      | survivors| survivors|
//! +---------------------------------------+----------+----------+
//! ```
//!
//! When eden is full, reachable objects in it move to one of two spaces for *survivors*; those in
//! the other, which survive their second collection, move to old space. So do survivors that the
//! space has no room for. An old object keeps everything that it points to alive, though it may be
//! dead itself. If every pending thunk became old at its first collection, the next collection
//! would copy its value, and all that the value refers to, long after the last use of either. For
//! the same reason a pending thunk that is reached through a survivor stays a survivor, as long as
//! such thunks are few: where each row of a table is computed from thunks of the row before, one old
//! thunk would keep all rows after it. One that an old object or a root refers to becomes old: the
//! object may be dead, and the parts of a deep stack without young values need not be visited.
//!
//! All three parts are contiguous, so that one comparison tells young objects from old ones.

use super::space::{BumpRegion, MemoryBlock};
use crate::layout::EXTRA_MAX;

/// The size of eden divided by that of one survivor space.
const EDEN_RATIO: usize = 8;

/// The size of a survivor space divided by the part that pending thunks may stay in: each collection
/// copies them again.
const PENDING_RATIO: usize = 4;

/// Returns the number of words that a unit of the marks of owners stands for in an eden of that many
/// words: 1 unless it is larger than 4 MB.
fn mark_unit(eden_words: usize) -> usize {
    eden_words.div_ceil(EXTRA_MAX as usize / 2).next_power_of_two()
}

/// The nursery. See the module documentation.
pub(crate) struct Nursery {
    /// The memory that all addresses below are in.
    _memory: MemoryBlock,
    /// The part of eden in which objects are allocated, at the start of the nursery: all of it, or
    /// up to the next sample of a profile.
    eden: BumpRegion,
    /// The address after eden's last word.
    eden_end: usize,
    /// The address after the nursery's last word.
    end: usize,
    /// The logarithm of the number of words that a unit of the marks of owners stands for.
    mark_unit_log2: u32,
    /// The start and the end of the survivors of the last collection.
    survivors: [usize; 2],
    /// The start and the end of the survivor space that the next collection fills.
    free: [usize; 2],
}

/// The byte offsets in [`Nursery`] of the address of the next object and of the nursery's bounds,
/// for compiled code.
pub(crate) const NEXT_OFFSET: usize = std::mem::offset_of!(Nursery, eden.next);
pub(crate) const BASE_OFFSET: usize = std::mem::offset_of!(Nursery, eden.base);
pub(crate) const END_OFFSET: usize = std::mem::offset_of!(Nursery, end);

impl Nursery {
    /// Allocates a nursery whose eden has `words` words.
    pub(crate) fn new(words: usize) -> Nursery {
        let half = words / EDEN_RATIO;
        let memory = MemoryBlock::in_large_pages(words + 2 * half);
        let [base, eden_end, middle] = [0, words, words + half].map(|at| memory.address(at));
        let end = memory.end();
        let (survivors, free) = ([eden_end, eden_end], [middle, end]);
        Nursery {
            _memory: memory,
            eden: BumpRegion::new(base, eden_end),
            eden_end,
            end,
            mark_unit_log2: mark_unit(words).trailing_zeros(),
            survivors,
            free,
        }
    }

    /// Allocates `words` words in eden; `None` if it has fewer.
    #[inline(always)]
    pub(crate) fn take(&mut self, words: usize) -> Option<usize> {
        self.eden.take(words)
    }

    /// Takes back the last `words` allocated words, if they end at address `end`. Returns whether
    /// they do.
    #[inline(always)]
    pub(crate) fn give_back(&mut self, end: usize, words: usize) -> bool {
        self.eden.give_back(end, words)
    }

    #[inline(always)]
    pub(crate) fn has_room(&self, words: usize) -> bool {
        self.eden.has_room(words)
    }

    /// Whether an object is young.
    #[inline(always)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.eden.base) < self.end - self.eden.base
    }

    /// Whether an object is in eden: allocated since the last collection.
    #[inline(always)]
    pub(crate) fn is_in_eden(&self, address: usize) -> bool {
        address.wrapping_sub(self.eden.base) < self.eden_end - self.eden.base
    }

    /// Returns the address of eden's first word.
    pub(crate) fn eden_start(&self) -> usize {
        self.eden.base
    }

    /// Returns the address of the next object.
    pub(crate) fn next(&self) -> usize {
        self.eden.next
    }

    /// Returns the number of words that a unit of the marks of owners stands for, a power of two.
    #[inline(always)]
    pub(crate) fn mark_unit(&self) -> usize {
        1 << self.mark_unit_log2
    }

    /// Returns the number of units of marks that have that many words at least.
    #[inline(always)]
    pub(crate) fn mark_units(&self, words: usize) -> usize {
        (words + self.mark_unit() - 1) >> self.mark_unit_log2
    }

    /// Returns the number of words in eden.
    pub(crate) fn capacity(&self) -> usize {
        (self.eden_end - self.eden.base) / 8
    }

    /// Returns the number of words allocated in eden since the last collection.
    pub(crate) fn allocated(&self) -> usize {
        self.eden.used()
    }

    /// Returns the number of words in use.
    pub(crate) fn used(&self) -> usize {
        self.allocated() + (self.survivors[1] - self.survivors[0]) / 8
    }

    /// Returns the address up to which objects are allocated.
    pub(crate) fn free_end(&self) -> usize {
        self.eden.end
    }

    /// Has the free part of eden end `words` words after the next object, or at eden's end if that
    /// comes first.
    pub(crate) fn limit_eden(&mut self, words: usize) {
        let free = (self.eden_end - self.eden.next) / 8;
        self.eden.end = self.eden.next + 8 * words.min(free);
    }

    /// Whether an address in the nursery belongs to an object, or did so before the running
    /// collection. For checks only.
    #[cfg(debug_assertions)]
    pub(crate) fn is_in_use(&self, address: usize) -> bool {
        let [from, to] = self.survivors;
        (self.eden.base..self.eden.next).contains(&address) || (from..to).contains(&address)
    }

    /// Empties the nursery.
    pub(crate) fn clear(&mut self) {
        self.eden.next = self.eden.base;
        self.survivors[1] = self.survivors[0];
    }
}

/// The nursery during a collection.
pub(crate) struct NurseryEvacuation<'n> {
    nursery: &'n mut Nursery,
    /// The survivor space that is being filled.
    to_space: BumpRegion,
    /// The number of words in it that are left for objects that have survived before.
    room_for_pending: usize,
}

impl Nursery {
    /// Begins a collection, which evacuates eden and the survivors. If it does not keep survivors,
    /// everything becomes old.
    pub(crate) fn begin_evacuation(&mut self, keeps_survivors: bool) -> NurseryEvacuation<'_> {
        let [start, end] = self.free;
        let end = if keeps_survivors { end } else { start };
        let room_for_pending = (end - start) / 8 / PENDING_RATIO;
        NurseryEvacuation { nursery: self, to_space: BumpRegion::new(start, end), room_for_pending }
    }
}

impl NurseryEvacuation<'_> {
    /// Whether an object is young.
    #[inline(always)]
    pub(crate) fn is_young(&self, address: usize) -> bool {
        self.nursery.contains(address)
    }

    /// Whether an object is in eden.
    #[inline(always)]
    pub(crate) fn is_in_eden(&self, address: usize) -> bool {
        self.nursery.is_in_eden(address)
    }

    /// Returns the address of eden's first word, and the number of words that a unit of the marks of
    /// owners stands for.
    pub(crate) fn eden(&self) -> (usize, usize) {
        (self.nursery.eden_start(), self.nursery.mark_unit())
    }

    /// Whether an object is in the part that is being evacuated.
    #[inline(always)]
    pub(crate) fn must_move(&self, address: usize) -> bool {
        let [start, end] = self.nursery.free;
        self.nursery.contains(address) && !(start..end).contains(&address)
    }

    /// Allocates the new words of the object at that address, in the survivor space. `None` if the
    /// object becomes old: because it is a survivor already and no pending thunk, or the space has no
    /// room.
    #[inline(always)]
    pub(crate) fn allocate_survivor(
        &mut self,
        address: usize,
        words: usize,
        is_pending: bool,
    ) -> Option<usize> {
        if address >= self.nursery.eden_end {
            let left = self.room_for_pending.checked_sub(words).filter(|_| is_pending)?;
            self.room_for_pending = left;
        }
        self.to_space.take(words)
    }

    /// Returns the address of the first survivor.
    pub(crate) fn first(&self) -> usize {
        self.to_space.base
    }

    /// Returns the address after the last survivor.
    pub(crate) fn frontier(&self) -> usize {
        self.to_space.next
    }

    /// Ends the collection: eden is empty, and the two survivor spaces change roles.
    pub(crate) fn finish(self) {
        let NurseryEvacuation { nursery, to_space, .. } = self;
        let left = nursery.survivors[0];
        let half = nursery.free[1] - nursery.free[0];
        nursery.eden.next = nursery.eden.base;
        nursery.survivors = [to_space.base, to_space.next];
        nursery.free = [left, left + half];
    }
}
