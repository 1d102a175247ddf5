//! The nursery: where objects are born, and spend their youth.
//!
//! ```text
//! base                                   eden's end            end
//! +---------------------------------------+----------+----------+
//! | eden: objects are allocated here      | survivors| survivors|
//! +---------------------------------------+----------+----------+
//! ```
//!
//! What is still reachable when eden is full moves to one of two spaces for *survivors*; what was in
//! the other, and so lives through its second collection, moves to old space. So does what survivors
//! have no room for. An object that is old keeps all it points to, though it may be dead itself:
//! had every thunk that happens to be waiting at a collection become old at once, its value
//! would be copied in the next, with all that hangs on it, long after the last use of either.
//!
//! The parts are one piece of memory, so that one comparison tells young objects from old ones.

use super::space::{Block, BumpRegion};

/// Eden is so many times as large as one of the spaces for survivors.
const EDEN_RATIO: usize = 8;

/// The nursery. See the module's overview.
pub(crate) struct Nursery {
    /// What the addresses below are in.
    _memory: Block,
    /// The whole begins where this does.
    eden: BumpRegion,
    /// The address after the last word.
    end: usize,
    /// Where survivors of the last collection begin, and end.
    survivors: [usize; 2],
    /// Where those of the next one begin, and how far there is room for them.
    free: [usize; 2],
}

/// Where compiled code finds the address of the next object, and the ends of the whole.
pub(crate) const NEXT_OFFSET: usize = std::mem::offset_of!(Nursery, eden.next);
pub(crate) const BASE_OFFSET: usize = std::mem::offset_of!(Nursery, eden.base);
pub(crate) const END_OFFSET: usize = std::mem::offset_of!(Nursery, end);

impl Nursery {
    /// A nursery whose eden has so many words.
    pub(crate) fn new(words: usize) -> Nursery {
        let half = words / EDEN_RATIO;
        let memory = Block::in_large_pages(words + 2 * half);
        let [base, eden_end, middle] = [0, words, words + half].map(|at| memory.address(at));
        let end = memory.end();
        let (survivors, free) = ([eden_end, eden_end], [middle, end]);
        Nursery { _memory: memory, eden: BumpRegion::new(base, eden_end), end, survivors, free }
    }

    /// Room for `words` words in eden, or nothing if it has less.
    #[inline(always)]
    pub(crate) fn take(&mut self, words: usize) -> Option<usize> {
        self.eden.take(words)
    }

    /// Takes back the last `words` words that were handed out, if they end at that address.
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

    /// Words that eden has.
    pub(crate) fn capacity(&self) -> usize {
        (self.eden.end - self.eden.base) / 8
    }

    /// Words that were allocated in eden since it was last emptied.
    pub(crate) fn allocated(&self) -> usize {
        self.eden.used()
    }

    /// Words in use.
    pub(crate) fn used(&self) -> usize {
        self.allocated() + (self.survivors[1] - self.survivors[0]) / 8
    }

    /// The address after eden's last word.
    pub(crate) fn eden_end(&self) -> usize {
        self.eden.end
    }

    /// Whether there is an object at that address, or was before the collection under way: a
    /// check for addresses in the nursery.
    #[cfg(debug_assertions)]
    pub(crate) fn is_in_use(&self, address: usize) -> bool {
        let [from, to] = self.survivors;
        (self.eden.base..self.eden.next).contains(&address) || (from..to).contains(&address)
    }

    /// Forgets everything in it.
    pub(crate) fn clear(&mut self) {
        self.eden.next = self.eden.base;
        self.survivors[1] = self.survivors[0];
    }
}

/// The nursery while it is being collected.
pub(crate) struct NurseryEvacuation<'n> {
    nursery: &'n mut Nursery,
    /// Where survivors go.
    to_space: BumpRegion,
}

impl Nursery {
    /// Begins a collection, in which survivors are given new places.
    pub(crate) fn begin_evacuation(&mut self) -> NurseryEvacuation<'_> {
        let [start, end] = self.free;
        NurseryEvacuation { nursery: self, to_space: BumpRegion::new(start, end) }
    }
}

impl NurseryEvacuation<'_> {
    /// Whether an object is young.
    #[inline(always)]
    pub(crate) fn is_young(&self, address: usize) -> bool {
        self.nursery.contains(address)
    }

    /// Whether an object lies where none is to stay.
    #[inline(always)]
    pub(crate) fn must_move(&self, address: usize) -> bool {
        let [start, end] = self.nursery.free;
        self.nursery.contains(address) && !(start..end).contains(&address)
    }

    /// A place for an object that is found at that address to have survived; nothing, if it is to
    /// become old.
    #[inline(always)]
    pub(crate) fn allocate_survivor(&mut self, address: usize, words: usize) -> Option<usize> {
        if address >= self.nursery.eden.end { None } else { self.to_space.take(words) }
    }

    /// The address of the first survivor.
    pub(crate) fn first(&self) -> usize {
        self.to_space.base
    }

    /// The address after the last survivor.
    pub(crate) fn frontier(&self) -> usize {
        self.to_space.next
    }

    /// Ends the collection: eden is empty, and survivors are where they were given a place.
    pub(crate) fn finish(self) {
        let NurseryEvacuation { nursery, to_space } = self;
        let left = nursery.survivors[0];
        let half = to_space.end - to_space.base;
        nursery.eden.next = nursery.eden.base;
        nursery.survivors = [to_space.base, to_space.next];
        nursery.free = [left, left + half];
    }
}
