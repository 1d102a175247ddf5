//! [`HeapMemory`]: the words of a heap, and everything that reads and writes them without
//! collecting.

use super::allocation_sampler::AllocationSampler;
use super::handles::{HandleTable, Val};
use super::loan::OldSpaceLender;
use super::nursery::{self, Nursery};
use super::object::{self, ObjectDraft, ObjectRef};
use super::options::{CollectionReport, HeapOptions, HeapStatistics};
use super::ownership::OwnerNumbers;
use super::remembered::{RememberedSet, is_scanned_by_cards};
use super::space::OldSpace;
use super::stack::{self, EvalStack};
use crate::interrupt::Interrupt;
use crate::layout::{ObjectHeader, ObjectLayout};
use crate::pinspace::PinSpace;
use crate::pinspace::attached::AttachedSpaces;
#[cfg(debug_assertions)]
use crate::pinspace::range::is_frozen;
use crate::word::{Word, WordKind};
use std::mem::offset_of;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// A function that is called after each collection.
type CollectionHook = Box<dyn FnMut(&CollectionReport)>;

/// The words of a heap: objects, evaluation stack and handles.
///
/// A part of [`RawHeap`](super::RawHeap). Its methods are called under the
/// [contract](super::RawHeap#contract) of that type, which gives the argument why safe methods
/// suffice here.
pub struct HeapMemory {
    /// The right of another thread to read old objects. It is the first field, so that it is dropped
    /// before the objects are.
    pub(super) lender: OldSpaceLender,
    pub(super) nursery: Nursery,
    pub(super) old: OldSpace,
    /// The number of words, in old space and of the host, that triggers a full collection.
    pub(super) major_at: usize,
    pub(super) remembered: RememberedSet,
    /// The numbers of owners of objects outside of eden.
    pub(super) owner_numbers: OwnerNumbers,
    /// The evaluation stack of the running evaluation.
    pub stack: EvalStack,
    /// The evaluation stacks of the evaluations that do not run, by number; and unused ones.
    pub(super) other_stacks: Vec<EvalStack>,
    pub(super) handles: Rc<HandleTable>,
    /// The address up to which compiled code may allocate; 0 if every allocation must collect.
    pub(super) inline_end: usize,
    pub(super) options: HeapOptions,
    /// The request to stop the work on this heap.
    pub interrupt: Interrupt,
    pub(super) statistics: HeapStatistics,
    /// Is called after each collection.
    pub(super) collection_hook: Option<CollectionHook>,
    /// Reports allocations for a profile, if one is taken.
    pub(super) allocation_sampler: Option<AllocationSampler>,
    /// Whether a collection is in progress. Signal handlers read it.
    pub(super) is_collecting: AtomicBool,
    /// The pin spaces that the heap may point into.
    pub spaces: AttachedSpaces,
    /// A new row, and the index of the only item that is not known to be normal. None
    /// after a collection, which moves the row.
    pub(super) edited_row: Option<(Word, usize)>,
}

/// The byte offsets in a [`HeapMemory`] of the fields that compiled code uses.
pub mod offset {
    use super::{HeapMemory, nursery, offset_of, stack};

    const NURSERY: usize = offset_of!(HeapMemory, nursery);
    const STACK: usize = offset_of!(HeapMemory, stack);

    /// The address of the next object in the nursery.
    pub const NURSERY_NEXT: usize = NURSERY + nursery::NEXT_OFFSET;
    /// The addresses of the nursery's first word and of the word after its last: any other object
    /// is old.
    pub const NURSERY_BOUNDS: [usize; 2] =
        [NURSERY + nursery::BASE_OFFSET, NURSERY + nursery::END_OFFSET];
    /// The address up to which compiled code allocates without a call.
    pub const INLINE_END: usize = offset_of!(HeapMemory, inline_end);
    /// The evaluation stack: the address of its first word.
    pub const STACK_BASE: usize = STACK + stack::BASE_OFFSET;
    /// The number of words on the stack.
    pub const STACK_TOP: usize = STACK + stack::TOP_OFFSET;
    /// The largest number of words that the stack may hold.
    pub const STACK_LIMIT: usize = STACK + stack::LIMIT_OFFSET;
    /// The number of stack words that have not changed since the last collection. Code that lowers
    /// the top below it lowers it too.
    pub const STACK_UNCHANGED: usize = STACK + stack::UNCHANGED_OFFSET;
}

