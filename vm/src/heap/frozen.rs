//! Which code the frozen laws that ran on a heap were decoded to.
//!
//! A law of the heap names its code itself; a frozen one cannot be written to and is shared by all
//! heaps, so its code is found by its address: in a small cache with one place for each address, and
//! behind that in a table.
//!
//! Code is kept while something on the heap or stack, or code that is kept, refers to the law or
//! its pin, and as long as the law has run since the full collection before. What the cache
//! holds has run since the last one, because a full collection empties it.

use super::PoolId;
use super::object::{self, LAW_CODE, Layout};
use crate::pinspace::range::{self, SLOTS, is_frozen};
use crate::pinspace::record;
use crate::word::{Kind, Word};
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Places in the cache: 16 KiB.
const PLACES: usize = 1 << 10;

/// The code of a frozen law.
struct Entry {
    slot: Word,
    /// Whether it was looked up since the last full collection.
    used: Cell<bool>,
}

/// The codes of frozen laws, by the laws' addresses.
pub(crate) struct FrozenCodes {
    cache: Box<[Cell<(usize, Word)>; PLACES]>,
    table: HashMap<usize, Entry, BuildHasherDefault<Spread>>,
    /// The slots of the range that the last full collection found words into, a bit for each.
    seen: [u64; SLOTS / 64],
}

impl Default for FrozenCodes {
    fn default() -> FrozenCodes {
        let cache = Box::new([const { Cell::new(NOWHERE) }; PLACES]);
        FrozenCodes { cache, table: HashMap::default(), seen: [0; SLOTS / 64] }
    }
}

/// A place of the cache that no law has.
const NOWHERE: (usize, Word) = (0, Word::ZERO);

/// Hashes addresses, which differ in the middle.
#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        let mixed = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl FrozenCodes {
    fn place(&self, law: usize) -> &Cell<(usize, Word)> {
        &self.cache[(law >> 3 ^ law >> 13) % PLACES]
    }

    /// The code of a law, if it is a frozen one and has been decoded.
    #[inline(always)]
    pub(super) fn get(&self, law: Word) -> Option<Word> {
        let (address, slot) = self.place(law.address()).get();
        if address == law.address() { Some(slot) } else { self.look_up(law.address()) }
    }

    #[cold]
    fn look_up(&self, law: usize) -> Option<Word> {
        let entry = self.table.get(&law)?;
        entry.used.set(true);
        self.place(law).set((law, entry.slot));
        Some(entry.slot)
    }

    pub(super) fn set(&mut self, law: Word, slot: Word) {
        self.table.insert(law.address(), Entry { slot, used: Cell::new(true) });
    }

    /// The pool of the law that a frozen word is or pins, if it has code.
    pub(super) fn pool_of(&self, word: Word) -> Option<PoolId> {
        let law = match word.kind() {
            Kind::Law => word.address(),
            // What is pinned comes first in the record, which is not read for this.
            Kind::Pin => word.address() + 8 * record::LINE,
            _ => return None,
        };
        self.table.get(&law).map(|entry| pool(entry.slot))
    }

    /// Begins a full collection: the pools of the laws that have run since the one before.
    pub(super) fn take_used(&mut self) -> Vec<PoolId> {
        self.seen = [0; SLOTS / 64];
        self.cache.iter().for_each(|place| place.set(NOWHERE));
        let used = self.table.values().filter(|entry| entry.used.replace(false));
        used.map(|entry| pool(entry.slot)).collect()
    }

    /// Ends a full collection: forgets the laws whose code was dropped.
    pub(super) fn retain(&mut self, is_live: impl Fn(PoolId) -> bool) {
        self.table.retain(|_, entry| is_live(pool(entry.slot)));
        let laws: Vec<usize> = self.table.keys().copied().collect();
        laws.into_iter().for_each(|law| self.note(law));
    }

    /// Notes an address, if it is a frozen one, during a full collection.
    pub(super) fn note(&mut self, address: usize) {
        if is_frozen(address) {
            let slot = range::slot_of(address);
            self.seen[slot / 64] |= 1 << (slot % 64);
        }
    }

    /// The slots that the last full collection found words into.
    pub(super) fn slots_seen(&self) -> impl Iterator<Item = usize> {
        (0..SLOTS).filter(|slot| self.seen[slot / 64] >> (slot % 64) & 1 == 1)
    }
}

fn pool(slot: Word) -> PoolId {
    PoolId(slot.code_parts().0)
}

/// Where a pin of the heap has been frozen, for a full collection to take that instead.
///
/// None for the pin of a law that may have run here: frames that run it hold its code by way of the law.
#[inline(always)]
pub(super) fn twin(address: usize, layout: Layout) -> Option<usize> {
    if layout != Layout::Pin {
        return None;
    }
    let twin = object::load_raw(address, crate::pin::TWIN) as usize;
    if !is_frozen(twin) {
        return None;
    }
    let item = object::load(address, 0);
    // An object that has moved keeps its payload until the collection is over.
    let has_run = item.kind() == Kind::Law
        && (is_frozen(item.address()) || object::load_moved(item.address(), LAW_CODE) != 0);
    (!has_run).then_some(twin)
}
