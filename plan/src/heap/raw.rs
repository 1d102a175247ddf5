//! [`RawHeap`]: the memory of a heap with its host, the reservation of memory, and the contract
//! that makes access to words sound.
//!
//! # Safety
//!
//! Access to a word costs one instruction on the hottest paths, so the methods of [`RawHeap`],
//! [`HeapMemory`] and [`EvalStack`](super::EvalStack) are not `unsafe fn`, and check their
//! arguments in debug and stress builds only. They are sound because safe code cannot call them
//! without an earlier `unsafe` call that promises the [contract](RawHeap#contract):
//!
//! - [`RawHeap::new`] is `unsafe`, and the only function outside this module's parent that returns
//!   a `RawHeap`, `HeapMemory` or `EvalStack`: `HeapMemory::new` and `EvalStack::new` are private
//!   to [`crate::heap`], and the types are neither `Clone` nor `Default`.
//! - [`Heap`](crate::Heap) keeps its `RawHeap` private to this crate. `Heap::raw` and
//!   `Heap::raw_mut` are `unsafe`; `Heap::from_raw` needs a reference to a `RawHeap` first.
//! - [`Ref`](crate::Ref), [`Items`](crate::Items) and [`ValueBuilder`](crate::ValueBuilder) hold
//!   such references in fields that are private to this crate, and return none.
//!   [`ObjectDraft`](super::ObjectDraft), [`ObjectRef`](super::ObjectRef) and
//!   [`Collection`](super::Collection) are only obtained from a `RawHeap` or inside a
//!   [`HeapHost`]'s methods.
//! - [`HeapHost`] is an unsafe trait. Its methods get a `HeapMemory` or a `Collection`; an
//!   implementation keeps to the contract with these as well.
//! - [`Word`](crate::raw::Word)s can be made from any bits, but only the functions above read
//!   memory through one. `Val` has no public constructor, so safe code cannot put such a word into
//!   a heap.
//! - `std::mem::swap` and `replace` need two values of a sized type behind exclusive references.
//!   Outside this crate a `Heap` appears as `Heap<dyn HeapHost>`, which is unsized. Two builders
//!   can be swapped: each keeps its heap and its base.

use super::host::HeapHost;
use super::memory::HeapMemory;
use super::options::HeapOptions;
use crate::layout::PAYLOAD_MAX;
use std::ops::{Deref, DerefMut};

/// The live data and the requested words exceed the heap's limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapFull;

/// A heap with direct access to its words.
///
/// # Contract
/// Its methods, those of the [`HeapMemory`] that it dereferences to, and the functions of
/// [`crate::raw`] take [words](crate::raw::Word) and do not validate them. The caller of
/// [`RawHeap::new`] promises that
///
/// - a word is passed only to the heap that it came from, and not after a collection
///   ([`RawHeap::reserve`] and all its callers) since it was read;
/// - a stack index is below the stack's top, a range of the stack is below it too, and
///   [`EvalStack::has_room`](super::EvalStack::has_room) has been asked before a word is pushed;
/// - an index into an object's payload is one that its layout has;
/// - every word of a [`ObjectDraft`](super::ObjectDraft) is written, and the draft finished, before
///   the next collection;
/// - no part of the heap is replaced by a part of another heap;
/// - the stack is exchanged for another only where no stack index of the one is used with the
///   other.
pub struct RawHeap<H: HeapHost + ?Sized = dyn HeapHost> {
    /// Objects, stack and handles.
    pub memory: HeapMemory,
    /// The part of the heap's owner.
    pub host: H,
}

impl<H: HeapHost + ?Sized> Deref for RawHeap<H> {
    type Target = HeapMemory;

    #[inline(always)]
    fn deref(&self) -> &HeapMemory {
        &self.memory
    }
}

impl<H: HeapHost + ?Sized> DerefMut for RawHeap<H> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut HeapMemory {
        &mut self.memory
    }
}

impl<H: HeapHost> RawHeap<H> {
    /// Creates an empty heap.
    ///
    /// # Safety
    /// All code that gets a reference to the heap keeps to the [contract](RawHeap#contract).
    ///
    /// # Errors
    /// If the system cannot reserve the stack's address range.
    pub unsafe fn new(options: HeapOptions, host: H) -> std::io::Result<RawHeap<H>> {
        Ok(RawHeap { memory: HeapMemory::new(options)?, host })
    }
}

impl<H: HeapHost + ?Sized> RawHeap<H> {
    /// Reserves `words` words, so that objects of that total size, headers included, can be
    /// allocated without a collection. Any word held in a Rust local is stale afterwards.
    ///
    /// # Errors
    /// [`HeapFull`] if the live data would exceed the heap's limit.
    #[inline(always)]
    pub fn reserve(&mut self, words: usize) -> Result<(), HeapFull> {
        if self.memory.has_room(words) {
            return Ok(());
        }
        self.make_room(words)
    }

    /// Collects until objects of `words` words can be allocated; does not collect if only a sample
    /// of a profile is due.
    ///
    /// # Errors
    /// As for [`RawHeap::reserve`].
    #[cold]
    pub fn make_room(&mut self, words: usize) -> Result<(), HeapFull> {
        let limit = self.memory.options.max_heap / 8;
        if words > PAYLOAD_MAX || words > limit {
            return Err(HeapFull);
        }
        if self.memory.sample_allocation(words) {
            return Ok(());
        }
        let large = words > self.memory.nursery.capacity() / 2;
        let collections = self.memory.collections();
        let is_stressed = self.memory.options.stress && collections.is_multiple_of(8);
        if is_stressed && !self.memory.lender.is_lent() {
            self.collect_all();
        } else {
            self.collect_young();
        }
        let asked = if large { words } else { 0 };
        let wanted = self.memory.old.used() + asked;
        let is_due = wanted + self.host.weight() > self.memory.major_at;
        // While another thread reads old objects, a full collection that can wait does so.
        let is_at_limit = wanted > limit;
        if is_at_limit || (is_due && !self.memory.lender.is_lent()) {
            self.collect_all();
            // Otherwise a heap that is nearly full would be collected again and again.
            if is_at_limit && self.memory.old.used() + asked > limit / 4 * 3 {
                return Err(HeapFull);
            }
        }
        Ok(())
    }
}
