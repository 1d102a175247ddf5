//! Which code the frozen laws that ran on a heap were decoded to.
//!
//! A law of the heap names its code itself; a frozen one cannot be written to and is shared by all
//! heaps, so its code is found by its address: in a small cache with one place for each address, and
//! behind that in a table.
//!
//! Code is kept while something on the heap or stack, or code that is kept, refers to the law or
//! its pin, and as long as the law has run since the full collection before. What the cache
//! holds has run since the last one, because a full collection empties it.

use crate::pools::PoolId;
use plan::Map;
use plan::pinspace::RECORD_WORDS;
use plan::raw::{Kind, Word};
use std::cell::Cell;

/// Places in the cache: 16 KiB.
const CACHE_SLOTS: usize = 1 << 10;

/// The code of a frozen law.
struct FrozenCode {
    slot: Word,
    /// Whether it was looked up since the last full collection.
    used: Cell<bool>,
}

/// The codes of frozen laws, by the laws' addresses.
pub(crate) struct FrozenCodes {
    cache: Box<[Cell<(usize, Word)>; CACHE_SLOTS]>,
    table: Map<usize, FrozenCode>,
}

impl Default for FrozenCodes {
    fn default() -> FrozenCodes {
        let cache = Box::new([const { Cell::new(EMPTY_SLOT) }; CACHE_SLOTS]);
        FrozenCodes { cache, table: Map::default() }
    }
}

/// A place of the cache that no law has.
const EMPTY_SLOT: (usize, Word) = (0, Word::ZERO);

impl FrozenCodes {
    fn cache_slot(&self, law: usize) -> &Cell<(usize, Word)> {
        &self.cache[(law >> 3 ^ law >> 13) % CACHE_SLOTS]
    }

    /// The code of a law, if it is a frozen one and has been decoded.
    #[inline(always)]
    pub(super) fn get(&self, law: Word) -> Option<Word> {
        let (address, slot) = self.cache_slot(law.address()).get();
        if address == law.address() { Some(slot) } else { self.look_up(law.address()) }
    }

    #[cold]
    fn look_up(&self, law: usize) -> Option<Word> {
        let entry = self.table.get(&law)?;
        entry.used.set(true);
        self.cache_slot(law).set((law, entry.slot));
        Some(entry.slot)
    }

    pub(super) fn set(&mut self, law: Word, slot: Word) {
        self.table.insert(law.address(), FrozenCode { slot, used: Cell::new(true) });
    }

    /// The pool of the law that a frozen word is or pins, if it has code.
    pub(super) fn pool_of(&self, word: Word) -> Option<PoolId> {
        let law = match word.kind() {
            Kind::Law => word.address(),
            // What is pinned comes first in the record, which is not read for this.
            Kind::Pin => word.address() + 8 * RECORD_WORDS,
            _ => return None,
        };
        self.table.get(&law).map(|entry| pool(entry.slot))
    }

    /// Begins a full collection: the pools of the laws that have run since the one before.
    pub(super) fn take_used(&mut self) -> Vec<PoolId> {
        self.cache.iter().for_each(|slot| slot.set(EMPTY_SLOT));
        let used = self.table.values().filter(|entry| entry.used.replace(false));
        used.map(|entry| pool(entry.slot)).collect()
    }

    /// Ends a full collection: forgets the laws whose code was dropped.
    pub(super) fn retain(&mut self, is_live: impl Fn(PoolId) -> bool) {
        self.table.retain(|_, entry| is_live(pool(entry.slot)));
    }

    /// The addresses of the laws that have code.
    pub(super) fn laws(&self) -> impl Iterator<Item = usize> {
        self.table.keys().copied()
    }
}

fn pool(slot: Word) -> PoolId {
    PoolId(slot.code_parts().0)
}
