//! Access to objects: raw reads and writes for the heap, checked views for other code.
//!
//! Within [`crate::heap`], the `unsafe` functions of this module reach objects by address. Other
//! code uses one of two views, which check indices in every build:
//!
//! - [`ObjectRef`] is a live object, borrowed from its memory, for reading.
//! - [`ObjectDraft`] is an object that has been allocated and not finished, for writing.
//!
//! # Safety
//!
//! The heap's invariant: *a [`Word`] with an address points to an object of a layout that its kind
//! allows, in memory owned by the heap it came from or in the pin space, from the moment it was
//! made until the next collection of that heap.* Only the allocator makes words; others are read
//! from objects, the stack and handles, which the collector rewrites. Code that keeps a word
//! in a Rust local across a call that may collect breaks the invariant; a run with a collection at
//! every allocation ([`HeapOptions::stress`](super::HeapOptions::stress)) finds it.
//!
//! Objects are read and written through exposed addresses, so no reference may claim their memory
//! exclusively while an [`ObjectRef`] of it is in use. The values in objects change only through
//! [`super::HeapMemory`]'s methods that borrow it exclusively. Headers and the raw words of pins
//! also change through a shared reference: no slice contains a header, and the hash of a pin is
//! handed out as a slice only after its last write. The memory belongs to one thread: a heap is
//! neither `Send` nor `Sync`. Another thread may read old objects while it has a loan of them
//! ([`super::loan`] lists the words that both may write).

use crate::layout::{ObjectHeader, ObjectLayout};
use crate::word::Word;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

#[inline(always)]
fn cell(address: usize, index: usize) -> *mut u64 {
    std::ptr::with_exposed_provenance_mut::<u64>(address + 8 * index)
}

/// Reads an object's header.
///
/// # Safety
/// The address is that of a live object.
#[inline(always)]
pub(crate) unsafe fn header(address: usize) -> ObjectHeader {
    // SAFETY: the first word of a live object is its header.
    ObjectHeader::from_raw(unsafe { cell(address, 0).read() })
}

/// Overwrites an object's header.
///
/// # Safety
/// The address is that of a live object, or of words that the allocator has just allocated.
#[inline(always)]
pub(crate) unsafe fn set_header(address: usize, header: ObjectHeader) {
    // SAFETY: by this function's contract. Only the thread that owns the heap uses its memory.
    unsafe { cell(address, 0).write(header.raw()) }
}

/// Reads a payload word as raw bits.
///
/// # Safety
/// The address is that of a live object with more than `index` payload words.
#[inline(always)]
pub(crate) unsafe fn load_raw(address: usize, index: usize) -> u64 {
    // SAFETY: by this function's contract.
    debug_assert!(index < unsafe { header(address) }.size(), "object read out of bounds");
    // SAFETY: by this function's contract.
    unsafe { cell(address, 1 + index).read() }
}

/// Returns a payload word that another thread may read or write meanwhile.
///
/// # Safety
/// The address is that of an object with more than `index` payload words, which is live for the
/// lifetime. No thread accesses the word in another way while another thread may access it.
#[inline(always)]
unsafe fn shared<'a>(address: usize, index: usize) -> &'a AtomicU64 {
    // SAFETY: by this function's contract. Words are aligned.
    unsafe { AtomicU64::from_ptr(cell(address, 1 + index)) }
}

/// Writes a payload word, after all that this thread has written before, for a thread that reads it
/// by [`ObjectRef::shared_raw`].
///
/// # Safety
/// As for [`store_raw`], and the word is one of those that [`crate::heap::loan`] lists.
#[inline(always)]
pub(crate) unsafe fn store_shared(address: usize, index: usize, bits: u64) {
    // SAFETY: by this function's contract.
    unsafe { shared(address, index) }.store(bits, Ordering::Release);
}

