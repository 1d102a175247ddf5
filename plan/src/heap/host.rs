//! [`HeapHost`]: the roots and the labels of known laws that the owner of a heap supplies.
//!
//! A heap finds its own roots on its stack, behind its handles and in its remembered set. An
//! evaluator has more: the constants of the laws it has decoded, and the frames of compiled code.
//! It passes them to the collector through [`HeapHost`], so that this crate does not depend on
//! evaluation.

use super::collection::{CodeMarker, Collection};
use super::memory::HeapMemory;
use crate::digest::Hash;
use crate::word::Word;

/// The owner of a heap.
///
/// # Safety
/// [`HeapHost::visit_roots`] must pass every word of the host that may point to an object that
/// moves to [`Collection::visit_root`]; words that it leaves out must never be used again.
/// [`HeapHost::list_roots`] must pass all of these words, and the addresses by which the host knows
/// frozen objects. In a
/// young collection, a host may leave out words that were not young after the previous collection
/// (`visit_root` returns this) and that have not changed since. An implementation keeps to the
/// [contract](super::RawHeap#contract) with the `HeapMemory` and the `Collection` that it gets.
pub unsafe trait HeapHost: 'static {
    /// Returns the estimated size of the host's data in words. Full collections free such data, so
    /// its size counts towards the next one.
    fn weight(&self) -> usize;

    /// Begins a full collection: clears the marks of the previous one.
    fn begin_full(&mut self);

    /// Visits the host's roots; in a full collection, those that do not depend on marked code.
    fn visit_roots(&mut self, collection: &mut Collection<'_>);

    /// Visits, in a full collection, the roots that have become reachable because code was marked.
    /// Returns false if there were none.
    fn visit_marked(&mut self, collection: &mut Collection<'_>) -> bool;

    /// Passes every word of the host that may point to an object to `list`, also those of code that is
    /// dead, and a word of each frozen object for which the host keeps something by its address.
    /// Nothing is young: all objects have just become old.
    fn list_roots(&mut self, list: &mut dyn FnMut(Word));

    /// Ends a full collection: frees the code that was not marked.
    fn finish_full(&mut self, collection: &mut Collection<'_>);

    /// Returns the part of the host that marks code.
    fn marker(&mut self) -> &mut dyn CodeMarker;

    /// Returns the label for pins of this law, if the host knows the law. Called once for each pin
    /// of a law that is made, with the law and its hash.
    fn label(&self, memory: &HeapMemory, law: Word, hash: &Hash) -> Option<u32>;

    /// Whether [`HeapHost::label`] ever returns one. If not, the laws of new pins are not hashed
    /// for it.
    fn has_labels(&self) -> bool;
}

/// A host without roots and labels, for a heap without an evaluator.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoHost;

impl CodeMarker for NoHost {
    fn mark_code(&mut self, _: Word) {}

    fn mark_frozen(&mut self, _: Word) {}
}

// SAFETY: the host holds no words.
unsafe impl HeapHost for NoHost {
    fn weight(&self) -> usize {
        0
    }

    fn begin_full(&mut self) {}

    fn visit_roots(&mut self, _: &mut Collection<'_>) {}

    fn visit_marked(&mut self, _: &mut Collection<'_>) -> bool {
        false
    }

    fn list_roots(&mut self, _: &mut dyn FnMut(Word)) {}

    fn finish_full(&mut self, _: &mut Collection<'_>) {}

    fn marker(&mut self) -> &mut dyn CodeMarker {
        self
    }

    fn label(&self, _: &HeapMemory, _: Word, _: &Hash) -> Option<u32> {
        None
    }

    fn has_labels(&self) -> bool {
        false
    }
}
