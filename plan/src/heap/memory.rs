//! [`Memory`]: the words of a heap, and all that reads and writes them without collecting.

use super::handles::{HandleTable, Val};
use super::nursery::{self, Nursery};
use super::object::{self, Draft, Object};
use super::options::{Options, Statistics};
use super::space::OldSpace;
use super::stack::{self, Stack};
use crate::interrupt::Interrupt;
use crate::layout::{Header, Layout};
use crate::pinspace::attached::AttachedSpaces;
#[cfg(debug_assertions)]
use crate::pinspace::range::is_frozen;
use crate::word::{Kind, Word};
use std::mem::offset_of;
use std::rc::Rc;

/// The words of a heap: objects, evaluation stack and handles.
///
/// A part of [`RawHeap`](super::RawHeap), under whose contract its methods are called.
pub struct Memory {
    pub(super) nursery: Nursery,
    pub(super) old: OldSpace,
    /// Words in old space, and of the host, at which everything is collected.
    pub(super) major_at: usize,
    pub(super) remembered: Vec<usize>,
    /// The evaluation stack.
    pub stack: Stack,
    pub(super) handles: Rc<HandleTable>,
    /// Up to which address compiled code may allocate: 0 if every allocation is to collect.
    pub(super) inline_end: usize,
    pub(super) options: Options,
    /// Whether the work on this heap should stop.
    pub interrupt: Interrupt,
    pub(super) statistics: Statistics,
    /// Pin spaces that the heap may point into.
    pub spaces: AttachedSpaces,
}

/// Where in a [`Memory`] compiled code finds what it allocates from, in bytes.
pub mod offset {
    use super::{Memory, nursery, offset_of, stack};

    const NURSERY: usize = offset_of!(Memory, nursery);
    const STACK: usize = offset_of!(Memory, stack);

    /// The address of the next object in the nursery.
    pub const NURSERY_NEXT: usize = NURSERY + nursery::NEXT_OFFSET;
    /// The addresses of the nursery's first word, and after its last: an object elsewhere is old.
    pub const NURSERY_BOUNDS: [usize; 2] =
        [NURSERY + nursery::BASE_OFFSET, NURSERY + nursery::END_OFFSET];
    /// The address up to which objects may be allocated without a call.
    pub const INLINE_END: usize = offset_of!(Memory, inline_end);
    /// The evaluation stack: the address of its first word.
    pub const STACK_BASE: usize = STACK + stack::BASE_OFFSET;
    /// The number of words on it.
    pub const STACK_TOP: usize = STACK + stack::TOP_OFFSET;
    /// The number of words that it may hold.
    pub const STACK_LIMIT: usize = STACK + stack::LIMIT_OFFSET;
    /// The number of words that have not changed since the last collection; whoever lowers the top below
    /// it lowers it too.
    pub const STACK_UNCHANGED: usize = STACK + stack::UNCHANGED_OFFSET;
}

/// The old space is left alone until it has this many words.
pub(super) const MAJOR_MINIMUM: usize = 4 << 20;

impl Memory {
    pub(super) fn new(options: Options) -> std::io::Result<Memory> {
        let nursery = Nursery::new((options.nursery / 8).max(1 << 12));
        Ok(Memory {
            inline_end: if options.stress { 0 } else { nursery.eden_end() },
            nursery,
            old: OldSpace::new(options.max_heap / 8),
            major_at: MAJOR_MINIMUM,
            remembered: Vec::new(),
            stack: Stack::new((options.max_stack / 8).max(1 << 14))?,
            handles: Rc::new(HandleTable::default()),
            options,
            interrupt: Interrupt::default(),
            statistics: Statistics::default(),
            spaces: AttachedSpaces::default(),
        })
    }

    /// How the heap is sized and run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What the collector did so far.
    pub fn statistics(&self) -> Statistics {
        let allocated = self.statistics.allocated + self.nursery.allocated() as u64;
        Statistics { allocated, ..self.statistics }
    }

    /// The most words that live objects may take.
    pub fn limit_words(&self) -> usize {
        self.options.max_heap / 8
    }

    /// Bytes in use, dead objects included.
    pub fn used_bytes(&self) -> usize {
        8 * (self.old.capacity() + self.nursery.used())
    }

    // Reading objects.