/// Sets bits of a payload word, like [`store_shared`], and returns the word before.
///
/// # Safety
/// As for [`store_shared`].
pub(crate) unsafe fn set_shared_bits(address: usize, index: usize, bits: u64) -> u64 {
    // SAFETY: by this function's contract.
    unsafe { shared(address, index) }.fetch_or(bits, Ordering::AcqRel)
}

/// Reads a payload word of an object that the running collection may have moved.
///
/// # Safety
/// The address is that of an object with more than `index` payload words that was live when the
/// collection began. (A collection replaces the header of an object that it moves, and frees
/// nothing before its end.)
pub(crate) unsafe fn load_moved(address: usize, index: usize) -> u64 {
    // SAFETY: by this function's contract.
    unsafe { cell(address, 1 + index).read() }
}

/// Writes a payload word as raw bits.
///
/// # Safety
/// The address is that of a live object of the heap with more than `index` payload words, and the
/// object's layout allows these bits there.
#[inline(always)]
pub(crate) unsafe fn store_raw(address: usize, index: usize, bits: u64) {
    // SAFETY: by this function's contract.
    debug_assert!(index < unsafe { header(address) }.size(), "object written out of bounds");
    // SAFETY: by this function's contract.
    unsafe { cell(address, 1 + index).write(bits) }
}

/// Reads a payload word that is a value.
///
/// # Safety
/// As for [`load_raw`].
#[inline(always)]
pub(crate) unsafe fn load(address: usize, index: usize) -> Word {
    // SAFETY: by this function's contract.
    Word::from_bits(unsafe { load_raw(address, index) })
}

/// Returns a payload range as raw words.
///
/// # Safety
/// The address is that of a live object with at least `from + count` payload words. The object
/// stays live, and the range is not written to, for the lifetime.
#[inline]
pub(crate) unsafe fn raw_words<'a>(address: usize, from: usize, count: usize) -> &'a [u64] {
    // SAFETY: by this function's contract.
    unsafe { std::slice::from_raw_parts(cell(address, 1 + from), count) }
}

/// Returns a payload range as values.
///
/// # Safety
/// As for [`raw_words`].
#[inline]
pub(crate) unsafe fn words<'a>(address: usize, from: usize, count: usize) -> &'a [Word] {
    // SAFETY: by this function's contract; `Word` is a transparent u64.
    unsafe { std::slice::from_raw_parts(cell(address, 1 + from).cast::<Word>(), count) }
}

/// Inserts a word into a payload before index `at`, and moves the words behind it up by one.
///
/// # Safety
/// The address is that of a live object with `size` payload words, and one more word behind them
/// that belongs to it; `at` is at most `size`.
#[inline(always)]
pub(super) unsafe fn insert_word(address: usize, size: usize, at: usize, bits: u64) {
    // SAFETY: by this function's contract.
    unsafe {
        let slot = cell(address, 1 + at);
        std::ptr::copy(slot, slot.add(1), size - at);
        slot.write(bits);
    }
}

/// Removes the word at index `at` from a payload, and moves the words behind it down by one. The last
/// word keeps its bits.
///
/// # Safety
/// The address is that of a live object with `size` payload words; `at` is below `size`.
#[inline(always)]
pub(super) unsafe fn remove_word(address: usize, size: usize, at: usize) {
    // SAFETY: by this function's contract.
    unsafe {
        let slot = cell(address, 1 + at);
        std::ptr::copy(slot.add(1), slot, size - at - 1);
    }
}

/// Copies a whole object, header included, to memory that does not overlap it.
///
/// # Safety
/// `from` is the address of a live object of `size` payload words; `to` is that of `size + 1` words
/// that have just been allocated.
#[inline(always)]
pub(crate) unsafe fn relocate(from: usize, to: usize, size: usize) {
    // SAFETY: by this function's contract.
    unsafe { copy_few(cell(from, 0), cell(to, 0), 1 + size) }
}

