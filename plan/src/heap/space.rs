//! Spaces: where objects are allocated by bumping a pointer.
//!
//! The nursery lies in one block; the old space is a list of chunks, so that it grows without moving.
//! Neither knows what objects are: they hand out addresses of words that stay put until the block
//! is dropped.
//!
//! # Safety
//!
//! A block owns its memory by a raw pointer whose provenance is exposed: objects are reached by
//! address (`object`), so nothing may claim the memory exclusively, as a box would whenever it is
//! moved.

use crate::pinspace::range::is_frozen;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// A block of memory handed out from its start.
pub(crate) struct Block {
    memory: *mut u64,
    words: usize,
    origin: BlockOrigin,
    room: BumpRegion,
}

/// A piece of memory that is handed out from its start.
pub(super) struct BumpRegion {
    pub(super) base: usize,
    /// The address of the next object.
    pub(super) next: usize,
    /// The address after the last word.
    pub(super) end: usize,
}

impl BumpRegion {
    pub(super) fn new(base: usize, end: usize) -> BumpRegion {
        BumpRegion { base, next: base, end }
    }

    /// Room for `words` words, or nothing if there is less.
    #[inline(always)]
    pub(super) fn take(&mut self, words: usize) -> Option<usize> {
        if !self.has_room(words) {
            return None;
        }
        let address = self.next;
        self.next += 8 * words;
        Some(address)
    }

    /// Takes back the last `words` words that were handed out, if they end at that address.
    pub(super) fn give_back(&mut self, end: usize, words: usize) -> bool {
        let is_last = end == self.next;
        if is_last {
            self.next -= 8 * words;
        }
        is_last
    }

    #[inline(always)]
    pub(super) fn has_room(&self, words: usize) -> bool {
        words <= (self.end - self.next) / 8
    }

    /// Words that have been handed out.
    pub(super) fn used(&self) -> usize {
        (self.next - self.base) / 8
    }
}

impl Block {
    /// A block of so many words, of which there are some.
    pub(crate) fn new(words: usize) -> Block {
        assert!(words > 0, "a block has memory");
        let layout = Block::layout(words);
        // SAFETY: the layout is not of size zero.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<u64>();
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        Block::new_in(memory, words, BlockOrigin::Allocated)
    }

    /// A block that is used from end to end again and again: in large pages, if it has room for one.
    /// Where a machine is virtual, a page that is touched first costs much more than to fill it.
    ///
    /// It is mapped, not allocated: an allocator that reuses memory would touch all of it to zero it.
    pub(crate) fn in_large_pages(words: usize) -> Block {
        if 8 * words < LARGE_PAGE {
            return Block::new(words);
        }
        match map(8 * words + LARGE_PAGE) {
            Some(mapped) => Block::in_mapping(mapped, words),
            None => handle_alloc_error(Block::layout(words)),
        }
    }

    fn new_in(memory: *mut u64, words: usize, origin: BlockOrigin) -> Block {
        let base = memory.expose_provenance();
        assert!(!is_frozen(base) && !is_frozen(base + 8 * words), "the system allots no pin space");
        Block { memory, words, origin, room: BumpRegion::new(base, base + 8 * words) }
    }

    /// A block that begins at the first large page of a mapping with room for one more.
    fn in_mapping(mapped: Mapping, words: usize) -> Block {
        let offset = mapped.start.addr().next_multiple_of(LARGE_PAGE) - mapped.start.addr();
        let memory = mapped.start.wrapping_byte_add(offset);
        prefer_large_pages(memory, words);
        Block::new_in(memory, words, BlockOrigin::Mapped(mapped))
    }

    fn layout(words: usize) -> Layout {
        match Layout::array::<u64>(words) {
            Ok(layout) => layout,
            Err(_) => unreachable!("payloads are limited far below the address space"),
        }
    }

    /// Room for `words` words, or nothing if the block has less.
    #[inline(always)]
    pub(crate) fn take(&mut self, words: usize) -> Option<usize> {
        self.room.take(words)
    }

    /// Takes back the last `words` words that were handed out, if they end at that address.
    pub(crate) fn give_back(&mut self, end: usize, words: usize) -> bool {
        self.room.give_back(end, words)
    }

    #[cfg(debug_assertions)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.room.base) < 8 * self.words
    }

    pub(crate) fn used(&self) -> usize {
        self.room.used()
    }

    /// The address after the last word.
    pub(crate) fn end(&self) -> usize {
        self.room.end
    }

    /// The address of the word at that offset.
    pub(crate) fn address(&self, offset: usize) -> usize {
        self.room.base + 8 * offset
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match self.origin {
            // SAFETY: made by `new` with this layout, and dropped once. Words that still point into it are
            // stale by the heap's invariant.
            BlockOrigin::Allocated => unsafe {
                dealloc(self.memory.cast(), Block::layout(self.words));
            },
            BlockOrigin::Mapped(mapped) => unmap(mapped),
        }
    }
}

/// Where a block's memory comes from.
#[derive(Clone, Copy)]
enum BlockOrigin {
    /// The allocator.
    Allocated,
    /// A mapping of its own, in which the block lies.
    Mapped(Mapping),
}