/// Old space grows by at least this number of edens before a full collection: it takes at least as
/// many young collections, which become old as a whole, and the cost of a full collection of a
/// small heap is small beside theirs.
const MIN_GROWTH_EDENS: usize = 4;

/// The largest number of words on an evaluation stack.
fn stack_words(options: &HeapOptions) -> usize {
    (options.max_stack / 8).max(1 << 14)
}

impl HeapMemory {
    pub(super) fn new(options: HeapOptions) -> std::io::Result<HeapMemory> {
        let nursery = Nursery::new((options.nursery / 8).max(1 << 12));
        Ok(HeapMemory {
            lender: OldSpaceLender::default(),
            inline_end: if options.stress { 0 } else { nursery.free_end() },
            old: OldSpace::new(options.max_heap / 8),
            major_at: MIN_GROWTH_EDENS * nursery.capacity(),
            nursery,
            remembered: RememberedSet::default(),
            owner_numbers: OwnerNumbers::none_given(),
            stack: EvalStack::new(stack_words(&options))?,
            other_stacks: Vec::new(),
            handles: Rc::new(HandleTable::default()),
            options,
            interrupt: Interrupt::default(),
            statistics: HeapStatistics::default(),
            collection_hook: None,
            allocation_sampler: None,
            is_collecting: AtomicBool::new(false),
            spaces: AttachedSpaces::default(),
            edited_row: None,
        })
    }

    /// Returns the heap's options.
    pub fn options(&self) -> &HeapOptions {
        &self.options
    }

    /// Returns the number of collections of the nursery.
    #[inline(always)]
    pub fn young_collections(&self) -> u64 {
        self.statistics.minor
    }

    /// Returns the collector's counters.
    pub fn statistics(&self) -> HeapStatistics {
        let allocated = self.statistics.allocated + self.nursery.allocated() as u64;
        HeapStatistics { allocated, ..self.statistics }
    }

    /// Changes the limit of the old space, in bytes. The next collection heeds it.
    pub(crate) fn set_max_heap(&mut self, bytes: usize) {
        self.options.max_heap = bytes;
    }

    /// Sets the hook that is called after each collection.
    pub(crate) fn set_collection_hook(&mut self, hook: CollectionHook) {
        self.collection_hook = Some(hook);
    }

    /// Counts the time of a collection that began at `start`, and passes it to the hook.
    /// `copied_before` is the count of copied words before it.
    pub(super) fn report_collection(&mut self, start: Instant, is_full: bool, copied_before: u64) {
        self.set_collecting(false);
        self.place_sample();
        let took = start.elapsed();
        self.statistics.pauses += took;
        self.statistics.longest_pause = self.statistics.longest_pause.max(took);
        if let Some(hook) = &mut self.collection_hook {
            let copied = 8 * (self.statistics.copied - copied_before);
            hook(&CollectionReport { is_full, start, copied });
        }
    }

    /// Returns the number of collections so far, of both kinds. Objects move only in a collection.
    pub fn collections(&self) -> u64 {
        self.statistics.minor + self.statistics.major
    }

    /// Returns the largest number of words that live objects may take.
    pub fn limit_words(&self) -> usize {
        self.options.max_heap / 8
    }

    /// Returns the bytes in use, dead objects included.
    pub fn used_bytes(&self) -> usize {
        8 * (self.old.used() + self.nursery.used())
    }

    /// Whether another thread reads old objects.
    pub(crate) fn is_lent(&self) -> bool {
        self.lender.is_lent()
    }

    /// Schedules the next full collection after one that left `kept` of `used` words in use: when that
    /// number has doubled, but not before a few young collections. If the collection was due and most
    /// of the words are in use, when the number has tripled: a program that builds a long list or a
    /// large table gains nothing by copying it at each doubling. Returns the number of words that may
    /// be added until then.
    pub(super) fn schedule_full(&mut self, used: usize, kept: usize) -> usize {
        let is_growing = used > self.major_at && kept >= used / 4 * 3;
        let growth = if is_growing { 2 * kept } else { kept };
        let growth = growth.max(MIN_GROWTH_EDENS * self.nursery.capacity());
        self.major_at = kept + growth;
        growth.min((self.options.max_heap / 8).saturating_sub(kept))
    }