/// Copies `length` bytes from the offset `offset` of an object's payload words from `from` on, to
/// the same payload words of another object.
///
/// # Safety
/// Both are the addresses of live objects that have the bytes and do not overlap. The source may
/// have been moved by the running collection.
pub(super) unsafe fn copy_bytes(
    source: usize,
    from: usize,
    offset: usize,
    target: usize,
    length: usize,
) {
    // SAFETY: by this function's contract.
    unsafe {
        let bytes = cell(source, 1 + from).cast::<u8>().add(offset);
        bytes.copy_to_nonoverlapping(cell(target, 1 + from).cast::<u8>(), length);
    }
}

/// Copies words. Mostly there are only a few, and a call of `memcpy` would take longer than the
/// copy.
///
/// # Safety
/// `count` words may be read and written, and the two ranges do not overlap.
#[inline(always)]
pub(super) unsafe fn copy_few<T: Copy>(from: *const T, to: *mut T, count: usize) {
    /// Copies the first `N` and the last `N` words, which may overlap.
    #[inline(always)]
    unsafe fn ends<T: Copy, const N: usize>(from: *const T, to: *mut T, count: usize) {
        let last = count - N;
        // SAFETY: `count` is at least `N`, by the calls below.
        unsafe {
            let (first, rest) = (from.cast::<[T; N]>(), from.add(last).cast::<[T; N]>());
            let words = (first.read(), rest.read());
            to.cast::<[T; N]>().write(words.0);
            to.add(last).cast::<[T; N]>().write(words.1);
        }
    }
    // SAFETY: by this function's contract.
    unsafe {
        match count {
            0 => {}
            1 => to.write(from.read()),
            2..=4 => ends::<T, 2>(from, to, count),
            5..=8 => ends::<T, 4>(from, to, count),
            _ => std::ptr::copy_nonoverlapping(from, to, count),
        }
    }
}

/// A live object, borrowed from its memory.
#[derive(Clone, Copy)]
pub struct ObjectRef<'h> {
    address: usize,
    _memory: PhantomData<&'h [u64]>,
}

impl<'h> ObjectRef<'h> {
    /// Returns the object at an address.
    ///
    /// # Safety
    /// The address is that of an object that is live for the lifetime.
    #[inline(always)]
    pub(crate) unsafe fn at(address: usize) -> ObjectRef<'h> {
        ObjectRef { address, _memory: PhantomData }
    }

    /// Returns the object's header.
    #[inline(always)]
    pub fn header(self) -> ObjectHeader {
        // SAFETY: the object is live, by the contract of `ObjectRef::at`.
        unsafe { header(self.address) }
    }

    /// Returns the object's layout.
    #[inline(always)]
    pub fn layout(self) -> ObjectLayout {
        self.header().layout()
    }

    /// Returns the number of payload words.
    #[inline(always)]
    pub fn size(self) -> usize {
        self.header().size()
    }

    /// Returns the payload word at `index`, as raw bits.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn raw(self, index: usize) -> u64 {
        assert!(index < self.size(), "object read out of bounds");
        // SAFETY: the object is live, and the index is within its payload.
        unsafe { load_raw(self.address, index) }
    }

    /// Returns the payload word at `index`, as raw bits, which another thread may have written.
    /// What that thread wrote before is visible.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub(crate) fn shared_raw(self, index: usize) -> u64 {
        assert!(index < self.size(), "object read out of bounds");
        // SAFETY: the object is live, and the index is within its payload. Other threads write
        // atomically to objects that they share.
        unsafe { shared(self.address, index) }.load(Ordering::Acquire)
    }

    /// Returns the payload word at `index`, as a value.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn word(self, index: usize) -> Word {
        Word::from_bits(self.raw(index))
    }

    /// Returns `count` payload words from `from` on, as raw bits.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn raw_words(self, from: usize, count: usize) -> &'h [u64] {
        assert!(from <= self.size() && count <= self.size() - from, "object read out of bounds");
        // SAFETY: the object is live for the lifetime, and the range is within its payload.
        unsafe { raw_words(self.address, from, count) }
    }

    /// Returns `count` payload words from `from` on, as values.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn words(self, from: usize, count: usize) -> &'h [Word] {
        assert!(from <= self.size() && count <= self.size() - from, "object read out of bounds");
        // SAFETY: the object is live for the lifetime, and the range is within its payload.
        unsafe { words(self.address, from, count) }
    }

    /// Returns the first `length` bytes of the payload from word `from` on, in memory order: the
    /// first byte is the least significant byte of the first word.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn bytes(self, from: usize, length: usize) -> &'h [u8] {
        let size = self.size();
        let words = length.div_ceil(8);
        assert!(from <= size && words <= size - from, "object read out of bounds");
        // SAFETY: the object is live for the lifetime, the range is within its payload, and any
        // bits are bytes. The slice ends with the last byte, not with its word: bytes behind those
        // of a bar may be written meanwhile (see `crate::bar`).
        unsafe { std::slice::from_raw_parts(cell(self.address, 1 + from).cast::<u8>(), length) }
    }
}