    /// The word's object.
    #[inline(always)]
    pub fn object(&self, word: Word) -> Object<'_> {
        self.check(word);
        // SAFETY: by the heap's invariant the word's object is live until the next collection, which
        // takes the memory by exclusive reference.
        unsafe { Object::at(word.address()) }
    }

    /// The header of the word's object.
    #[inline(always)]
    pub fn header(&self, word: Word) -> Header {
        self.object(word).header()
    }

    /// A value in the payload of the word's object, which has more than `index` words.
    #[inline(always)]
    pub fn load(&self, word: Word, index: usize) -> Word {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live, and of the layout that the caller takes
        // the index from.
        unsafe { object::load(word.address(), index) }
    }

    /// The number of payload words of the word's object.
    #[inline(always)]
    pub fn size(&self, word: Word) -> usize {
        self.header(word).size()
    }

    /// The payload of the word's object from `from` on, as values.
    #[inline]
    pub fn words(&self, word: Word, from: usize) -> &[Word] {
        let object = self.object(word);
        object.words(from, object.size() - from)
    }

    /// Follows a thunk that has its value; anything else is returned as it is.
    #[inline(always)]
    pub fn resolve(&self, mut word: Word) -> Word {
        while word.is_thunk() && self.header(word).layout() == Layout::Indirection {
            word = self.load(word, 0);
        }
        word
    }

    /// Whether a pin may be read: not a frozen one that is damaged. Damage is noted, and interrupts
    /// the work on the heap.
    #[inline(always)]
    pub fn is_intact(&self, pin: Word) -> bool {
        self.spaces.is_intact(pin.address(), &self.interrupt)
    }

    /// Whether an evaluated value is known to be in normal form.
    #[inline]
    pub fn is_normal(&self, word: Word) -> bool {
        match word.kind() {
            Kind::App | Kind::Row | Kind::Tab => self.header(word).is_normal(),
            Kind::Thunk => false,
            _ => true,
        }
    }

    // Writing objects.

    /// Writes a value into an object that may be old, and has more than `index` payload words.
    #[inline(always)]
    pub fn store(&mut self, word: Word, index: usize, value: Word) {
        self.check(word);
        let address = word.address();
        // SAFETY: by the heap's invariant the object is live, and of the layout that the caller takes
        // the index from.
        unsafe { object::store_raw(address, index, value.raw()) };
        self.remember(word);
    }

    /// Writes a payload word that is no value: of a pin, or in the raw part of another object.
    ///
    /// # Panics
    /// If the payload has no such word.
    #[inline(always)]
    pub fn store_raw(&self, word: Word, index: usize, bits: u64) {
        assert!(index < self.size(word), "object written out of bounds");
        // SAFETY: by the heap's invariant the object is live, and the index has just been checked.
        unsafe { object::store_raw(word.address(), index, bits) }
    }

    /// Writes bytes into the raw part of an object, from the byte `offset` after payload word `from` on.
    ///
    /// # Panics
    /// If the payload ends before they do.
    pub fn store_bytes(&mut self, word: Word, from: usize, offset: usize, bytes: &[u8]) {
        let room = 8 * self.size(word);
        assert!(8 * from + offset + bytes.len() <= room, "object written out of bounds");
        let payload = std::ptr::with_exposed_provenance_mut::<u8>(word.address() + 8);
        // SAFETY: the range lies in a live object's payload, as has just been checked, and `bytes`, which
        // the caller has borrowed while nobody else can read the memory, does not overlap it.
        unsafe {
            let target = payload.add(8 * from + offset);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
        }
    }

    /// Overwrites the header of an object by another one of the same size.
    #[inline(always)]
    fn set_header(&self, word: Word, header: Header) {
        self.check(word);
        debug_assert_eq!(self.header(word).size(), header.size());
        // SAFETY: by the heap's invariant the object is live.
        unsafe { object::set_header(word.address(), header) }
    }

    /// Lays a thunk out anew: it is entered, or has ended.
    #[inline(always)]
    pub fn set_layout(&mut self, thunk: Word, layout: Layout) {
        debug_assert!(thunk.is_thunk() && layout.kind() == Kind::Thunk);
        self.set_header(thunk, self.header(thunk).with_layout(layout));
    }

    /// Marks an object whose values are all in normal form as being so itself.
    #[inline(always)]
    pub fn mark_normal(&self, word: Word) {
        self.set_header(word, self.header(word).with_normal());
    }

    /// Puts the word's object into the remembered set if it is old.
    #[inline(always)]
    pub fn remember(&mut self, word: Word) {
        if self.nursery.contains(word.address()) {
            return;
        }
        let header = self.header(word);
        if !header.is_remembered() {
            self.set_header(word, header.with_remembered(true));
            self.remembered.push(word.address());
        }
    }

    /// Overwrites a thunk with its value, or with the thunk under evaluation that has the same one.
    #[inline(always)]
    pub fn update(&mut self, thunk: Word, value: Word) {
        self.set_layout(thunk, Layout::Indirection);
        self.store(thunk, 0, value);
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
            // SAFETY: by the heap's invariant, of which this finds most violations.
            let layout = unsafe { object::header(word.address()) }.layout();
            assert_eq!(layout.kind(), word.kind(), "stale word");
        }
    }

    // Allocation. The room must have been reserved.

    /// An object whose room has been reserved.
    #[inline(always)]
    pub fn allocate(&mut self, layout: Layout, extra: u64, size: usize) -> Draft {
        let address = match self.nursery.take(1 + size) {
            Some(address) => {
                // SAFETY: the nursery has just handed out the words.
                unsafe { object::set_header(address, Header::new(layout, extra, size)) };
                address
            }
            None => self.allocate_large(layout, extra, size),
        };
        // SAFETY: it has just been made so.
        unsafe { Draft::new(address, layout, size) }
    }

    /// An object that the nursery cannot hold. It starts out remembered, because its payload is
    /// about to be filled with young values.
    #[cold]
    fn allocate_large(&mut self, layout: Layout, extra: u64, size: usize) -> usize {
        let address = self.old.take(1 + size);
        self.statistics.allocated += 1 + size as u64;
        let header = Header::new(layout, extra, size).with_remembered(true);
        // SAFETY: the old space has just handed out the words.
        unsafe { object::set_header(address, header) };
        for index in layout.values(size) {
            // SAFETY: the object has just been made, with `size` payload words.
            unsafe { object::store_raw(address, index, 0) };
        }
        self.remembered.push(address);
        address
    }

    /// Shortens the draft allocated last to a payload of `size` words.
    ///
    /// # Panics
    /// If it has fewer.
    pub fn shorten(&mut self, draft: Draft, size: usize) -> Word {
        let address = draft.address();
        // SAFETY: a draft is a live object.
        let header = unsafe { object::header(address) };
        assert!(size <= header.size(), "a draft does not grow");
        // SAFETY: likewise; the words behind the shorter payload are given back.
        unsafe { object::set_header(address, header.with_size(size)) };
        self.give_back(address + 8 * (1 + header.size()), header.size() - size);
        draft.finish()
    }

    /// Takes back the draft allocated last.
    pub fn discard(&mut self, draft: Draft) {
        let address = draft.address();
        // SAFETY: a draft is a live object.
        let size = unsafe { object::header(address) }.size();
        if self.remembered.last() == Some(&address) {
            self.remembered.pop();
        }
        self.give_back(address + 8 * (1 + size), 1 + size);
    }

    fn give_back(&mut self, end: usize, words: usize) {
        let given = self.nursery.give_back(end, words) || self.old.give_back(end, words);
        debug_assert!(given, "only what was allocated last can be given back");
    }

    /// An object with these values, which are not on the stack.
    #[inline]
    pub fn allocate_words(&mut self, layout: Layout, extra: u64, values: &[Word]) -> Word {
        let mut draft = self.allocate(layout, extra, values.len());
        for (index, value) in values.iter().enumerate() {
            draft.set(index, *value);
        }
        draft.finish()
    }

    /// An object with the top `count` words of the stack, which are dropped.
    #[inline]
    pub fn allocate_popped(&mut self, layout: Layout, extra: u64, count: usize) -> Word {
        let mut draft = self.allocate(layout, extra, count);
        let from = self.stack.top() - count;
        for (index, value) in self.stack.top_from(from).iter().enumerate() {
            draft.set(index, *value);
        }
        self.stack.truncate(from);
        draft.finish()
    }

    /// Pushes `count` payload words, from `from` on, of an object for which the stack has room.
    ///
    /// # Panics
    /// If the payload has not as many.
    #[inline(always)]
    pub fn push_payload(&mut self, word: Word, from: usize, count: usize) {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live; the stack is not part of it.
        let words = unsafe { Object::at(word.address()) }.words(from, count);
        self.stack.push_all(words);
    }

    /// Inserts `count` payload words, from `from` on, into the stack above `at`, moving up what is there.
    /// The stack has room for them.
    ///
    /// # Panics
    /// If the payload has not as many.
    #[inline(always)]
    pub fn insert_payload(&mut self, at: usize, word: Word, from: usize, count: usize) {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live; the stack is not part of it.
        let words = unsafe { Object::at(word.address()) }.words(from, count);
        self.stack.insert(at, words);
    }

    // Handles.

    /// A handle that keeps `word` alive and follows it.
    pub fn handle(&self, word: Word) -> Val {
        HandleTable::hold(&self.handles, word)
    }

    /// The word behind a handle of this heap.
    ///
    /// # Panics
    /// If the handle belongs to another heap.
    pub fn word(&self, val: &Val) -> Word {
        val.word_in(&self.handles)
    }
}
