//! Arithmetic on slices of limbs.
//!
//! A number is a slice of 64-bit limbs, least significant first; the most significant limbs may be
//! zero. A function writes all of the result slice that the caller provides; its documentation
//! gives the length of that slice. Nothing here allocates, except [`of_bytes`].

use std::cmp::Ordering;

/// The number of bits in a limb.
pub const BITS: u64 = 64;

/// Returns the number without its most significant zero limbs.
pub fn trimmed(limbs: &[u64]) -> &[u64] {
    let used = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
    &limbs[..used]
}

/// Compares two numbers.
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (trimmed(a), trimmed(b));
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// Returns the limbs of a little-endian number in bytes, without most significant zero limbs.
pub fn of_bytes(bytes: &[u8]) -> Vec<u64> {
    let mut limbs = vec![0; bytes.len().div_ceil(8)];
    from_bytes(&mut limbs, bytes);
    limbs.truncate(trimmed(&limbs).len());
    limbs
}

/// Writes the number with these bytes, least significant first, into as many limbs as it needs or
/// more.
pub fn from_bytes(out: &mut [u64], bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<8>();
    let (out, above) = out.split_at_mut(words.len());
    for (out, word) in out.iter_mut().zip(words) {
        *out = u64::from_le_bytes(*word);
    }
    above.fill(0);
    if let Some(last) = above.first_mut() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        *last = u64::from_le_bytes(word);
    }
}

/// Writes the number's lowest bytes, least significant first, as many as `out` has.
pub fn to_bytes(out: &mut [u8], limbs: &[u64]) {
    let (words, rest) = out.as_chunks_mut::<8>();
    let common = words.len().min(limbs.len());
    for (out, limb) in words.iter_mut().zip(limbs) {
        *out = limb.to_le_bytes();
    }
    words[common..].fill([0; 8]);
    let last = limbs.get(words.len()).copied().unwrap_or(0).to_le_bytes();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Returns the number of significant bits; 0 for 0.
pub fn bits(limbs: &[u64]) -> u64 {
    match trimmed(limbs) {
        [] => 0,
        [rest @ .., last] => BITS * rest.len() as u64 + u64::from(64 - last.leading_zeros()),
    }
}

/// Returns the number of bits that are set.
pub fn count_ones(limbs: &[u64]) -> u64 {
    limbs.iter().map(|limb| u64::from(limb.count_ones())).sum()
}

/// Whether the bit at that index is set.
pub fn bit(limbs: &[u64], index: u64) -> bool {
    let limb = usize::try_from(index / BITS).ok().and_then(|at| limbs.get(at));
    limb.is_some_and(|limb| (limb >> (index % BITS)) & 1 == 1)
}

/// Writes `op` of each pair of limbs, from the lowest up; the slices have one length. Four limbs at
/// a time, so that the carry stays in the processor's flag.
#[inline(always)]
fn each_pair(out: &mut [u64], a: &[u64], b: &[u64], mut op: impl FnMut(u64, u64) -> u64) {
    let (out, out_rest) = out.as_chunks_mut::<4>();
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = [op(a[0], b[0]), op(a[1], b[1]), op(a[2], b[2]), op(a[3], b[3])];
    }
    for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
        *out = op(a, b);
    }
}

/// Writes `a + b`, into one limb more than the longer number has.
pub fn add(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let (low, high) = long.split_at(short.len());
    let mut carry = false;
    let (out_low, out_high) = out.split_at_mut(short.len());
    each_pair(out_low, low, short, |a, b| {
        let sum;
        (sum, carry) = a.carrying_add(b, carry);
        sum
    });
    add_bit(out_high, high, carry);
}

/// Writes `a + 1`, into one limb more than `a` has.
pub fn increment(out: &mut [u64], a: &[u64]) {
    add_bit(out, a, true);
}

/// Writes `a` plus a carry.
fn add_bit(out: &mut [u64], a: &[u64], mut carry: bool) {
    let mut at = 0;
    while carry && at < a.len() {
        (out[at], carry) = a[at].overflowing_add(1);
        at += 1;
    }
    out[at..a.len()].copy_from_slice(&a[at..]);
    out[a.len()] = u64::from(carry);
}