/// An object that has been allocated and not finished.
///
/// No word points to the object before [`ObjectDraft::finish`]. By the contract of
/// [`super::RawHeap`] nothing is collected before that, and every payload word is written.
#[derive(Debug)]
pub struct ObjectDraft {
    address: usize,
    layout: ObjectLayout,
    size: usize,
}

impl ObjectDraft {
    /// # Safety
    /// The address is that of an object of this layout and size which has just been allocated.
    #[inline(always)]
    pub(super) unsafe fn new(address: usize, layout: ObjectLayout, size: usize) -> ObjectDraft {
        ObjectDraft { address, layout, size }
    }

    #[inline(always)]
    pub(super) fn address(&self) -> usize {
        self.address
    }

    /// Writes a payload word that is a value.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn set(&mut self, index: usize, value: Word) {
        self.set_raw(index, value.raw());
    }

    /// Writes a payload word as raw bits.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn set_raw(&mut self, index: usize, bits: u64) {
        assert!(index < self.size, "object written out of bounds");
        // SAFETY: the object is live by the contract of `ObjectDraft::new`, and the index is within
        // its payload.
        unsafe { store_raw(self.address, index, bits) }
    }

    /// Returns the payload word at `index`, which has been written.
    ///
    /// # Panics
    /// If the payload is shorter.
    pub fn raw(&self, index: usize) -> u64 {
        assert!(index < self.size, "object read out of bounds");
        // SAFETY: the object is live by the contract of `ObjectDraft::new`, and the index is within
        // its payload.
        unsafe { load_raw(self.address, index) }
    }

    /// Copies values into the payload from `at` on.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn copy_from(&mut self, at: usize, values: &[Word]) {
        assert!(at <= self.size && values.len() <= self.size - at, "object written out of bounds");
        // SAFETY: the range is in the payload. A slice of values does not overlap a draft,
        // because no word points to the draft.
        unsafe {
            copy_few(values.as_ptr(), cell(self.address, 1 + at).cast::<Word>(), values.len());
        }
    }

    /// Returns `count` payload words from `from` on, for writing.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn raw_words_mut(&mut self, from: usize, count: usize) -> &mut [u64] {
        assert!(from <= self.size && count <= self.size - from, "object written out of bounds");
        // SAFETY: the range is in the payload, whose memory is initialised (a block starts
        // zeroed), and no other reference to a draft's payload exists.
        unsafe { std::slice::from_raw_parts_mut(cell(self.address, 1 + from), count) }
    }

    /// Returns the first `length` bytes of the payload from word `from` on, for writing.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline]
    pub fn bytes_mut(&mut self, from: usize, length: usize) -> &mut [u8] {
        let words = self.raw_words_mut(from, length.div_ceil(8));
        // SAFETY: the words hold at least `length` bytes, and any bytes make words.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), length) }
    }

    /// Returns the word of the finished object.
    #[inline(always)]
    pub fn finish(self) -> Word {
        Word::object(self.layout.kind(), self.address)
    }
}

#[cfg(not(target_endian = "little"))]
compile_error!("bars and big nats are read as little-endian bytes in place");
