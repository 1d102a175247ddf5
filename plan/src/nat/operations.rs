//! Operations on the words of nats that neither collect nor use the stack.
//!
//! Most operands have few limbs, so that reading them again from the stack after an allocation that may
//! have moved them takes longer than the arithmetic. These functions allocate only in the room that
//! the nursery has, so the operands stay where they are. They return `None` where there is no
//! room, and where malachite is faster; then the caller uses the functions that collect.
//!
//! A word that is not a nat counts as 0, except in [`compare`].

use super::large::SCHOOLBOOK_LIMIT;
use super::limbs::{self, DIVIDEND_LIMIT, DIVISOR_LIMIT, ShortQuotient};
use super::{NatDraft, cast};
use crate::heap::HeapMemory;
use crate::word::{DIRECT_LIMIT, Word, WordKind};
use std::cmp::Ordering;

/// The most limbs of the result of a shift.
const SHIFTED_LIMIT: u64 = 1 << 12;

/// Returns the sum.
#[inline]
pub fn add(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    if let (Some(a), Some(b)) = (one_limb(heap, a), one_limb(heap, b)) {
        return two_limbs(heap, u128::from(a) + u128::from(b));
    }
    let limbs = limb_count(heap, a).max(limb_count(heap, b)) + 1;
    with(heap, limbs, a, b, limbs::add)
}

/// Returns the difference; 0 if it is negative.
#[inline]
pub fn sub(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    let (left, right) = (cast(heap, a), cast(heap, b));
    if left.compare(right).is_le() {
        return Some(Word::ZERO);
    }
    let limbs = left.limbs().len();
    with(heap, limbs, a, b, limbs::sub)
}

/// Returns the product, if one of the factors is short enough.
#[inline]
pub fn mul(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    if let (Some(a), Some(b)) = (one_limb(heap, a), one_limb(heap, b)) {
        return two_limbs(heap, u128::from(a) * u128::from(b));
    }
    let (left, right) = (limb_count(heap, a), limb_count(heap, b));
    match left.min(right) {
        0 => Some(Word::ZERO),
        1..=SCHOOLBOOK_LIMIT => with(heap, left + right, a, b, limbs::mul),
        _ => None,
    }
}

/// Returns the quotient, if the numbers are short enough; 0 if the divisor is 0.
#[inline]
pub fn div(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    let (left, right) = (cast(heap, a), cast(heap, b));
    if let Some(divisor) = right.to_u64() {
        let limbs = left.limbs().len();
        if divisor == 0 || limbs == 0 {
            return Some(Word::ZERO);
        }
        if limbs > DIVIDEND_LIMIT {
            return None;
        }
        return with(heap, limbs, a, b, |out, a, _| {
            limbs::div_limb(out, a, divisor);
        });
    }
    if left.compare(right).is_lt() {
        return Some(Word::ZERO);
    }
    if let Some(division) = ShortQuotient::new(left.limbs(), right.limbs()) {
        return Some(Word::direct(division.quotient()));
    }
    let counts = [left.limbs().len(), right.limbs().len()];
    let mut draft = division(heap, counts, [a, b])?;
    let quotient = draft.limbs();
    quotient.copy_within(counts[1].., 0);
    draft.truncate(counts[0] - counts[1] + 1);
    Some(draft.finish(heap))
}

/// Returns the remainder, if the numbers are short enough; the dividend if the divisor is 0.
#[inline]
pub fn rem(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    let (left, right) = (cast(heap, a), cast(heap, b));
    if let Some(divisor) = right.to_u64() {
        if divisor == 0 {
            return Some(cast_word(a));
        }
        if left.limbs().len() <= DIVIDEND_LIMIT {
            let remainder = limbs::rem_limb(left.limbs(), divisor);
            return limb(heap, remainder);
        }
        return None;
    }
    let counts = [left.limbs().len(), right.limbs().len()];
    if ShortQuotient::new(left.limbs(), right.limbs()).is_some() {
        return with(heap, counts[1], a, b, |out, a, b| {
            if let Some(division) = ShortQuotient::new(a, b) {
                division.remainder(out);
            }
        });
    }
    if left.compare(right).is_lt() {
        return Some(cast_word(a));
    }
    let mut draft = division(heap, counts, [a, b])?;
    draft.truncate(counts[1]);
    Some(draft.finish(heap))
}

