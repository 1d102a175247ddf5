//! Constant pools: the values that decoded laws refer to.
//!
//! A law's decoded code lives outside the heap, so that it does not move while it runs; the values
//! it mentions are kept here, where the collector finds and rewrites them. A pool lives as long as
//! a law or thunk names it, or it is on the stack of running code.
//!
//! The constants of a law's compiled code are a pool of their own, tied to the pool of the decoded
//! code: they live and die together, and with them the machine code. That is named by words that are
//! its address (of a law's slot, of a thunk's code) and by return addresses on the native stack. When
//! a pool dies, its *entry*, the cell in which the address of the machine code appears, is set to 0 at
//! once: so other code that looks there finds none.

use crate::frozen_codes::FrozenCodes;
use crate::native::CodeEntry;
use plan::raw::{Collection, Word};

/// Names a pool, and with it the decoded code it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PoolId(pub(crate) u32);

/// What one pool, and the code that goes with it, is reckoned to take.
const POOL_WEIGHT: usize = 128;

#[derive(Default)]
struct Pool {
    constants: Vec<Word>,
    /// The pools that live as long as this one: of the constants of the compiled code, if there is any.
    tied: Vec<PoolId>,
    live: bool,
    marked: bool,
}

/// All pools of a heap.
#[derive(Default)]
pub(crate) struct Pools {
    pools: Vec<Pool>,
    free: Vec<u32>,
    /// The pool of constants for compiled code that was made last and is tied to none yet.
    untied: Option<PoolId>,
    /// Where the addresses of compiled code appear, and the pools of what it was decoded to before.
    entries: Vec<(CodeEntry, PoolId)>,
    /// While a full collection runs: the addresses that had appeared when it began, ascending.
    compiled: Vec<(usize, PoolId)>,
    /// Pools that may hold young values.
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

    /// A new pool for compiled code, which [`Pools::tie_compiled`] is to tie to another before the next
    /// collection. Its words stay where they are: their address is returned.
    pub(crate) fn add_untied(&mut self, constants: Vec<Word>) -> *const Word {
        let id = self.add(constants);
        self.untied = Some(id);
        self.constants(id)
    }

    /// Ties the pool made last for compiled code to that of the decoded code of the same law, whose
    /// compiled code will be published in the entry; without a law it is dropped.
    pub(crate) fn tie_compiled(&mut self, law: Option<(PoolId, CodeEntry)>) {
        if let (Some(id), Some((to, entry))) = (self.untied.take(), law) {
            self.tie(to, id);
            self.entries.push((entry, to));
        }
    }

    /// Has a pool live as long as another.
    pub(crate) fn tie(&mut self, to: PoolId, id: PoolId) {
        self.pools[to.0 as usize].tied.push(id);
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

    /// In a young collection: visits the constants that may be young.
    pub(crate) fn visit_young(&mut self, collection: &mut Collection<'_>) {
        let mut young = std::mem::take(&mut self.young);
        young.retain(|id| {
            let mut constants = std::mem::take(&mut self.pools[*id as usize].constants);
            let mut has_young = false;
            for word in &mut constants {
                has_young |= collection.visit_root(word, self);
            }
            self.pools[*id as usize].constants = constants;
            has_young
        });
        self.young = young;
    }

    /// The words that the pools and the code that goes with them may take, more or less: they are let
    /// go by full collections, and so count when it comes to having one.
    pub(crate) fn weight(&self) -> usize {
        POOL_WEIGHT * (self.pools.len() - self.free.len())
    }

    /// Notes that something reachable names the pool.
    pub(crate) fn mark(&mut self, id: PoolId) {
        let pool = &mut self.pools[id.0 as usize];
        if pool.marked {
            return;
        }
        pool.marked = true;
        self.pending.push(id.0);
        for index in 0..self.pools[id.0 as usize].tied.len() {
            self.mark(self.pools[id.0 as usize].tied[index]);
        }
    }

    /// Notes that something reachable names an address in compiled code. One that lies in no such
    /// code keeps some code that could be dropped, and does no harm.
    pub(crate) fn mark_compiled(&mut self, address: usize) {
        let after = self.compiled.partition_point(|(start, _)| *start <= address);
        if let Some((_, pool)) = after.checked_sub(1).map(|index| self.compiled[index]) {
            self.mark(pool);
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
        let published = self.entries.iter();
        self.compiled =
            published.filter_map(|(entry, pool)| Some((entry.address()?, *pool))).collect();
        self.compiled.sort_unstable_by_key(|(address, _)| *address);
        self.untied = None;
    }

    /// Notes that something reachable names a frozen law, or the pin of one.
    pub(crate) fn mark_frozen(&mut self, word: Word) {
        if let Some(pool) = self.frozen.pool_of(word) {
            self.mark(pool);
        }
    }

    /// The addresses of the frozen laws that have code.
    pub(crate) fn frozen_laws(&self) -> impl Iterator<Item = usize> {
        self.frozen.laws()
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

    /// Ends a full collection: drops the pools that were not marked and tells which, and at which
    /// entries the code went that was compiled for them.
    pub(crate) fn sweep(&mut self) -> (Vec<PoolId>, Vec<CodeEntry>) {
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
        let is_live = |id: PoolId| pools[id.0 as usize].live;
        let lost = self.entries.extract_if(.., |(_, id)| !is_live(*id)).map(|(entry, _)| entry);
        let lost: Vec<CodeEntry> = lost.collect();
        lost.iter().for_each(CodeEntry::clear);
        (dead, lost)
    }
}
