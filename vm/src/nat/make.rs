//! Making nats and bars: the object is allocated once, as large as the result can be, written to
//! where it stays, and cut to what it needs.
//!
//! Operands are found on the evaluation stack after the allocation, which may have moved them.

use super::{NatRef, limbs};
use crate::heap::object::{self, Layout};
use crate::heap::{Heap, HeapFull};
use crate::word::{Kind, Word};
use crate::{Stop, bar};

/// A nat that is being written. Nothing may be allocated before it is finished.
pub(crate) struct NatDraft {
    address: usize,
    limbs: usize,
}

impl NatDraft {
    /// Room for a nat of at most so many limbs. May collect.
    pub(crate) fn new(heap: &mut Heap, limbs: u64) -> Result<NatDraft, HeapFull> {
        let size = usize::try_from(limbs).unwrap_or(usize::MAX).max(1);
        heap.reserve(size.saturating_add(1))?;
        let address = heap.allocate(Layout::Big, 0, size);
        Ok(NatDraft { address, limbs: limbs as usize })
    }

    /// Its limbs, least first, of which all are to be written: there is anything in them.
    pub(crate) fn limbs(&mut self) -> &mut [u64] {
        object::raw_words_mut(self.address, 0, self.limbs)
    }

    /// The nat. Zero limbs at its upper end do not matter.
    pub(crate) fn finish(mut self, heap: &mut Heap) -> Word {
        let used = limbs::trimmed(self.limbs());
        match NatRef::from_limbs(used) {
            NatRef::Small(nat) => {
                heap.discard(self.address);
                Word::direct(nat)
            }
            NatRef::Limbs(limbs) => {
                let size = limbs.len();
                heap.cut(self.address, size);
                Word::object(Kind::Big, self.address)
            }
        }
    }
}

/// A bar that is being written. Nothing may be allocated before it is finished.
pub(crate) struct BarDraft {
    address: usize,
    length: usize,
}

impl BarDraft {
    /// Room for a bar of so many bytes. May collect.
    pub(crate) fn new(heap: &mut Heap, bytes: u64) -> Result<BarDraft, HeapFull> {
        let words = usize::try_from(bytes.div_ceil(8)).unwrap_or(usize::MAX);
        heap.reserve(words.saturating_add(2))?;
        let address = heap.allocate(Layout::Bar, 0, 1 + words);
        object::store_raw(address, 0, bytes);
        if words > 0 {
            // A bar ends in zero bytes up to a whole word.
            object::store_raw(address, words, 0);
        }
        Ok(BarDraft { address, length: bytes as usize })
    }

    /// Its bytes, of which all are to be written.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        object::bytes_mut(self.address, 1, self.length)
    }

    /// The bar.
    pub(crate) fn finish(self) -> Word {
        Word::object(Kind::Bar, self.address)
    }
}

/// The nat of at most so many limbs that `fill` writes, all of them.
fn fill_nat(
    heap: &mut Heap,
    limbs: usize,
    fill: impl FnOnce(&Heap, &mut [u64]),
) -> Result<Word, HeapFull> {
    let mut draft = NatDraft::new(heap, limbs as u64)?;
    fill(heap, draft.limbs());
    Ok(draft.finish(heap))
}

/// The nat with these limbs, which are not on the heap; zero limbs at their upper end do not matter.
pub(crate) fn from_limbs(heap: &mut Heap, limbs: &[u64]) -> Result<Word, HeapFull> {
    match NatRef::from_limbs(limbs) {
        NatRef::Small(nat) => Ok(Word::direct(nat)),
        NatRef::Limbs(limbs) => fill_nat(heap, limbs.len(), |_, out| out.copy_from_slice(limbs)),
    }
}

/// The nat with these bytes, least first, which are not on the heap.
pub(crate) fn from_bytes(heap: &mut Heap, bytes: &[u8]) -> Result<Word, HeapFull> {
    fill_nat(heap, bytes.len().div_ceil(8), |_, out| limbs::from_bytes(out, bytes))
}

/// The limbs of a little-endian number in bytes, without zero limbs at their upper end.
pub(crate) fn limbs_of_bytes(bytes: &[u8]) -> Vec<u64> {
    let mut limbs = vec![0; bytes.len().div_ceil(8)];
    limbs::from_bytes(&mut limbs, bytes);
    limbs.truncate(limbs::trimmed(&limbs).len());
    limbs
}

/// A word as a nat, 0 for anything else: PLAN's cast.
pub(crate) fn cast<'h>(word: Word) -> NatRef<'h> {
    if matches!(word.kind(), Kind::Nat | Kind::Big) { NatRef::of(word) } else { NatRef::Small(0) }
}

/// Takes a value off the stack, and gives one more than it as a nat.
#[cold]
pub(crate) fn increment(heap: &mut Heap) -> Result<Word, Stop> {
    let limbs = cast(heap.stack.peek(0)).limbs().len() + 1;
    let next = fill_nat(heap, limbs, |heap, out| {
        limbs::increment(out, cast(heap.stack.peek(0)).limbs());
    })?;
    heap.stack.pop();
    Ok(next)
}

/// Takes a nat that is not 0 off the stack, and gives the one before it.
#[cold]
pub(crate) fn predecessor(heap: &mut Heap) -> Result<Word, Stop> {
    let limbs = cast(heap.stack.peek(0)).limbs().len();
    let previous = fill_nat(heap, limbs, |heap, out| {
        limbs::decrement(out, cast(heap.stack.peek(0)).limbs());
    })?;
    heap.stack.pop();
    Ok(previous)
}

/// Takes a bar off the stack, and gives the nat that is the body of its law: its bytes and a one
/// above them.
pub(crate) fn bar_body(heap: &mut Heap) -> Result<Word, Stop> {
    let length = bar::bytes(heap.stack.peek(0)).len();
    let body = fill_nat(heap, length / 8 + 1, |heap, out| {
        limbs::from_bytes(out, bar::bytes(heap.stack.peek(0)));
        out[length / 8] |= 1 << (8 * (length % 8));
    })?;
    heap.stack.pop();
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::vm;

    /// Room for 20,000 limbs, more than the nursery has, of which `used` are not zero.
    fn drafted(heap: &mut Heap, used: usize) -> Word {
        fill_nat(heap, 20_000, |_, out| {
            out.fill(0);
            out[..used].fill(7);
        })
        .unwrap()
    }

    #[test]
    fn room_that_a_result_does_not_need_is_given_back() {
        for stress in [false, true] {
            let heap = &mut vm(stress).heap;
            assert_eq!(drafted(heap, 1), Word::direct(7));
            let before = drafted(heap, 3);
            heap.stack.push(before);
            assert_eq!(drafted(heap, 0), Word::ZERO);
            let after = drafted(heap, 10_000);
            heap.stack.push(after);
            heap.collect_young();
            heap.collect_all();
            assert_eq!(cast(heap.stack.peek(1)), NatRef::Limbs(&[7; 3]));
            assert_eq!(cast(heap.stack.peek(0)), NatRef::Limbs(&[7; 10_000]));
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        let heap = &mut vm(false).heap;
        for limbs in [1 << 40, u64::MAX] {
            assert!(NatDraft::new(heap, limbs).is_err());
            assert!(BarDraft::new(heap, limbs).is_err());
        }
    }
}
