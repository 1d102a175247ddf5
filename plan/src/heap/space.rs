//! Spaces, which allocate objects by bumping a pointer.
//!
//! The nursery is one block; the old space is a list of chunks, so that it grows without moving. A
//! space does not know about objects: it returns addresses of words that stay in place until their
//! block is dropped.
//!
//! A small block comes from the memory allocator, so that thousands of small heaps need no mapping
//! each. A larger one is mapped: the system commits its pages when they are first touched, and gets
//! them back when the block is dropped. An allocator would keep them, and would touch all of a
//! reused block to zero it.
//!
//! # Safety
//!
//! A block owns its memory by a raw pointer with exposed provenance: objects are reached by address
//! (`object`), so no reference may claim the memory exclusively, as a `Box` does whenever it is
//! moved.

use crate::pinspace::range::is_frozen;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// A block of memory, allocated from its start.
pub(crate) struct MemoryBlock {
    memory: *mut u64,
    words: usize,
    origin: BlockOrigin,
    room: BumpRegion,
}

/// A range of addresses, allocated from its start.
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

    /// Allocates `words` words; `None` if there are fewer.
    #[inline(always)]
    pub(super) fn take(&mut self, words: usize) -> Option<usize> {
        if !self.has_room(words) {
            return None;
        }
        let address = self.next;
        self.next += 8 * words;
        Some(address)
    }

    /// Takes back the last `words` allocated words, if they end at address `end`. Returns whether
    /// they do.
    #[inline(always)]
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

    /// Returns the number of allocated words.
    pub(super) fn used(&self) -> usize {
        (self.next - self.base) / 8
    }
}

impl MemoryBlock {
    /// Allocates a block of `words` words, at least 1.
    pub(crate) fn new(words: usize) -> MemoryBlock {
        assert!(words > 0, "a block has memory");
        if words < MIN_MAPPED_WORDS {
            return MemoryBlock::allocated(words);
        }
        match map(8 * words) {
            Some(mapped) => MemoryBlock::new_in(mapped.start, words, BlockOrigin::Mapped(mapped)),
            None => handle_alloc_error(MemoryBlock::layout(words)),
        }
    }

    fn allocated(words: usize) -> MemoryBlock {
        let layout = MemoryBlock::layout(words);
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<u64>();
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        MemoryBlock::new_in(memory, words, BlockOrigin::Allocated)
    }

    /// Allocates a block in large pages if it is large enough for one, for blocks that will be
    /// filled. In a virtual machine the first touch of a page costs much more than filling it.
    pub(crate) fn in_large_pages(words: usize) -> MemoryBlock {
        if 8 * words < LARGE_PAGE {
            return MemoryBlock::new(words);
        }
        match map(8 * words + LARGE_PAGE) {
            Some(mapped) => MemoryBlock::in_mapping(mapped, words),
            None => handle_alloc_error(MemoryBlock::layout(words)),
        }
    }

    fn new_in(memory: *mut u64, words: usize, origin: BlockOrigin) -> MemoryBlock {
        let base = memory.expose_provenance();
        assert!(
            !is_frozen(base) && !is_frozen(base + 8 * words),
            "the allocator returns no address of the pin range"
        );
        MemoryBlock { memory, words, origin, room: BumpRegion::new(base, base + 8 * words) }
    }

    /// Returns a block that begins at the first large page of a mapping, which is one large page
    /// longer.
    fn in_mapping(mapped: Mapping, words: usize) -> MemoryBlock {
        let offset = mapped.start.addr().next_multiple_of(LARGE_PAGE) - mapped.start.addr();
        let memory = mapped.start.wrapping_byte_add(offset);
        prefer_large_pages(memory, words);
        MemoryBlock::new_in(memory, words, BlockOrigin::Mapped(mapped))
    }

    fn layout(words: usize) -> Layout {
        match Layout::array::<u64>(words) {
            Ok(layout) => layout,
            Err(_) => unreachable!("payloads are limited far below the address space"),
        }
    }

    /// Allocates `words` words; `None` if the block has fewer.
    #[inline(always)]
    pub(crate) fn take(&mut self, words: usize) -> Option<usize> {
        self.room.take(words)
    }

