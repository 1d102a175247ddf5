//! [`FrozenCodes`]: the code words of the frozen laws that ran on a heap.
//!
//! A law of the heap holds its code word itself. A frozen law cannot be written to and is shared by
//! all heaps, so its code word is found by its address: in a small direct-mapped cache, and else in
//! a table.
//!
//! The code is kept while the heap, the stack or other live code refers to the law or its pin, and
//! also if the law has run since the previous full collection. Everything in the cache has, because
//! a full collection empties it.

use crate::pool_id::PoolId;
use plan::Map;
use plan::pinspace::RECORD_WORDS;
use plan::raw::{Word, WordKind};
use std::cell::Cell;

/// The number of slots of the cache, which takes 16 KiB.
const CACHE_SLOTS: usize = 1 << 10;

/// The code word of a frozen law.
struct FrozenCode {
    code_word: Word,
    /// Whether it was looked up since the last full collection.
    used: Cell<bool>,
}

/// The code words of frozen laws, by the laws' addresses.
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

/// An empty slot of the cache: no law has the address 0.
const EMPTY_SLOT: (usize, Word) = (0, Word::ZERO);

impl FrozenCodes {
    fn cache_slot(&self, law: usize) -> &Cell<(usize, Word)> {
        &self.cache[(law >> 3 ^ law >> 13) % CACHE_SLOTS]
    }

    /// The code word of a law, if it is frozen and has been decoded.
    #[inline(always)]
    pub(super) fn get(&self, law: Word) -> Option<Word> {
        let (address, code_word) = self.cache_slot(law.address()).get();
        if address == law.address() { Some(code_word) } else { self.look_up(law.address()) }
    }

    #[cold]
    fn look_up(&self, law: usize) -> Option<Word> {
        let entry = self.table.get(&law)?;
        entry.used.set(true);
        self.cache_slot(law).set((law, entry.code_word));
        Some(entry.code_word)
    }

    pub(super) fn set(&mut self, law: Word, code_word: Word) {
        self.table.insert(law.address(), FrozenCode { code_word, used: Cell::new(true) });
    }

    /// The pool of a frozen law, or of the law in a frozen pin, if it has code.
    pub(super) fn pool_of(&self, word: Word) -> Option<PoolId> {
        let law = match word.kind() {
            WordKind::Law => word.address(),
            // The item is the first object of the record, so its address needs no read.
            WordKind::Pin => word.address() + 8 * RECORD_WORDS,
            _ => return None,
        };
        self.table.get(&law).map(|entry| pool(entry.code_word))
    }

    /// Begins a full collection. Returns the pools of the laws that ran since the previous one.
    pub(super) fn take_used(&mut self) -> Vec<PoolId> {
        self.cache.iter().for_each(|slot| slot.set(EMPTY_SLOT));
        let used = self.table.values().filter(|entry| entry.used.replace(false));
        used.map(|entry| pool(entry.code_word)).collect()
    }

    /// Ends a full collection: removes the laws whose code was dropped.
    pub(super) fn retain(&mut self, is_live: impl Fn(PoolId) -> bool) {
        self.table.retain(|_, entry| is_live(pool(entry.code_word)));
    }

    /// The addresses of the laws that have code.
    pub(super) fn laws(&self) -> impl Iterator<Item = usize> {
        self.table.keys().copied()
    }
}

/// The pool that a code word refers to.
fn pool(code_word: Word) -> PoolId {
    PoolId(code_word.code_parts().0)
}