/// Returns the nat whose bits are `op` of those of two nats.
#[inline(always)]
pub fn bitwise(
    heap: &mut HeapMemory,
    a: Word,
    b: Word,
    op: impl Fn(u64, u64) -> u64,
) -> Option<Word> {
    let limbs = limb_count(heap, a).max(limb_count(heap, b));
    if limbs == 0 {
        return Some(Word::ZERO);
    }
    with(heap, limbs, a, b, |out, a, b| limbs::bitwise(out, a, b, op))
}

/// Returns the first nat shifted left by the second, if the result is short enough.
#[inline]
pub fn shift_left(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    let by = cast(heap, b).saturating_u64();
    if cast(heap, a).is_zero() {
        return Some(Word::ZERO);
    }
    let limbs = limbs::shifted_left_len(cast(heap, a).limbs(), by);
    if limbs > SHIFTED_LIMIT {
        return None;
    }
    with(heap, limbs as usize, a, b, |out, a, _| limbs::shift_left(out, a, by))
}

/// Returns the first nat shifted right by the second.
#[inline]
pub fn shift_right(heap: &mut HeapMemory, a: Word, b: Word) -> Option<Word> {
    let by = cast(heap, b).saturating_u64();
    let limbs = cast(heap, a).bits().saturating_sub(by).div_ceil(limbs::BITS);
    if limbs == 0 {
        return Some(Word::ZERO);
    }
    with(heap, limbs as usize, a, b, |out, a, _| limbs::shift_right(out, a, by))
}

/// Compares two nats; `None` if a word is something else.
#[inline]
pub fn compare(heap: &HeapMemory, a: Word, b: Word) -> Option<Ordering> {
    let is_nat = |word: Word| matches!(word.kind(), WordKind::Nat | WordKind::Big);
    (is_nat(a) && is_nat(b)).then(|| cast(heap, a).compare(cast(heap, b)))
}

/// Returns the word, if it is a nat; else 0.
#[inline(always)]
fn cast_word(word: Word) -> Word {
    if matches!(word.kind(), WordKind::Nat | WordKind::Big) { word } else { Word::ZERO }
}

/// Returns the nat, if it is below 2^64.
#[inline(always)]
fn one_limb(heap: &HeapMemory, word: Word) -> Option<u64> {
    cast(heap, word).to_u64()
}

/// Returns the number of limbs.
#[inline(always)]
fn limb_count(heap: &HeapMemory, word: Word) -> usize {
    cast(heap, word).limbs().len()
}

/// Returns the nat of at most `limbs` limbs that `fill` computes from those of two words.
#[inline(always)]
fn with(
    heap: &mut HeapMemory,
    limbs: usize,
    a: Word,
    b: Word,
    fill: impl FnOnce(&mut [u64], &[u64], &[u64]),
) -> Option<Word> {
    let mut draft = NatDraft::without_collection(heap, limbs)?;
    fill(draft.limbs(), cast(heap, a).limbs(), cast(heap, b).limbs());
    Some(draft.finish(heap))
}

/// Returns a draft with the result of [`limbs::divide`] for numbers of these lengths.
#[inline(always)]
fn division(heap: &mut HeapMemory, counts: [usize; 2], [a, b]: [Word; 2]) -> Option<NatDraft> {
    if counts[0] > DIVIDEND_LIMIT || counts[1] > DIVISOR_LIMIT {
        return None;
    }
    let mut draft = NatDraft::without_collection(heap, counts[0] + 1)?;
    limbs::divide(draft.limbs(), cast(heap, a).limbs(), cast(heap, b).limbs());
    Some(draft)
}

/// Returns the nat with this limb.
#[inline(always)]
fn limb(heap: &mut HeapMemory, limb: u64) -> Option<Word> {
    if limb < DIRECT_LIMIT {
        return Some(Word::direct(limb));
    }
    let mut draft = NatDraft::without_collection(heap, 1)?;
    draft.limbs()[0] = limb;
    Some(draft.finish(heap))
}

/// Returns the nat of a number of two limbs.
#[inline(always)]
fn two_limbs(heap: &mut HeapMemory, number: u128) -> Option<Word> {
    let [low, high] = [number as u64, (number >> 64) as u64];
    if high == 0 {
        return limb(heap, low);
    }
    let mut draft = NatDraft::without_collection(heap, 2)?;
    draft.limbs().copy_from_slice(&[low, high]);
    Some(draft.finish(heap))
}