    /// Takes back the last `words` allocated words, if they end at address `end`. Returns whether
    /// they do.
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

    /// Returns the address of the word at that offset from the start, in words.
    pub(crate) fn address(&self, offset: usize) -> usize {
        self.room.base + 8 * offset
    }
}

impl Drop for MemoryBlock {
    fn drop(&mut self) {
        match self.origin {
            // SAFETY: `new` made it with this layout, and it is dropped once. Words that still
            // point into it are stale by the heap's invariant.
            BlockOrigin::Allocated => unsafe {
                dealloc(self.memory.cast(), MemoryBlock::layout(self.words));
            },
            BlockOrigin::Mapped(mapped) => unmap(mapped),
        }
    }
}

/// The source of a block's memory.
#[derive(Clone, Copy)]
enum BlockOrigin {
    /// The memory allocator.
    Allocated,
    /// A mapping that contains the block.
    Mapped(Mapping),
}

/// An anonymous mapping, which starts zeroed.
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
    // SAFETY: a new anonymous mapping, at an address that the kernel chooses, overlaps no other
    // memory.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, protection, flags) }.ok()?;
    Some(Mapping { start: start.cast(), bytes })
}

#[cfg(not(miri))]
fn unmap(mapped: Mapping) {
    // SAFETY: `map` made the mapping with this length. Words that still point into it are stale by
    // the heap's invariant.
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
    // SAFETY: `map` made it from a box of this length.
    drop(unsafe { Box::from_raw(words) });
}

/// The size of a large page in bytes.
const LARGE_PAGE: usize = 2 << 20;

#[cfg(not(miri))]
fn prefer_large_pages(memory: *mut u64, words: usize) {
    crate::platform::prefer_large_pages(memory.addr()..memory.addr() + 8 * words);
}

#[cfg(miri)]
fn prefer_large_pages(_: *mut u64, _: usize) {}

/// The number of words from which on a block is mapped.
const MIN_MAPPED_WORDS: usize = 1 << 15;

/// The smallest and the largest number of words in an ordinary chunk of old space. A larger object
/// gets a chunk of its own.
const MIN_CHUNK_WORDS: usize = 1 << 12;
const MAX_CHUNK_WORDS: usize = 1 << 21;
/// A new chunk has at most this fraction of the space's limit, as long as chunks are larger than
/// the smallest.
const CHUNK_LIMIT_SHARE: usize = 1 << 7;
/// A new chunk has this fraction of the space so far, so that a small space wastes little and a
/// large one has few chunks.
const CHUNK_GROWTH_SHARE: usize = 1 << 3;

/// The old space: a list of chunks; objects are allocated in the last one.
pub(crate) struct OldSpace {
    chunks: Vec<MemoryBlock>,
    /// Mapped blocks without objects, for new chunks: the system takes more time to commit and clear
    /// pages than a collection to fill them.
    spare: Vec<MemoryBlock>,
    /// The largest number of words in an ordinary chunk.
    max_chunk: usize,
    /// Allocated words in all chunks but the last.
    filled: usize,
}

/// The position in an old space up to which a collection has scanned objects.
#[derive(Clone, Copy, Default)]
pub(crate) struct ScanCursor {
    chunk: usize,
    offset: usize,
}

impl OldSpace {
    /// Creates an empty space for about `limit` words.
    pub(crate) fn new(limit: usize) -> OldSpace {
        let max_chunk = (limit / CHUNK_LIMIT_SHARE).clamp(MIN_CHUNK_WORDS, MAX_CHUNK_WORDS);
        OldSpace { chunks: Vec::new(), spare: Vec::new(), max_chunk, filled: 0 }
    }

    /// Returns the chunks as a space of their own, and leaves an empty one of the same kind with the
    /// spare blocks.
    pub(crate) fn take_all(&mut self) -> OldSpace {
        let (max_chunk, spare) = (self.max_chunk, std::mem::take(&mut self.spare));
        std::mem::replace(self, OldSpace { chunks: Vec::new(), spare, max_chunk, filled: 0 })
    }

