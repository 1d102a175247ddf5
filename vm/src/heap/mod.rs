//! The heap: memory for one running thing, and its collector.
//!
//! Objects are born in a *nursery* by bumping a pointer. When it is full, what is still reachable
//! is kept in it once, and copied into the *old space* the next time; when the old space has doubled
//! since it was last looked at, everything reachable is copied into a new one. No heap knows of
//! another, so collecting one stops nobody else.
//!
//! Roots are the evaluation stack, the slots behind [`Val`] handles, the constants of decoded laws
//! (pools) and the remembered set (old objects that were written to).
//!
//! # Who may hold a word
//!
//! [`Heap::reserve`] is the only place where a collection happens. Code reserves what it needs,
//! then reads its operands from the stack, then allocates; no word may live in a Rust local across
//! a `reserve`. The stress mode ([`Options::stress`]) collects at each of them.
//!
//! ```text
//! mod     Heap: reserve, allocate, read, write
//! object  headers, layouts, raw loads and stores
//! space   blocks of memory, old space
//! nursery eden, survivors
//! stack   the evaluation stack
//! roots   Val: a handle that keeps a value alive from outside
//! pools   constants of decoded laws
//! frozen  what a heap knows of laws in a pin space
//! collect the two collections
//! ```

mod collect;
mod frozen;
mod nursery;
pub(crate) mod object;
mod pools;
mod roots;
mod space;
pub(crate) mod stack;

pub(crate) use self::pools::PoolId;
pub use self::roots::Val;

use self::nursery::Nursery;
use self::object::{Header, Layout, PAYLOAD_MAX};
use self::pools::Pools;
use self::roots::Roots;
use self::space::OldSpace;
use self::stack::Stack;
use crate::interrupt::Interrupt;
use crate::native::Native;
#[cfg(debug_assertions)]
use crate::pinspace::range::is_frozen;
use crate::word::{Kind, Word};
use std::rc::Rc;

/// How a heap is sized and run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the part of the nursery in which objects are made.
    pub nursery: usize,
    /// Bytes that the old space may take at most. An evaluation whose live data needs more than three
    /// quarters of it is ended: with less to spare, it would be collected all the time. A full
    /// collection needs as much again while it copies.
    pub max_heap: usize,
    /// Bytes that the evaluation stack may take at most; crossing it ends the evaluation.
    pub max_stack: usize,
    /// Collect at every allocation, everything each eighth time (for tests).
    pub stress: bool,
}

impl Default for Options {
    /// A 4 MB nursery; a quarter of the machine's memory for the heap, an eighth for the stack, so
    /// that a full collection fits too.
    fn default() -> Options {
        let memory = physical_memory();
        Options {
            nursery: 4 << 20,
            max_heap: memory / 4,
            max_stack: memory / 8,
            stress: std::env::var_os("PALLAS_GC_STRESS").is_some(),
        }
    }
}

#[cfg(not(miri))]
fn physical_memory() -> usize {
    let info = rustix::system::sysinfo();
    (info.totalram as usize).saturating_mul(info.mem_unit as usize).max(1 << 28)
}

#[cfg(miri)]
fn physical_memory() -> usize {
    1 << 28
}

/// The heap could not hold what the evaluation asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HeapFull;

/// Counters of what the collector did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Statistics {
    /// Collections of the nursery.
    pub minor: u64,
    /// Collections of everything.
    pub major: u64,
    /// Words copied by either.
    pub copied: u64,
    /// Words that objects were made of.
    pub allocated: u64,
}

/// Memory for one running thing. See the module's overview.
pub(crate) struct Heap {
    nursery: Nursery,
    old: OldSpace,
    /// Words in old space at which everything is collected.
    major_at: usize,
    remembered: Vec<usize>,
    pub(crate) stack: Stack,
    roots: Rc<Roots>,
    pub(crate) pools: Pools,
    /// The state of compiled code, whose frames hold roots.
    pub(crate) native: Native,
    /// Where the nursery ends for compiled code: nowhere, if every allocation is to collect.
    pub(crate) native_end: usize,
    pub(crate) options: Options,
    /// Whether what works on this heap should stop.
    pub(crate) interrupt: Interrupt,
    pub(crate) statistics: Statistics,
    /// Pools that the last full collections found dead, for the evaluator to forget.
    pub(crate) dead_pools: Vec<PoolId>,
}