/// Writes `a - b`, which is not negative, into as many limbs as `a` has.
pub fn sub(out: &mut [u64], a: &[u64], b: &[u64]) {
    let b = trimmed(b);
    let (low, high) = a.split_at(b.len());
    let mut borrow = false;
    let (out_low, out_high) = out.split_at_mut(b.len());
    each_pair(out_low, low, b, |a, b| {
        let difference;
        (difference, borrow) = a.borrowing_sub(b, borrow);
        difference
    });
    sub_bit(out_high, high, borrow);
}

/// Writes `a - 1`, which is not negative, into as many limbs as `a` has.
pub fn decrement(out: &mut [u64], a: &[u64]) {
    sub_bit(out, a, true);
}

/// Writes `a` minus a borrow.
fn sub_bit(out: &mut [u64], a: &[u64], mut borrow: bool) {
    let mut at = 0;
    while borrow && at < a.len() {
        (out[at], borrow) = a[at].overflowing_sub(1);
        at += 1;
    }
    debug_assert!(!borrow, "a difference below 0");
    out[at..].copy_from_slice(&a[at..]);
}

/// Writes `op` of each pair of limbs, with 0 for missing ones, into as many limbs as the longer
/// number has.
pub fn bitwise(out: &mut [u64], a: &[u64], b: &[u64], op: impl Fn(u64, u64) -> u64) {
    let common = a.len().min(b.len());
    let (out_low, out_high) = out.split_at_mut(common);
    for ((out, &a), &b) in out_low.iter_mut().zip(a).zip(b) {
        *out = op(a, b);
    }
    for (out, &a) in out_high.iter_mut().zip(&a[common..]) {
        *out = op(a, 0);
    }
    for (out, &b) in out_high.iter_mut().zip(&b[common..]) {
        *out = op(0, b);
    }
}

/// Returns the number of limbs that [`shift_left`] writes.
pub fn shifted_left_len(a: &[u64], by: u64) -> u64 {
    (by / BITS).saturating_add(a.len() as u64 + 1)
}

/// Writes `a * 2^by`, into [`shifted_left_len`] limbs.
pub fn shift_left(out: &mut [u64], a: &[u64], by: u64) {
    let (zeroes, rest) = out.split_at_mut((by / BITS) as usize);
    zeroes.fill(0);
    let by = (by % BITS) as u32;
    if by == 0 {
        rest[..a.len()].copy_from_slice(a);
        rest[a.len()] = 0;
        return;
    }
    let mut below = 0;
    for (out, &limb) in rest.iter_mut().zip(a) {
        *out = limb << by | below;
        below = limb >> (64 - by);
    }
    rest[a.len()] = below;
}

/// Writes the bits of `a` from bit `from` on, as many as `out` has.
pub fn shift_right(out: &mut [u64], a: &[u64], from: u64) {
    let above = usize::try_from(from / BITS).ok().and_then(|at| a.get(at..)).unwrap_or_default();
    let by = (from % BITS) as u32;
    for (at, out) in out.iter_mut().enumerate() {
        let limb = |at: usize| above.get(at).copied().unwrap_or(0);
        *out = limb(at) >> by;
        if by > 0 {
            *out |= limb(at + 1) << (64 - by);
        }
    }
}

/// Clears all bits from bit `width` on.
pub fn truncate(limbs: &mut [u64], width: u64) {
    let Some(at) = usize::try_from(width / BITS).ok().filter(|&at| at < limbs.len()) else {
        return;
    };
    limbs[at] &= (1 << (width % BITS)) - 1;
    limbs[at + 1..].fill(0);
}