    /// Makes chunks of a space whose objects are dead spare, so that there are at most `words` spare
    /// words. Other blocks go back to the system.
    pub(crate) fn reuse(&mut self, dead: OldSpace, words: usize) {
        let mut left = words;
        self.spare.extend(dead.chunks);
        self.spare.retain_mut(|block| {
            let is_kept = matches!(block.origin, BlockOrigin::Mapped(_)) && block.words <= left;
            if is_kept {
                left -= block.words;
                block.room.next = block.room.base;
            }
            is_kept
        });
    }

    /// Allocates `words` words.
    #[inline]
    pub(crate) fn take(&mut self, words: usize) -> usize {
        if let Some(last) = self.chunks.last_mut()
            && let Some(address) = last.take(words)
        {
            return address;
        }
        self.take_in_new_chunk(words)
    }

    /// Returns the size of the next ordinary chunk in words: whole large pages, from half of one on.
    fn next_chunk_size(&self) -> usize {
        let size = (self.filled / CHUNK_GROWTH_SHARE).clamp(MIN_CHUNK_WORDS, self.max_chunk);
        match size >= LARGE_PAGE / 8 / 2 {
            true => size.next_multiple_of(LARGE_PAGE / 8),
            false => size,
        }
    }

    #[cold]
    fn take_in_new_chunk(&mut self, words: usize) -> usize {
        self.filled = self.used();
        let size = self.next_chunk_size().max(words);
        let mut chunk = match self.spare.iter().position(|block| block.words >= words) {
            Some(index) => self.spare.swap_remove(index),
            None => MemoryBlock::in_large_pages(size),
        };
        let address = chunk.address(0);
        let taken = chunk.take(words);
        debug_assert_eq!(taken, Some(address));
        self.chunks.push(chunk);
        address
    }

    /// Takes back the last `words` allocated words, if they end at address `end`. Returns whether
    /// they do.
    pub(crate) fn give_back(&mut self, end: usize, words: usize) -> bool {
        self.chunks.last_mut().is_some_and(|chunk| chunk.give_back(end, words))
    }

    /// Returns the number of allocated words. Those at the end of a chunk that have not been
    /// allocated do not count: no page of them has been touched.
    pub(crate) fn used(&self) -> usize {
        self.filled + self.chunks.last().map_or(0, MemoryBlock::used)
    }

    /// Returns the position of the next object, or of the start of the chunk after it.
    pub(crate) fn end(&self) -> ScanCursor {
        match self.chunks.len() {
            0 => ScanCursor::default(),
            n => ScanCursor { chunk: n - 1, offset: self.chunks[n - 1].used() },
        }
    }

    /// Returns the address of the object at the cursor, which moves on to the next chunk at the end
    /// of one; `None` if everything has been scanned.
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

    /// Whether the address is in one of the chunks. Slow: for checks only.
    #[cfg(debug_assertions)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.chunks.iter().any(|c| c.contains(address))
    }
}

impl ScanCursor {
    /// Moves past an object of that many words, header included.
    pub(crate) fn step(&mut self, words: usize) {
        self.offset += words;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_blocks_of_dead_objects_are_filled_again_up_to_a_limit() {
        let mut space = OldSpace::new(1 << 30);
        let large = 2 * MIN_MAPPED_WORDS;
        let addresses = [large, large, 4 * large].map(|words| space.take(words));
        let dead = space.take_all();
        assert_eq!(space.used(), 0);
        // One block exceeds the limit.
        space.reuse(dead, 3 * large);
        let first = space.take(large);
        let second = space.take(large);
        assert!(addresses.contains(&first) && addresses.contains(&second) && first != second);
        assert_eq!(space.used(), 2 * large);
        let third = space.take(large);
        assert!(third != first && third != second);
        // What is spare stays spare while the objects move.
        let dead = space.take_all();
        space.reuse(dead, 2 * large);
        let dead = space.take_all();
        let (again, other) = (space.take(large), space.take(large));
        assert!(again != other && [first, second, third].contains(&again));
        drop(dead);
    }

    #[test]
    fn small_blocks_go_back_to_the_allocator() {
        let mut space = OldSpace::new(0);
        space.take(MIN_CHUNK_WORDS);
        let dead = space.take_all();
        space.reuse(dead, usize::MAX);
        assert!(space.spare.is_empty());
    }
}
