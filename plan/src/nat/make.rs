//! Construction of nats: an object as large as the result can be is allocated once, written in
//! place, and shortened to the size that it needs.
//!
//! Operands are read from the evaluation stack after the allocation, which may have moved them.

use super::{NatRef, limbs};
use crate::error::EvalError;
use crate::heap::{HeapFull, HeapMemory, ObjectDraft, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};

/// A nat under construction. Nothing may be allocated before it is finished.
pub struct NatDraft {
    object: ObjectDraft,
    limbs: usize,
}

impl NatDraft {
    /// Allocates a nat of at most that many limbs. May collect.
    pub fn new(heap: &mut RawHeap, limbs: u64) -> Result<NatDraft, HeapFull> {
        let size = usize::try_from(limbs).unwrap_or(usize::MAX).max(1);
        heap.reserve(size.saturating_add(1))?;
        let object = heap.allocate(ObjectLayout::Big, 0, size);
        Ok(NatDraft { object, limbs: limbs as usize })
    }

    /// Allocates a nat of at most that many limbs, at least 1, without a collection. `None` if the nursery
    /// has no room.
    #[inline(always)]
    pub(super) fn without_collection(heap: &mut HeapMemory, limbs: usize) -> Option<NatDraft> {
        if !heap.has_room(limbs + 1) {
            return None;
        }
        let object = heap.allocate(ObjectLayout::Big, 0, limbs);
        Some(NatDraft { object, limbs })
    }

    /// Makes the nat that of its lowest limbs.
    #[inline(always)]
    pub(super) fn truncate(&mut self, limbs: usize) {
        self.limbs = self.limbs.min(limbs);
    }

    /// Returns the limbs, least significant first. The caller writes all of them: their contents
    /// are undefined.
    #[inline(always)]
    pub fn limbs(&mut self) -> &mut [u64] {
        self.object.raw_words_mut(0, self.limbs)
    }

    /// Returns the finished nat. The most significant limbs may be zero.
    #[inline(always)]
    pub fn finish(mut self, heap: &mut HeapMemory) -> Word {
        match NatRef::from_limbs(self.limbs()) {
            NatRef::Small(nat) => {
                heap.discard(self.object);
                Word::direct(nat)
            }
            NatRef::Limbs(limbs) => {
                let size = limbs.len();
                heap.shorten(self.object, size)
            }
        }
    }
}

/// Makes a nat of at most `limbs` limbs. `fill` writes all of them.
pub(crate) fn fill_nat(
    heap: &mut RawHeap,
    limbs: usize,
    fill: impl FnOnce(&HeapMemory, &mut [u64]),
) -> Result<Word, HeapFull> {
    let mut draft = NatDraft::new(heap, limbs as u64)?;
    fill(heap, draft.limbs());
    Ok(draft.finish(heap))
}

/// Makes the nat with these limbs, which are not on the heap. The most significant limbs may be
/// zero.
pub fn from_limbs(heap: &mut RawHeap, limbs: &[u64]) -> Result<Word, HeapFull> {
    match NatRef::from_limbs(limbs) {
        NatRef::Small(nat) => Ok(Word::direct(nat)),
        NatRef::Limbs(limbs) => fill_nat(heap, limbs.len(), |_, out| out.copy_from_slice(limbs)),
    }
}

/// Makes the nat with these bytes, least significant first, which are not on the heap.
pub fn from_bytes(heap: &mut RawHeap, bytes: &[u8]) -> Result<Word, HeapFull> {
    fill_nat(heap, bytes.len().div_ceil(8), |_, out| limbs::from_bytes(out, bytes))
}

/// Returns a word as a nat; 0 if it is anything else (PLAN's cast).
#[inline(always)]
pub fn cast(heap: &HeapMemory, word: Word) -> NatRef<'_> {
    if matches!(word.kind(), WordKind::Nat | WordKind::Big) {
        NatRef::of(heap, word)
    } else {
        NatRef::Small(0)
    }
}

/// Pops a value, and returns its cast to a nat plus 1.
#[cold]
pub fn increment(heap: &mut RawHeap) -> Result<Word, EvalError> {
    let limbs = cast(heap, heap.stack.peek(0)).limbs().len() + 1;
    let next = fill_nat(heap, limbs, |heap, out| {
        limbs::increment(out, cast(heap, heap.stack.peek(0)).limbs());
    })?;
    heap.stack.pop();
    Ok(next)
}

/// Pops a nat that is not 0, and returns it minus 1.
#[cold]
pub fn predecessor(heap: &mut RawHeap) -> Result<Word, EvalError> {
    let limbs = cast(heap, heap.stack.peek(0)).limbs().len();
    let previous = fill_nat(heap, limbs, |heap, out| {
        limbs::decrement(out, cast(heap, heap.stack.peek(0)).limbs());
    })?;
    heap.stack.pop();
    Ok(previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bar::BarDraft;
    use crate::samples::heap;

    /// A nat of 20,000 limbs, more than the nursery has; `used` of them are not zero.
    fn drafted(heap: &mut RawHeap, used: usize) -> Word {
        fill_nat(heap, 20_000, |_, out| {
            out.fill(0);
            out[..used].fill(7);
        })
        .unwrap()
    }

    #[test]
    fn unused_limbs_of_a_result_are_returned() {
        for stress in [false, true] {
            let heap = &mut heap(stress).0;
            assert_eq!(drafted(heap, 1), Word::direct(7));
            let before = drafted(heap, 3);
            heap.stack.push(before);
            assert_eq!(drafted(heap, 0), Word::ZERO);
            let after = drafted(heap, 10_000);
            heap.stack.push(after);
            heap.collect_young();
            heap.collect_all();
            assert_eq!(cast(heap, heap.stack.peek(1)), NatRef::Limbs(&[7; 3]));
            assert_eq!(cast(heap, heap.stack.peek(0)), NatRef::Limbs(&[7; 10_000]));
        }
    }

    #[test]
    fn results_larger_than_the_heap_are_refused() {
        let heap = &mut heap(false).0;
        for limbs in [1 << 40, u64::MAX] {
            assert!(NatDraft::new(heap, limbs).is_err());
            assert!(BarDraft::new(heap, limbs).is_err());
        }
    }
}
