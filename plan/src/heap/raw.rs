//! [`RawHeap`]: the memory of a heap and its host, and the room that is reserved in it.

use super::host::Host;
use super::memory::Memory;
use super::options::Options;
use crate::layout::PAYLOAD_MAX;
use std::ops::{Deref, DerefMut};

/// The heap could not hold what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapFull;

/// A heap, its words within reach.
///
/// # Contract
/// Its methods, those of the [`Memory`] that it dereferences to, and the functions of [`crate::raw`]
/// take [words](crate::raw::Word). Who makes one by [`RawHeap::new`] promises that
///
/// - a word is handed only to the heap that it came from, and not after a collection
///   ([`RawHeap::reserve`] and all that calls it) since it was read;
/// - an index handed to the stack lies below its top, and room was asked for before it is pushed to;
/// - an index into an object's payload is one that its layout has;
/// - a [`Draft`] is written whole and finished before the next collection.
pub struct RawHeap<H: Host + ?Sized = dyn Host> {
    /// The words.
    pub memory: Memory,
    /// The owner's part.
    pub host: H,
}

impl<H: Host + ?Sized> Deref for RawHeap<H> {
    type Target = Memory;

    #[inline(always)]
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl<H: Host + ?Sized> DerefMut for RawHeap<H> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

impl<H: Host> RawHeap<H> {
    /// An empty heap.
    ///
    /// # Safety
    /// All code that has access to it keeps to the [contract](RawHeap#contract).
    ///
    /// # Errors
    /// If the system does not grant the stack's address range.
    pub unsafe fn new(options: Options, host: H) -> std::io::Result<RawHeap<H>> {
        Ok(RawHeap { memory: Memory::new(options)?, host })
    }
}

impl<H: Host + ?Sized> RawHeap<H> {
    /// Makes sure that objects of `words` words in all, headers included, can be allocated without
    /// a collection. Any word held in a Rust local is stale afterwards.
    ///
    /// # Errors
    /// [`HeapFull`] if the live data would outgrow the heap.
    #[inline(always)]
    pub fn reserve(&mut self, words: usize) -> Result<(), HeapFull> {
        if self.memory.nursery.has_room(words) && !self.memory.options.stress {
            return Ok(());
        }
        self.make_room(words)
    }

    /// Collects so that objects of `words` words can be allocated.
    ///
    /// # Errors
    /// As for [`RawHeap::reserve`].
    #[cold]
    pub fn make_room(&mut self, words: usize) -> Result<(), HeapFull> {
        let limit = self.memory.options.max_heap / 8;
        if words > PAYLOAD_MAX || words > limit {
            return Err(HeapFull);
        }
        let large = words > self.memory.nursery.capacity() / 2;
        let collections = self.memory.statistics.minor + self.memory.statistics.major;
        if self.memory.options.stress && collections.is_multiple_of(8) {
            self.collect_all();
        } else {
            self.collect_young();
        }
        let asked = if large { words } else { 0 };
        let wanted = self.memory.old.capacity() + asked;
        if wanted > limit || wanted + self.host.weight() > self.memory.major_at {
            self.collect_all();
            if self.memory.old.capacity() + asked > limit / 4 * 3 {
                return Err(HeapFull);
            }
        }
        Ok(())
    }
}
