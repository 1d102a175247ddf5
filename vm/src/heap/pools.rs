//! Constant pools: the values that decoded laws refer to.
//!
//! A law's decoded code lives outside the heap, so that it does not move while it runs; the values
//! it mentions are kept here, where the collector finds and rewrites them. A pool lives as long as
//! a law or thunk names it, or it is on the stack of running code.

use super::frozen::FrozenCodes;
use super::object::{self, Layout};
use crate::word::Word;

/// Names a pool, and with it the decoded code it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PoolId(pub(crate) u32);

#[derive(Default)]
struct Pool {
    constants: Vec<Word>,
    live: bool,
    marked: bool,
}

/// All pools of a heap.
#[derive(Default)]
pub(crate) struct Pools {
    pools: Vec<Pool>,
    free: Vec<u32>,
    /// The pools of compiled code, which is never dropped, and of what it was decoded to before.
    forever: Vec<u32>,
    /// Pools made since the last collection: the only ones that can hold young values.
    young: Vec<u32>,
    /// Pools marked in this collection whose constants have not been looked at.
    pending: Vec<u32>,
    frozen: FrozenCodes,
}

impl Pools {
    /// A new pool. It must be named by something reachable before the next collection.
    pub(crate) fn add(&mut self, constants: Vec<Word>) -> PoolId {
        self.insert(Pool { constants, live: true, ..Pool::default() })
    }

    /// A new pool for compiled code. It lives as long as the heap, and its words stay where they are:
    /// their address is returned.
    pub(crate) fn add_forever(&mut self, constants: Vec<Word>) -> *const Word {
        let id = self.insert(Pool { constants, live: true, ..Pool::default() });
        self.keep(id);
        self.pools[id.0 as usize].constants.as_ptr()
    }

    /// Keeps a pool as long as the heap lives.
    pub(crate) fn keep(&mut self, id: PoolId) {
        self.forever.push(id.0);
    }

    fn insert(&mut self, pool: Pool) -> PoolId {
        let id = match self.free.pop() {
            Some(id) => {
                self.pools[id as usize] = pool;
                id
            }
            None => {
                self.pools.push(pool);
                self.pools.len() as u32 - 1
            }
        };
        self.young.push(id);
        PoolId(id)
    }

    /// Where a pool's constants are for as long as it lives: they are only ever rewritten in place.
    pub(crate) fn constants(&self, id: PoolId) -> *const Word {
        self.pools[id.0 as usize].constants.as_ptr()
    }

    #[cfg(test)]
    pub(crate) fn constant(&self, id: PoolId, index: u32) -> Word {
        self.pools[id.0 as usize].constants[index as usize]
    }

    /// The constants that may be young.
    pub(crate) fn young_constants(&mut self) -> impl Iterator<Item = &mut Word> {
        let ids = std::mem::take(&mut self.young);
        let mut is_young = vec![false; self.pools.len()];
        for id in ids {
            is_young[id as usize] = true;
        }
        self.pools
            .iter_mut()
            .zip(is_young)
            .filter(|(pool, young)| *young && pool.live)
            .flat_map(|(pool, _)| pool.constants.iter_mut())
    }

    /// Notes that something reachable names the pool.
    pub(crate) fn mark(&mut self, id: PoolId) {
        let pool = &mut self.pools[id.0 as usize];
        if !pool.marked {
            pool.marked = true;
            self.pending.push(id.0);
        }
    }

    /// The code of a frozen law that has been decoded. None for a law of the heap, which names its
    /// code itself.
    #[inline(always)]
    pub(crate) fn code_of_frozen(&self, law: Word) -> Option<Word> {
        self.frozen.get(law)
    }

    /// Notes the code of a frozen law.
    pub(crate) fn set_code_of_frozen(&mut self, law: Word, slot: Word) {
        self.frozen.set(law, slot);
    }

    /// Begins a full collection.
    pub(crate) fn begin(&mut self) {
        for pool in self.frozen.take_used() {
            self.mark(pool);
        }
        for index in 0..self.forever.len() {
            self.mark(PoolId(self.forever[index]));
        }
    }

    /// Notes that something reachable names a frozen object.
    pub(crate) fn mark_frozen(&mut self, word: Word) {
        self.frozen.note(word.address());
        if let Some(pool) = self.frozen.pool_of(word) {
            self.mark(pool);
        }
    }

    /// Notes the twin of a pin that stays on the heap: another collection may take it.
    pub(crate) fn note_twin(&mut self, address: usize, layout: Layout) {
        if layout == Layout::Pin {
            self.frozen.note(object::load_raw(address, crate::pin::TWIN) as usize);
        }
    }

    /// The slots that something reachable points into, as of the last full collection.
    pub(crate) fn slots_seen(&self) -> impl Iterator<Item = usize> {
        self.frozen.slots_seen()
    }

    /// Takes the constants of a marked pool that has not been looked at, to be handed back.
    pub(crate) fn next_marked(&mut self) -> Option<(PoolId, Vec<Word>)> {
        let id = self.pending.pop()?;
        Some((PoolId(id), std::mem::take(&mut self.pools[id as usize].constants)))
    }

    /// Hands back constants that [`Pools::next_marked`] took.
    pub(crate) fn put_back(&mut self, id: PoolId, constants: Vec<Word>) {
        self.pools[id.0 as usize].constants = constants;
    }

    /// Ends a full collection: drops the pools that were not marked and tells which.
    pub(crate) fn sweep(&mut self) -> Vec<PoolId> {
        self.young.clear();
        let mut dead = Vec::new();
        for (id, pool) in self.pools.iter_mut().enumerate() {
            if pool.live && !pool.marked {
                *pool = Pool::default();
                self.free.push(id as u32);
                dead.push(PoolId(id as u32));
            }
            pool.marked = false;
        }
        let pools = &self.pools;
        self.frozen.retain(|id| pools[id.0 as usize].live);
        dead
    }
}