/// Where compiled code finds the nursery: the address of the next object, and the two ends.
pub(crate) const NURSERY_OFFSETS: [usize; 3] = {
    let at = std::mem::offset_of!(Heap, nursery);
    [at + nursery::NEXT_OFFSET, at + nursery::BASE_OFFSET, at + nursery::END_OFFSET]
};

/// The old space is left alone until it has this many words.
const MAJOR_MINIMUM: usize = 4 << 20;

impl Heap {
    pub(crate) fn new(options: Options) -> std::io::Result<Heap> {
        let nursery = Nursery::new((options.nursery / 8).max(1 << 12));
        Ok(Heap {
            native: Native::default(),
            native_end: if options.stress { 0 } else { nursery.eden_end() },
            nursery,
            old: OldSpace::new(options.max_heap / 8),
            major_at: MAJOR_MINIMUM,
            remembered: Vec::new(),
            stack: Stack::new((options.max_stack / 8).max(1 << 14))?,
            roots: Rc::new(Roots::default()),
            pools: Pools::default(),
            options,
            interrupt: Interrupt::default(),
            statistics: Statistics::default(),
            dead_pools: Vec::new(),
        })
    }

    /// Makes sure that objects of `words` words in all, headers included, can be allocated without
    /// a collection. Any word held in a Rust local is stale afterwards.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, words: usize) -> Result<(), HeapFull> {
        if self.nursery.has_room(words) && !self.options.stress {
            return Ok(());
        }
        self.make_room(words)
    }

    /// Allocates an object whose room has been reserved. The payload must be written before the
    /// next `reserve`.
    #[inline(always)]
    pub(crate) fn allocate(&mut self, layout: Layout, extra: u64, size: usize) -> usize {
        let address = match self.nursery.take(1 + size) {
            Some(address) => address,
            None => return self.allocate_large(layout, extra, size),
        };
        object::set_header(address, Header::new(layout, extra, size));
        address
    }

    /// An object that the nursery cannot hold. It starts out remembered, because its payload is
    /// about to be filled with young values.
    #[cold]
    fn allocate_large(&mut self, layout: Layout, extra: u64, size: usize) -> usize {
        let address = self.old.take(1 + size);
        self.statistics.allocated += 1 + size as u64;
        object::set_header(address, Header::new(layout, extra, size).with_remembered(true));
        for index in layout.values(size) {
            object::store_raw(address, index, 0);
        }
        self.remembered.push(address);
        address
    }

    /// Cuts the object that was allocated last to a payload of `size` words.
    pub(crate) fn cut(&mut self, address: usize, size: usize) {
        let header = object::header(address);
        object::set_header(address, header.with_size(size));
        self.give_back(address + 8 * (1 + header.size()), header.size() - size);
    }

    /// Takes back the object that was allocated last, of which no word has been made.
    pub(crate) fn discard(&mut self, address: usize) {
        let size = object::header(address).size();
        if self.remembered.last() == Some(&address) {
            self.remembered.pop();
        }
        self.give_back(address + 8 * (1 + size), 1 + size);
    }

    fn give_back(&mut self, end: usize, words: usize) {
        let given = self.nursery.give_back(end, words) || self.old.give_back(end, words);
        debug_assert!(given, "only what was allocated last can be given back");
    }

    #[cold]
    pub(crate) fn make_room(&mut self, words: usize) -> Result<(), HeapFull> {
        let limit = self.options.max_heap / 8;
        if words > PAYLOAD_MAX || words > limit {
            return Err(HeapFull);
        }
        let large = words > self.nursery.capacity() / 2;
        let collections = self.statistics.minor + self.statistics.major;
        if self.options.stress && collections.is_multiple_of(8) {
            self.collect_all();
        } else {
            self.collect_young();
        }
        let asked = if large { words } else { 0 };
        if self.old.capacity() + asked > self.major_at.min(limit) {
            self.collect_all();
            if self.old.capacity() + asked > limit / 4 * 3 {
                return Err(HeapFull);
            }
        }
        Ok(())
    }

    /// What the collector did so far.
    pub(crate) fn statistics(&self) -> Statistics {
        let allocated = self.statistics.allocated + self.nursery.allocated() as u64;
        Statistics { allocated, ..self.statistics }
    }

    // Reading and writing objects.

    /// The header of the word's object.
    #[inline(always)]
    pub(crate) fn header(&self, word: Word) -> Header {
        self.check(word);
        object::header(word.address())
    }

    /// A value in the payload of the word's object.
    #[inline(always)]
    pub(crate) fn load(&self, word: Word, index: usize) -> Word {
        self.check(word);
        object::load(word.address(), index)
    }

    /// How many payload words the word's object has.
    #[inline(always)]
    pub(crate) fn size(&self, word: Word) -> usize {
        self.header(word).size()
    }

    /// The payload of the word's object from `from` on, as values.
    #[inline]
    pub(crate) fn words(&self, word: Word, from: usize) -> &[Word] {
        let size = self.size(word);
        object::words(word.address(), from, size - from)
    }

    /// Writes a value into an object that may be old.
    #[inline(always)]
    pub(crate) fn store(&mut self, word: Word, index: usize, value: Word) {
        self.check(word);
        let address = word.address();
        object::store_raw(address, index, value.raw());
        self.remember(address);
    }

    /// Puts an object into the remembered set if it is old.
    #[inline(always)]
    pub(crate) fn remember(&mut self, address: usize) {
        if self.nursery.contains(address) {
            return;
        }
        let header = object::header(address);
        if !header.is_remembered() {
            object::set_header(address, header.with_remembered(true));
            self.remembered.push(address);
        }
    }

    /// Overwrites a thunk with its value, or with the thunk under evaluation that has the same one.
    #[inline(always)]
    pub(crate) fn update(&mut self, thunk: Word, value: Word) {
        let address = thunk.address();
        let header = object::header(address);
        object::set_header(address, header.with_layout(Layout::Indirection));
        self.store(thunk, 0, value);
    }

    /// Follows a thunk that has its value; anything else is returned as it is.
    #[inline(always)]
    pub(crate) fn resolve(&self, mut word: Word) -> Word {
        while word.is_thunk() && self.header(word).layout() == Layout::Indirection {
            word = self.load(word, 0);
        }
        word
    }

    /// In debug builds: whether the word can be what it says.
    #[inline(always)]
    fn check(&self, word: Word) {
        #[cfg(debug_assertions)]
        self.check_word(word);
        #[cfg(not(debug_assertions))]
        let _ = word;
    }

    #[cfg(debug_assertions)]
    fn check_word(&self, word: Word) {
        assert!(word.has_object(), "{word:?} has no object");
        if self.options.stress {
            let address = word.address();
            let ours =
                self.nursery.is_in_use(address) || self.old.contains(address) || is_frozen(address);
            assert!(ours, "{word:?} points outside the heap: held across a collection");
        }
        // What is frozen never moves, and may be damaged.
        if !is_frozen(word.address()) {
            let layout = object::header(word.address()).layout();
            assert_eq!(layout.kind(), word.kind(), "stale word");
        }
    }

    // Allocation of the plain shapes; the room must have been reserved.

    /// An object with these values, copied from a slice of words.
    #[inline]
    pub(crate) fn allocate_words(&mut self, layout: Layout, extra: u64, values: &[Word]) -> Word {
        let address = self.allocate(layout, extra, values.len());
        for (index, value) in values.iter().enumerate() {
            object::store_raw(address, index, value.raw());
        }
        Word::object(layout.kind(), address)
    }

    /// An object with the top `count` words of the stack, which are dropped.
    #[inline]
    pub(crate) fn allocate_popped(&mut self, layout: Layout, extra: u64, count: usize) -> Word {
        let address = self.allocate(layout, extra, count);
        let from = self.stack.top() - count;
        for (index, value) in self.stack.top_from(from).iter().enumerate() {
            object::store_raw(address, index, value.raw());
        }
        self.stack.truncate(from);
        Word::object(layout.kind(), address)
    }

    /// A handle that keeps `word` alive and follows it.
    pub(crate) fn root(&self, word: Word) -> Val {
        Roots::hold(&self.roots, word)
    }

    /// The word behind a handle of this heap.
    ///
    /// # Panics
    /// If the handle belongs to another heap.
    pub(crate) fn word(&self, val: &Val) -> Word {
        val.word_in(&self.roots)
    }

    /// Whether a kind can hold other values that are not evaluated.
    pub(crate) fn is_normal(&self, word: Word) -> bool {
        match word.kind() {
            Kind::App | Kind::Row | Kind::Tab => self.header(word).is_normal(),
            Kind::Thunk => false,
            _ => true,
        }
    }

    /// The most words that live objects may take.
    pub(crate) fn limit_words(&self) -> usize {
        self.options.max_heap / 8
    }

    /// Bytes in use, dead objects included.
    pub(crate) fn used_bytes(&self) -> usize {
        8 * (self.old.capacity() + self.nursery.used())
    }
}

#[cfg(test)]
mod tests;