/// Replaces each limb by `op` of it and the limb of a slice of the same length, four at a time.
#[inline(always)]
fn each(out: &mut [u64], a: &[u64], mut op: impl FnMut(u64, u64) -> u64) {
    let (out, out_rest) = out.as_chunks_mut::<4>();
    let (a, a_rest) = a.as_chunks::<4>();
    for (out, a) in out.iter_mut().zip(a) {
        *out = [op(out[0], a[0]), op(out[1], a[1]), op(out[2], a[2]), op(out[3], a[3])];
    }
    for (out, &a) in out_rest.iter_mut().zip(a_rest) {
        *out = op(*out, a);
    }
}

/// Writes `a * b`, into one limb more than `a` has.
pub fn mul_limb(out: &mut [u64], a: &[u64], b: u64) {
    let mut carry = 0;
    each(&mut out[..a.len()], a, |_, a| {
        let low;
        (low, carry) = a.carrying_mul(b, carry);
        low
    });
    out[a.len()] = carry;
}

/// Writes `a * b` by schoolbook multiplication, into as many limbs as both numbers have.
pub fn mul(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let Some((&first, others)) = short.split_first() else {
        return out.fill(0);
    };
    mul_limb(out, long, first);
    for (at, &limb) in (1..).zip(others) {
        let mut carry = 0;
        let row = &mut out[at..=at + long.len()];
        each(&mut row[..long.len()], long, |out, a| {
            let low;
            (low, carry) = a.carrying_mul_add(limb, out, carry);
            low
        });
        row[long.len()] = carry;
    }
}

/// A divisor of one limb, not 0, with its reciprocal, so that dividing two limbs by it takes a
/// multiplication. (Möller and Granlund, *Improved division by invariant integers*)
struct LimbDivisor {
    /// The divisor, shifted left until its topmost bit is set.
    limb: u64,
    shift: u32,
    /// `(2^128 - 1) / limb - 2^64`.
    reciprocal: u64,
}

impl LimbDivisor {
    fn new(divisor: u64) -> LimbDivisor {
        let shift = divisor.leading_zeros();
        let limb = divisor << shift;
        let reciprocal = (u128::MAX / u128::from(limb)) as u64;
        LimbDivisor { limb, shift, reciprocal }
    }

    /// Returns the quotient and the remainder of two limbs; the higher is less than the divisor.
    #[inline(always)]
    fn divide(&self, high: u64, low: u64) -> (u64, u64) {
        let estimate = u128::from(self.reciprocal) * u128::from(high)
            + (u128::from(high) << 64 | u128::from(low));
        let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
        let mut remainder = low.wrapping_sub(quotient.wrapping_mul(self.limb));
        if remainder > estimate as u64 {
            quotient = quotient.wrapping_sub(1);
            remainder = remainder.wrapping_add(self.limb);
        }
        if remainder >= self.limb {
            quotient = quotient.wrapping_add(1);
            remainder -= self.limb;
        }
        (quotient, remainder)
    }

    /// Divides a number from its upper end, and passes each limb of the quotient with its index to
    /// `limb`. Returns the remainder.
    #[inline(always)]
    fn run(&self, a: &[u64], mut limb: impl FnMut(usize, u64)) -> u64 {
        let above = |limb: u64| if self.shift == 0 { 0 } else { limb >> (64 - self.shift) };
        let mut remainder = a.last().map_or(0, |&last| above(last));
        for at in (0..a.len()).rev() {
            let below = if at == 0 { 0 } else { above(a[at - 1]) };
            let quotient;
            (quotient, remainder) = self.divide(remainder, a[at] << self.shift | below);
            limb(at, quotient);
        }
        remainder >> self.shift
    }
}

/// Writes `a / b`, into as many limbs as `a` has, and returns the remainder; `b` is not 0.
pub fn div_limb(out: &mut [u64], a: &[u64], b: u64) -> u64 {
    LimbDivisor::new(b).run(a, |at, limb| out[at] = limb)
}

/// Returns the remainder of `a / b`; `b` is not 0.
pub fn rem_limb(a: &[u64], b: u64) -> u64 {
    LimbDivisor::new(b).run(a, |_, _| ())
}

pub use long_division::LongDivision;

mod long_division;
#[cfg(test)]
mod tests;
