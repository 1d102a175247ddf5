//! Arithmetic on slices of limbs.
//!
//! A number is a slice of 64-bit limbs, least first; zero limbs at its upper end do not matter. A
//! result is written to a slice that the caller lends, all of it: how long it must be stands with
//! each function. Nothing here allocates.

use std::cmp::Ordering;

/// Bits in a limb.
pub const BITS: u64 = 64;

/// The number without zero limbs at its upper end.
pub fn trimmed(limbs: &[u64]) -> &[u64] {
    let used = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
    &limbs[..used]
}

/// Compares two numbers.
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (trimmed(a), trimmed(b));
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The limbs of a little-endian number in bytes, without zero limbs at their upper end.
pub fn of_bytes(bytes: &[u8]) -> Vec<u64> {
    let mut limbs = vec![0; bytes.len().div_ceil(8)];
    from_bytes(&mut limbs, bytes);
    limbs.truncate(trimmed(&limbs).len());
    limbs
}

/// Writes the number that these bytes are, least first, into as many limbs as they need or more.
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

/// Writes the number's lowest bytes, least first, as many as `out` has.
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

/// How many bits the number has; 0 for 0.
pub fn bits(limbs: &[u64]) -> u64 {
    match trimmed(limbs) {
        [] => 0,
        [rest @ .., last] => BITS * rest.len() as u64 + u64::from(64 - last.leading_zeros()),
    }
}

/// How many bits of the number are set.
pub fn count_ones(limbs: &[u64]) -> u64 {
    limbs.iter().map(|limb| u64::from(limb.count_ones())).sum()
}

/// Whether that bit is set.
pub fn bit(limbs: &[u64], index: u64) -> bool {
    let limb = usize::try_from(index / BITS).ok().and_then(|at| limbs.get(at));
    limb.is_some_and(|limb| (limb >> (index % BITS)) & 1 == 1)
}

/// Writes `op` of each pair of limbs of three slices of one length, from the lowest up. Four at a
/// time, so that a carry stays in its flag from one to the next.
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

/// `a + b`, into one limb more than the longer of them has.
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

/// `a + 1`, into one limb more than it has.
pub fn increment(out: &mut [u64], a: &[u64]) {
    add_bit(out, a, true);
}

/// `a` and a carry.
fn add_bit(out: &mut [u64], a: &[u64], mut carry: bool) {
    let mut at = 0;
    while carry && at < a.len() {
        (out[at], carry) = a[at].overflowing_add(1);
        at += 1;
    }
    out[at..a.len()].copy_from_slice(&a[at..]);
    out[a.len()] = u64::from(carry);
}

/// `a - b`, which is not negative, into as many limbs as `a` has.
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

/// `a - 1`, which is not negative, into as many limbs as it has.
pub fn decrement(out: &mut [u64], a: &[u64]) {
    sub_bit(out, a, true);
}

/// `a` less a borrow.
fn sub_bit(out: &mut [u64], a: &[u64], mut borrow: bool) {
    let mut at = 0;
    while borrow && at < a.len() {
        (out[at], borrow) = a[at].overflowing_sub(1);
        at += 1;
    }
    debug_assert!(!borrow, "a difference below 0");
    out[at..].copy_from_slice(&a[at..]);
}

/// `op` of each pair of limbs, 0 standing for those that are missing, into as many limbs as the
/// longer number has.
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

/// How many limbs [`shift_left`] writes.
pub fn shifted_left_len(a: &[u64], by: u64) -> u64 {
    (by / BITS).saturating_add(a.len() as u64 + 1)
}

/// `a * 2^by`, into [`shifted_left_len`] limbs.
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

/// As many of the bits of `a` from bit `from` on as `out` has.
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

/// Replaces each limb by `op` of it and that of a slice of the same length, four at a time.
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

/// `a * b`, into one limb more than `a` has.
pub fn mul_limb(out: &mut [u64], a: &[u64], b: u64) {
    let mut carry = 0;
    each(&mut out[..a.len()], a, |_, a| {
        let low;
        (low, carry) = a.carrying_mul(b, carry);
        low
    });
    out[a.len()] = carry;
}

/// `a * b`, each limb with each, into as many limbs as both have.
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

/// A limb to divide by, not 0, prepared: dividing two limbs by one at a time is a multiplication
/// by the reciprocal then. (Möller and Granlund, *Improved division by invariant integers*)
struct LimbDivisor {
    /// Shifted left until its topmost bit is set.
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

    /// The quotient and remainder of two limbs, of which the higher is below the divisor's.
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

    /// Divides a number from its upper end, and hands over each limb of the quotient with its
    /// index; the remainder.
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

/// `a / b`, into as many limbs as `a` has, and the remainder; `b` is not 0.
pub fn div_limb(out: &mut [u64], a: &[u64], b: u64) -> u64 {
    LimbDivisor::new(b).run(a, |at, limb| out[at] = limb)
}

/// The remainder of `a / b`; `b` is not 0.
pub fn rem_limb(a: &[u64], b: u64) -> u64 {
    LimbDivisor::new(b).run(a, |_, _| ())
}

#[cfg(test)]
mod tests;