    /// Returns the memory of a heap without objects of its own, through which a thread reads
    /// objects that are lent to it.
    ///
    /// # Errors
    /// If the system cannot reserve the stack's address range.
    pub(crate) fn reader() -> std::io::Result<HeapMemory> {
        // The heap allocates nothing; its own nursery and stack are as small as they can be.
        let options = HeapOptions { nursery: 0, max_heap: 0, max_stack: 0, stress: false };
        HeapMemory::new(options)
    }

    // Reads.

    /// Returns the word's object.
    #[inline(always)]
    pub fn object(&self, word: Word) -> ObjectRef<'_> {
        self.check(word);
        // SAFETY: by the heap's invariant the word's object is live until the next collection,
        // which borrows the memory exclusively.
        unsafe { ObjectRef::at(word.address()) }
    }

    /// Returns the header of the word's object.
    #[inline(always)]
    pub fn header(&self, word: Word) -> ObjectHeader {
        self.object(word).header()
    }

    /// Returns a value in the payload of the word's object, which has more than `index` words.
    #[inline(always)]
    pub fn load(&self, word: Word, index: usize) -> Word {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live. By the contract its payload has that
        // index.
        unsafe { object::load(word.address(), index) }
    }

    /// Whether a word is an evaluated nat below 2^64.
    pub fn is_u64(&self, word: Word) -> bool {
        word.is_direct() || word.kind() == WordKind::Big && self.size(word) == 1
    }

    /// Returns the number of payload words of the word's object.
    #[inline(always)]
    pub fn size(&self, word: Word) -> usize {
        self.header(word).size()
    }

    /// Returns the payload of the word's object from index `from` on, as values.
    #[inline]
    pub fn words(&self, word: Word, from: usize) -> &[Word] {
        let object = self.object(word);
        object.words(from, object.size() - from)
    }

    /// Returns the value of an evaluated thunk; any other word is returned as it is.
    #[inline(always)]
    pub fn resolve(&self, mut word: Word) -> Word {
        while word.is_thunk() && self.header(word).layout() == ObjectLayout::Indirection {
            word = self.load(word, 0);
        }
        word
    }

    /// Whether a pin may be read: false for a frozen pin that is damaged. Damage is recorded, and
    /// interrupts the work on the heap.
    #[inline(always)]
    pub fn is_intact(&self, pin: Word) -> bool {
        self.spaces.is_intact(pin.address(), &self.interrupt)
    }

    /// Keeps a pin space alive while the heap may point into it.
    pub(crate) fn attach(&mut self, space: &Arc<PinSpace>) {
        self.spaces.attach(space, &self.interrupt);
    }

    /// Whether an evaluated value is known to be in normal form.
    #[inline]
    pub fn is_normal(&self, word: Word) -> bool {
        match word.kind() {
            WordKind::App | WordKind::Row | WordKind::Tab => self.header(word).is_normal(),
            WordKind::Thunk => false,
            _ => true,
        }
    }

    // Writes.

    /// Writes a value into an object, which may be old and has more than `index` payload words.
    #[inline(always)]
    pub fn store(&mut self, word: Word, index: usize, value: Word) {
        self.check(word);
        let address = word.address();
        // SAFETY: by the heap's invariant the object is live. By the contract its payload has that
        // index.
        unsafe { object::store_raw(address, index, value.raw()) };
        if !self.nursery.contains(address) {
            self.record_old_write(word, index, value);
        }
    }

    /// The write barrier of an old object: remembers the object, or the card of a large one that
    /// was written to, if the value is young.
    #[inline]
    fn record_old_write(&mut self, word: Word, index: usize, value: Word) {
        if !value.has_object() || !self.nursery.contains(value.address()) {
            return;
        }
        let header = self.header(word);
        if header.is_remembered() {
            return;
        }
        if is_scanned_by_cards(header) {
            self.remembered.add_card(word.address(), index);
        } else {
            self.set_header(word, header.with_remembered(true));
            self.remembered.add_object(word.address());
        }
    }

    /// Writes a payload word that is not a value: of a pin, or in the raw part of another object.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn store_raw(&self, word: Word, index: usize, bits: u64) {
        assert!(index < self.size(word), "object written out of bounds");
        // SAFETY: by the heap's invariant the object is live, and the index is within its payload.
        unsafe { object::store_shared(word.address(), index, bits) }
    }

    /// Sets bits of a payload word that is not a value, and returns the word before. Of two threads
    /// that set a bit, one sees that it was not set.
    ///
    /// # Panics
    /// If the payload is shorter.
    pub(crate) fn set_raw_bits(&self, word: Word, index: usize, bits: u64) -> u64 {
        assert!(index < self.size(word), "object written out of bounds");
        // SAFETY: by the heap's invariant the object is live, and the index is within its payload.
        unsafe { object::set_shared_bits(word.address(), index, bits) }
    }

    /// Writes bytes into the raw part of an object, starting `offset` bytes after payload word
    /// `from`.
    ///
    /// # Panics
    /// If the payload is too short for the bytes.
    pub fn store_bytes(&mut self, word: Word, from: usize, offset: usize, bytes: &[u8]) {
        let room = 8 * self.size(word);
        assert!(8 * from + offset + bytes.len() <= room, "object written out of bounds");
        let payload = std::ptr::with_exposed_provenance_mut::<u8>(word.address() + 8);
        // SAFETY: the range is in a live object's payload, by the check above. It does not
        // overlap `bytes`: the caller borrows those while this method borrows the memory
        // exclusively.
        unsafe {
            let target = payload.add(8 * from + offset);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
        }
    }

    /// Replaces the header of an object by another of the same size.
    #[inline(always)]
    fn set_header(&self, word: Word, header: ObjectHeader) {
        self.check(word);
        debug_assert_eq!(self.header(word).size(), header.size());
        // SAFETY: by the heap's invariant the object is live.
        unsafe { object::set_header(word.address(), header) }
    }

    /// Changes the layout of a thunk, when its evaluation begins or ends.
    #[inline(always)]
    pub fn set_layout(&mut self, thunk: Word, layout: ObjectLayout) {
        debug_assert!(thunk.is_thunk() && layout.kind() == WordKind::Thunk);
        self.set_header(thunk, self.header(thunk).with_layout(layout));
    }

    /// Marks an object as being in normal form. All values in it must be so.
    #[inline(always)]
    pub fn mark_normal(&self, word: Word) {
        self.set_header(word, self.header(word).with_normal());
    }

    /// Updates a thunk with its value, or with the thunk under evaluation that has the same value.
    #[inline(always)]
    pub fn update(&mut self, thunk: Word, value: Word) {
        self.set_layout(thunk, ObjectLayout::Indirection);
        self.store(thunk, 0, value);
    }

    /// Checks in debug builds that the word matches its object.
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
        // A frozen object never moves, and may be damaged.
        if !is_frozen(word.address()) {
            // SAFETY: by the heap's invariant; this check finds most violations.
            let layout = unsafe { object::header(word.address()) }.layout();
            assert_eq!(layout.kind(), word.kind(), "stale word");
        }
    }

    // Allocation. The caller has reserved the words.

    /// Whether an object of `words` words, its header included, can be allocated without a collection.
    #[inline(always)]
    pub fn has_room(&self, words: usize) -> bool {
        self.nursery.has_room(words) && !self.options.stress
    }

    /// Allocates an object of reserved words.
    #[inline(always)]
    pub fn allocate(&mut self, layout: ObjectLayout, extra: u64, size: usize) -> ObjectDraft {
        let address = match self.nursery.take(1 + size) {
            Some(address) => {
                // SAFETY: the nursery has just allocated the words.
                unsafe { object::set_header(address, ObjectHeader::new(layout, extra, size)) };
                address
            }
            None => self.allocate_large(layout, extra, size),
        };
        // SAFETY: the object has just been allocated, with `size` payload words of this layout.
        unsafe { ObjectDraft::new(address, layout, size) }
    }

    /// Allocates an object that the nursery cannot hold. It starts in the remembered set, because
    /// the caller fills it with young values.
    #[cold]
    fn allocate_large(&mut self, layout: ObjectLayout, extra: u64, size: usize) -> usize {
        let address = self.old.take(1 + size);
        self.statistics.allocated += 1 + size as u64;
        let header = ObjectHeader::new(layout, extra, size).with_remembered(true);
        // SAFETY: the old space has just allocated the words.
        unsafe { object::set_header(address, header) };
        for index in layout.values(size) {
            // SAFETY: the object has just been allocated, with `size` payload words of this layout.
            unsafe { object::store_raw(address, index, 0) };
        }
        self.remembered.add_object(address);
        address
    }

    /// Shortens the draft that was allocated last to a payload of `size` words, and finishes it.
    ///
    /// # Panics
    /// If the draft has fewer words.
    #[inline(always)]
    pub fn shorten(&mut self, draft: ObjectDraft, size: usize) -> Word {
        let address = draft.address();
        // SAFETY: a draft is a live object.
        let header = unsafe { object::header(address) };
        assert!(size <= header.size(), "a draft does not grow");
        // SAFETY: as above. The words behind the shorter payload are returned to the allocator.
        unsafe { object::set_header(address, header.with_size(size)) };
        self.give_back(address + 8 * (1 + header.size()), header.size() - size);
        draft.finish()
    }

    /// Discards the draft that was allocated last, and returns its words to the allocator.
    #[inline(always)]
    pub fn discard(&mut self, draft: ObjectDraft) {
        let address = draft.address();
        // SAFETY: a draft is a live object.
        let size = unsafe { object::header(address) }.size();
        if !self.nursery.give_back(address + 8 * (1 + size), 1 + size) {
            self.remembered.remove_last(address);
            self.give_back(address + 8 * (1 + size), 1 + size);
        }
    }

    #[inline(always)]
    fn give_back(&mut self, end: usize, words: usize) {
        let given = self.nursery.give_back(end, words) || self.old.give_back(end, words);
        debug_assert!(given, "only the last allocation can be returned");
    }

    /// Allocates an object with these values, which are not on the stack.
    #[inline]
    pub fn allocate_words(&mut self, layout: ObjectLayout, extra: u64, values: &[Word]) -> Word {
        let mut draft = self.allocate(layout, extra, values.len());
        for (index, value) in values.iter().enumerate() {
            draft.set(index, *value);
        }
        draft.finish()
    }

    /// Allocates an object with the top `count` words of the stack, and drops those.
    #[inline]
    pub fn allocate_popped(&mut self, layout: ObjectLayout, extra: u64, count: usize) -> Word {
        let mut draft = self.allocate(layout, extra, count);
        let from = self.stack.top() - count;
        for (index, value) in self.stack.top_from(from).iter().enumerate() {
            draft.set(index, *value);
        }
        self.stack.truncate(from);
        draft.finish()
    }

    /// Pushes `count` payload words of an object, from index `from` on. The stack has room for
    /// them.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn push_payload(&mut self, word: Word, from: usize, count: usize) {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live. The stack, which the next line
        // borrows exclusively, is other memory.
        let words = unsafe { ObjectRef::at(word.address()) }.words(from, count);
        self.stack.push_all(words);
    }

    /// Inserts `count` payload words of an object, from index `from` on, into the stack at index
    /// `at`, and moves the words above up. The stack has room for them.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn insert_payload(&mut self, at: usize, word: Word, from: usize, count: usize) {
        self.check(word);
        // SAFETY: by the heap's invariant the object is live. The stack, which the next line
        // borrows exclusively, is other memory.
        let words = unsafe { ObjectRef::at(word.address()) }.words(from, count);
        self.stack.insert(at, words);
    }

    // Stacks.

    /// Reserves another, empty evaluation stack, and returns its number: the count of those before.
    /// Collections visit it like the stack in use.
    ///
    /// # Errors
    /// If the system does not grant the address range.
    pub fn add_stack(&mut self) -> std::io::Result<usize> {
        self.other_stacks.push(EvalStack::new(stack_words(&self.options))?);
        Ok(self.other_stacks.len() - 1)
    }

    /// Exchanges the stack in use for the one with that number, which gets the number in turn.
    ///
    /// # Panics
    /// If there is no stack with that number.
    pub fn exchange_stack(&mut self, number: usize) {
        std::mem::swap(&mut self.stack, &mut self.other_stacks[number]);
    }

    /// Drops all words of the stack with that number, and returns its memory to the system.
    ///
    /// # Panics
    /// If there is no stack with that number.
    pub fn clear_stack(&mut self, number: usize) {
        let stack = &mut self.other_stacks[number];
        stack.truncate(0);
        stack.release();
    }

    // Handles.

    /// Returns a handle that keeps `word` alive and follows it when it moves.
    pub fn handle(&self, word: Word) -> Val {
        HandleTable::hold(&self.handles, word)
    }

    /// Returns the word of a handle of this heap.
    ///
    /// # Panics
    /// If the handle belongs to another heap.
    pub fn word(&self, val: &Val) -> Word {
        val.word_in(&self.handles)
    }
}
