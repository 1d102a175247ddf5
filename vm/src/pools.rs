//! [`Pools`]: the constants of code, as roots of the collector.
//!
//! A law's decoded code lives outside the heap, so that it does not move while it runs. Its
//! constants are kept in a pool here, where the collector finds and rewrites them. A pool is live
//! as long as a law, a thunk, or a frame on the stack refers to it by its number.
//!
//! The constants of a law's compiled code are a second pool, tied to the pool of the decoded code:
//! both are live or dead together, and so is the machine code. References to machine code are words
//! with its address (in a law's slot, in a thunk) and return addresses on the native stack. When a
//! pool dies, the collection clears its [`EntryCell`], so that other code does not find the machine
//! code any more.

use crate::frozen_codes::FrozenCodes;
use crate::native::EntryCell;
use crate::pool_id::PoolId;
use plan::raw::{Collection, Word};

/// The estimated size of a pool and its code, in words.
const POOL_WEIGHT: usize = 128;

/// The constants of a law's decoded or compiled code.
#[derive(Default)]
struct Pool {
    constants: Vec<Word>,
    /// The pools that are live if this one is: those of the law's compiled code.
    tied: Vec<PoolId>,
    live: bool,
    marked: bool,
}

/// All pools of a heap.
#[derive(Default)]
pub(crate) struct Pools {
    pools: Vec<Pool>,
    free: Vec<u32>,
    /// The latest pool for compiled code, until it is tied to another.
    untied: Option<PoolId>,
    /// The entries of compiled code, and the pools of the same laws' decoded code.
    entries: Vec<(EntryCell, PoolId)>,
    /// During a full collection: the code addresses that were published when it began, ascending.
    compiled: Vec<(usize, PoolId)>,
    /// Pools that may hold young values.
    young: Vec<u32>,
    /// Marked pools whose constants this collection has not visited yet.
    pending: Vec<u32>,
    frozen: FrozenCodes,
    /// Whether full collections keep pools that nothing refers to.
    keeps_all: bool,
}

impl Pools {
    /// Adds a pool. Something reachable must refer to it before the next collection.
    pub(crate) fn add(&mut self, constants: Vec<Word>) -> PoolId {
        self.insert(Pool { constants, live: true, ..Pool::default() })
    }

    /// Adds a pool for compiled code, which [`Pools::tie_compiled`] must tie to another before the
    /// next collection. Returns the address of its words, which do not move.
    pub(crate) fn add_untied(&mut self, constants: Vec<Word>) -> *const Word {
        let id = self.add(constants);
        self.untied = Some(id);
        self.constants(id)
    }

    /// Ties the latest pool for compiled code to the pool of the same law's decoded code; the
    /// compiled code will be published in the entry. Without a law, the next full collection drops
    /// the pool.
    pub(crate) fn tie_compiled(&mut self, law: Option<(PoolId, EntryCell)>) {
        if let (Some(id), Some((to, entry))) = (self.untied.take(), law) {
            self.tie(to, id);
            self.entries.push((entry, to));
        }
    }

    /// Makes the pool `id` live whenever the pool `to` is.
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

    /// The address of a pool's constants. It is valid as long as the pool is live, because
    /// constants are rewritten in place.
    pub(crate) fn constants(&self, id: PoolId) -> *const Word {
        self.pools[id.0 as usize].constants.as_ptr()
    }

    /// A constant of a pool.
    pub(crate) fn constant(&self, id: PoolId, index: u32) -> Word {
        self.pools[id.0 as usize].constants[index as usize]
    }

    /// Visits the constants that may be young, in a young collection.
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

    /// The estimated number of words of all pools and their code. Only full collections free them,
    /// so they count towards the decision to run one.
    pub(crate) fn weight(&self) -> usize {
        POOL_WEIGHT * (self.pools.len() - self.free.len())
    }

    /// Marks a pool that something reachable refers to.
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

    /// Marks the pool of the compiled code at an address that something reachable refers to. An
    /// address outside of compiled code may keep code that is dead, which is harmless.
    pub(crate) fn mark_compiled(&mut self, address: usize) {
        let after = self.compiled.partition_point(|(start, _)| *start <= address);
        if let Some((_, pool)) = after.checked_sub(1).map(|index| self.compiled[index]) {
            self.mark(pool);
        }
    }

    /// The code word of a frozen law that has been decoded. `None` for a law of the heap, which
    /// holds its code word itself.
    #[inline(always)]
    pub(crate) fn code_of_frozen(&self, law: Word) -> Option<Word> {
        self.frozen.get(law)
    }

    /// Stores the code word of a frozen law.
    pub(crate) fn set_code_of_frozen(&mut self, law: Word, slot: Word) {
        self.frozen.set(law, slot);
    }

    /// Has full collections keep all pools, and so all code, from now on; or no longer.
    pub(crate) fn keep_all(&mut self, keeps_all: bool) {
        self.keeps_all = keeps_all;
    }

    /// The word at an address, if that is the address of a constant of a live pool.
    pub(crate) fn word_at(&self, address: usize) -> Option<Word> {
        self.pools.iter().filter(|pool| pool.live).find_map(|pool| {
            let distance = address.checked_sub(pool.constants.as_ptr().addr())?;
            pool.constants.get(distance / size_of::<Word>()).copied()
        })
    }

    /// Begins a full collection: marks the code of frozen laws that ran since the previous one.
    pub(crate) fn begin(&mut self) {
        if self.keeps_all {
            let live = (0..self.pools.len() as u32).filter(|id| self.pools[*id as usize].live);
            live.collect::<Vec<u32>>().into_iter().for_each(|id| self.mark(PoolId(id)));
        }
        for pool in self.frozen.take_used() {
            self.mark(pool);
        }
        let published = self.entries.iter();
        self.compiled =
            published.filter_map(|(entry, pool)| Some((entry.address()?, *pool))).collect();
        self.compiled.sort_unstable_by_key(|(address, _)| *address);
        self.untied = None;
    }

    /// Marks the pool of a frozen law that something reachable refers to, or to the pin of.
    pub(crate) fn mark_frozen(&mut self, word: Word) {
        if let Some(pool) = self.frozen.pool_of(word) {
            self.mark(pool);
        }
    }

    /// The addresses of the frozen laws that have code.
    pub(crate) fn frozen_laws(&self) -> impl Iterator<Item = usize> {
        self.frozen.laws()
    }

    /// Takes the constants of a marked pool that has not been visited. [`Pools::put_back`] returns
    /// them.
    pub(crate) fn next_marked(&mut self) -> Option<(PoolId, Vec<Word>)> {
        let id = self.pending.pop()?;
        Some((PoolId(id), std::mem::take(&mut self.pools[id as usize].constants)))
    }

    /// Returns the constants that [`Pools::next_marked`] took.
    pub(crate) fn put_back(&mut self, id: PoolId, constants: Vec<Word>) {
        self.pools[id.0 as usize].constants = constants;
    }

    /// Ends a full collection: drops the pools that are not marked. Returns them, and the entries
    /// of the compiled code that died with them.
    pub(crate) fn sweep(&mut self) -> (Vec<PoolId>, Vec<EntryCell>) {
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
        let lost: Vec<EntryCell> = lost.collect();
        lost.iter().for_each(EntryCell::clear);
        (dead, lost)
    }
}
