//! What the owner of a heap supplies: roots of its own, and labels for the pins of known laws.
//!
//! A heap finds its own roots on its stack, behind its handles and in its remembered set. An evaluator
//! holds more: the constants of the laws it has decoded, and the frames of compiled code. It hands them
//! to the collector through [`Host`], so that nothing in this crate knows of evaluation.

use super::collection::{CodeMarker, Collection};
use super::memory::Memory;
use crate::digest::Hash;
use crate::word::Word;

/// The owner of a heap.
///
/// # Safety
/// [`Host::visit_roots`] must hand every word that the host holds, and that may point to an object
/// which moves, to [`Collection::visit_root`]; words that it leaves out must never be used again.
/// For a young collection, a host may leave out words that were not young after the collection before
/// (`visit_root` says so) and that have not changed since.
pub unsafe trait Host: 'static {
    /// Words of memory that the host's own data is reckoned to take. Full collections free it, so
    /// it counts towards the next one.
    fn weight(&self) -> usize;

    /// Begins a full collection: forgets what was marked in the one before.
    fn begin_full(&mut self);

    /// Visits the host's roots; in a full collection, those that are reachable by themselves.
    fn visit_roots(&mut self, collection: &mut Collection<'_>);

    /// In a full collection: visits roots that have become reachable because code was marked. False
    /// if there are none left.
    fn visit_marked(&mut self, collection: &mut Collection<'_>) -> bool;

    /// Ends a full collection: frees what was not marked.
    fn finish_full(&mut self, collection: &mut Collection<'_>);

    /// The part of the host that marks code.
    fn marker(&mut self) -> &mut dyn CodeMarker;

    /// The label of pins of this law, if it is one that the host knows. Called once for each pin of a
    /// law that is made, with the law and its hash.
    fn label(&self, memory: &Memory, law: Word, hash: &Hash) -> Option<u32>;

    /// Whether [`Host::label`] ever gives one: if not, laws are not hashed for it.
    fn has_labels(&self) -> bool;
}

/// A host without roots and labels: values alone.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoHost;

impl CodeMarker for NoHost {
    fn mark_code(&mut self, _: Word) {}

    fn mark_frozen(&mut self, _: Word) {}
}

// SAFETY: it holds no words.
unsafe impl Host for NoHost {
    fn weight(&self) -> usize {
        0
    }

    fn begin_full(&mut self) {}

    fn visit_roots(&mut self, _: &mut Collection<'_>) {}

    fn visit_marked(&mut self, _: &mut Collection<'_>) -> bool {
        false
    }

    fn finish_full(&mut self, _: &mut Collection<'_>) {}

    fn marker(&mut self) -> &mut dyn CodeMarker {
        self
    }

    fn label(&self, _: &Memory, _: Word, _: &Hash) -> Option<u32> {
        None
    }

    fn has_labels(&self) -> bool {
        false
    }
}
