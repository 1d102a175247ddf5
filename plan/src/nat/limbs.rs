//! Arithmetic on slices of limbs.
//!
//! A number is a slice of 64-bit limbs, least significant first; the most significant limbs may be
//! zero. A function writes all of the result slice that the caller provides; its documentation
//! gives the length of that slice. Nothing here allocates, except [`of_bytes`].

use std::cmp::Ordering;

/// The number of bits in a limb.
pub const BITS: u64 = 64;

/// Returns the number without its most significant zero limbs.
#[inline(always)]
pub fn trimmed(mut limbs: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = limbs {
        limbs = rest;
    }
    limbs
}

/// Compares two numbers.
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    compare_trimmed(trimmed(a), trimmed(b))
}

/// Compares two numbers without most significant zero limbs.
#[inline(always)]
pub fn compare_trimmed(a: &[u64], b: &[u64]) -> Ordering {
    if a.len() != b.len() {
        return a.len().cmp(&b.len());
    }
    for at in (0..a.len()).rev() {
        if a[at] != b[at] {
            return a[at].cmp(&b[at]);
        }
    }
    Ordering::Equal
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
/// a time, so that the carry stays in the processor's flag. Here and below, indices instead of iterators
/// are faster in builds that optimise the units of a crate one by one.
#[inline(always)]
fn each_pair(out: &mut [u64], a: &[u64], b: &[u64], mut op: impl FnMut(u64, u64) -> u64) {
    let (a, b) = (&a[..out.len()], &b[..out.len()]);
    let (out, out_rest) = out.as_chunks_mut::<4>();
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (a, b) = (&a[..out.len()], &b[..out.len()]);
    for at in 0..out.len() {
        let (a, b) = (&a[at], &b[at]);
        out[at] = [op(a[0], b[0]), op(a[1], b[1]), op(a[2], b[2]), op(a[3], b[3])];
    }
    let (a, b) = (&a_rest[..out_rest.len()], &b_rest[..out_rest.len()]);
    for at in 0..out_rest.len() {
        out_rest[at] = op(a[at], b[at]);
    }
}

/// The most limbs that are copied one by one: for so few a call takes longer.
const FEW: usize = 8;

/// Writes `a + b`, into one limb more than the longer number has.
#[inline(always)]
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
#[inline(always)]
fn add_bit(out: &mut [u64], a: &[u64], mut carry: bool) {
    let mut at = 0;
    while at < a.len() && (carry || a.len() - at <= FEW) {
        (out[at], carry) = a[at].overflowing_add(u64::from(carry));
        at += 1;
    }
    if at < a.len() {
        out[at..a.len()].copy_from_slice(&a[at..]);
    }
    out[a.len()] = u64::from(carry);
}

/// Writes `a - b`, which is not negative, into as many limbs as `a` has.
#[inline(always)]
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
#[inline(always)]
fn sub_bit(out: &mut [u64], a: &[u64], mut borrow: bool) {
    let mut at = 0;
    while at < a.len() && (borrow || a.len() - at <= FEW) {
        (out[at], borrow) = a[at].overflowing_sub(u64::from(borrow));
        at += 1;
    }
    debug_assert!(!borrow, "a difference below 0");
    if at < a.len() {
        out[at..].copy_from_slice(&a[at..]);
    }
}

/// Writes `op` of each pair of limbs, with 0 for missing ones, into as many limbs as the longer
/// number has.
#[inline(always)]
pub fn bitwise(out: &mut [u64], a: &[u64], b: &[u64], op: impl Fn(u64, u64) -> u64) {
    let common = a.len().min(b.len());
    each_pair(&mut out[..common], &a[..common], &b[..common], &op);
    for at in common..a.len() {
        out[at] = op(a[at], 0);
    }
    for at in common..b.len() {
        out[at] = op(0, b[at]);
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
    rest[a.len()] = shift_up(&mut rest[..a.len()], a, by);
}

/// Writes `a * 2^by`, `by` less than 64, into as many limbs as `a` has. Returns the limb above them.
#[inline(always)]
fn shift_up(out: &mut [u64], a: &[u64], by: u32) -> u64 {
    let out = &mut out[..a.len()];
    let mut below = 0;
    for at in 0..a.len() {
        out[at] = a[at] << by | below;
        below = a[at] >> 1 >> (63 - by);
    }
    below
}

/// Divides a number by `2^by`, `by` less than 64.
#[inline(always)]
fn shift_down(limbs: &mut [u64], by: u32) {
    let mut above = 0;
    for at in (0..limbs.len()).rev() {
        let limb = limbs[at];
        limbs[at] = limb >> by | above;
        above = limb << 1 << (63 - by);
    }
}

/// Writes the bits of `a` from bit `from` on, as many as `out` has.
pub fn shift_right(out: &mut [u64], a: &[u64], from: u64) {
    let above = usize::try_from(from / BITS).ok().and_then(|at| a.get(at..)).unwrap_or_default();
    let by = (from % BITS) as u32;
    let count = out.len().min(above.len());
    let (out, zeroes) = out.split_at_mut(count);
    zeroes.fill(0);
    let (above, next) = above.split_at(count);
    let mut higher = next.first().copied().unwrap_or(0);
    for at in (0..count).rev() {
        out[at] = above[at] >> by | higher << 1 << (63 - by);
        higher = above[at];
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
    let a = &a[..out.len()];
    let (out, out_rest) = out.as_chunks_mut::<4>();
    let (a, a_rest) = a.as_chunks::<4>();
    let a = &a[..out.len()];
    for at in 0..out.len() {
        let (out, a) = (&mut out[at], &a[at]);
        *out = [op(out[0], a[0]), op(out[1], a[1]), op(out[2], a[2]), op(out[3], a[3])];
    }
    let a_rest = &a_rest[..out_rest.len()];
    for at in 0..out_rest.len() {
        out_rest[at] = op(out_rest[at], a_rest[at]);
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
    for at in 0..others.len() {
        let (limb, mut carry) = (others[at], 0);
        let row = &mut out[1 + at..][..=long.len()];
        each(&mut row[..long.len()], long, |out, a| {
            let low;
            (low, carry) = a.carrying_mul_add(limb, out, carry);
            low
        });
        row[long.len()] = carry;
    }
}

pub use division::{DIVIDEND_LIMIT, DIVISOR_LIMIT, ShortQuotient, divide};
pub use limb_division::{div_limb, rem_limb};

mod division;
mod limb_division;
#[cfg(test)]
mod tests;
#[allow(unsafe_code, reason = "divides two limbs by one with the processor's instruction")]
mod wide_division;