/// A mapping of zeroes.
#[derive(Clone, Copy)]
struct Mapping {
    start: *mut u64,
    bytes: usize,
}

#[cfg(not(miri))]
fn map(bytes: usize) -> Option<Mapping> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a fresh anonymous mapping at an address the kernel chooses touches nothing of ours.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, protection, flags) }.ok()?;
    Some(Mapping { start: start.cast(), bytes })
}

#[cfg(not(miri))]
fn unmap(mapped: Mapping) {
    // SAFETY: the mapping was made by `map` with this length. Words that still point into it are stale
    // by the heap's invariant.
    let unmapped = unsafe { rustix::mm::munmap(mapped.start.cast(), mapped.bytes) };
    debug_assert!(unmapped.is_ok());
}

#[cfg(miri)]
fn map(bytes: usize) -> Option<Mapping> {
    let words = vec![0u64; bytes / 8].into_boxed_slice();
    Some(Mapping { start: Box::leak(words).as_mut_ptr(), bytes })
}

#[cfg(miri)]
fn unmap(mapped: Mapping) {
    let words = std::ptr::slice_from_raw_parts_mut(mapped.start, mapped.bytes / 8);
    // SAFETY: made by `map` from a box of this length.
    drop(unsafe { Box::from_raw(words) });
}

/// Bytes of a large page, where there are any.
const LARGE_PAGE: usize = 2 << 20;

#[cfg(not(miri))]
fn prefer_large_pages(memory: *mut u64, words: usize) {
    // SAFETY: the range is that of a block's memory, whose contents this advice does not change.
    let advised =
        unsafe { rustix::mm::madvise(memory.cast(), 8 * words, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without them uses others.
    let _ = advised;
}

#[cfg(miri)]
fn prefer_large_pages(_: *mut u64, _: usize) {}

/// Words in an ordinary chunk of old space; larger objects get a chunk of their own.
const CHUNK_WORDS: usize = 1 << 17;
/// A space of few words has chunks of at most this part of them, down to so many words.
const MIN_CHUNK_COUNT: usize = 1 << 7;
const MIN_CHUNK_WORDS: usize = 1 << 12;

/// The old space: chunks, of which the last is being filled.
pub(crate) struct OldSpace {
    chunks: Vec<Block>,
    /// Words in an ordinary chunk.
    chunk: usize,
    capacity: usize,
}

/// A place in an old space up to which objects have been scanned.
#[derive(Clone, Copy, Default)]
pub(crate) struct ScanCursor {
    chunk: usize,
    offset: usize,
}

impl OldSpace {
    /// An empty space that is to have at most about so many words.
    pub(crate) fn new(limit: usize) -> OldSpace {
        let chunk = (limit / MIN_CHUNK_COUNT).clamp(MIN_CHUNK_WORDS, CHUNK_WORDS);
        OldSpace { chunks: Vec::new(), chunk, capacity: 0 }
    }

    /// Leaves an empty space of the same kind.
    pub(crate) fn take_all(&mut self) -> OldSpace {
        let empty = OldSpace { chunks: Vec::new(), capacity: 0, ..*self };
        std::mem::replace(self, empty)
    }

    /// Room for `words` words.
    #[inline]
    pub(crate) fn take(&mut self, words: usize) -> usize {
        if let Some(last) = self.chunks.last_mut()
            && let Some(address) = last.take(words)
        {
            return address;
        }
        let size = self.chunk.max(words);
        let mut chunk = Block::new(size);
        let address = chunk.address(0);
        let taken = chunk.take(words);
        debug_assert_eq!(taken, Some(address));
        self.chunks.push(chunk);
        self.capacity += size;
        address
    }

    /// Takes back the last `words` words that were handed out, if they end at that address.
    pub(crate) fn give_back(&mut self, end: usize, words: usize) -> bool {
        self.chunks.last_mut().is_some_and(|chunk| chunk.give_back(end, words))
    }

    /// Words reserved from the system.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where the next object will be, or the start of the chunk after it.
    pub(crate) fn end(&self) -> ScanCursor {
        match self.chunks.len() {
            0 => ScanCursor::default(),
            n => ScanCursor { chunk: n - 1, offset: self.chunks[n - 1].used() },
        }
    }

    /// The address of the object at the cursor, stepping over the ends of chunks; nothing if
    /// everything has been scanned.
    pub(crate) fn at(&self, cursor: &mut ScanCursor) -> Option<usize> {
        loop {
            let chunk = self.chunks.get(cursor.chunk)?;
            if cursor.offset < chunk.used() {
                return Some(chunk.address(cursor.offset));
            }
            if cursor.chunk + 1 >= self.chunks.len() {
                return None;
            }
            *cursor = ScanCursor { chunk: cursor.chunk + 1, offset: 0 };
        }
    }

    /// Whether the address lies in one of the chunks (slow; for checks).
    #[cfg(debug_assertions)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.chunks.iter().any(|c| c.contains(address))
    }
}

impl ScanCursor {
    /// Steps over an object of that many words, header included.
    pub(crate) fn step(&mut self, words: usize) {
        self.offset += words;
    }
}
