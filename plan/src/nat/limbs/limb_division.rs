//! Division by one limb.

use super::wide_division::divide_wide;

/// The most limbs of a dividend for which dividing two limbs by one at each limb takes less time than
/// the reciprocal of the divisor.
const SHORT: usize = 3;

/// Returns `(2^128 - 1) / limb - 2^64` of a limb whose topmost bit is set.
#[inline(always)]
pub(super) fn reciprocal(limb: u64) -> u64 {
    divide_wide(!limb, u64::MAX, limb).0
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
        LimbDivisor { limb, shift, reciprocal: reciprocal(limb) }
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

/// [`divide_by_limb`] with the reciprocal of the divisor.
#[inline(never)]
fn divide_long(a: &[u64], divisor: u64, limb: impl FnMut(usize, u64)) -> u64 {
    LimbDivisor::new(divisor).run(a, limb)
}

/// Passes each limb of the quotient with its index to `limb`, from the upper end. Returns the
/// remainder; the divisor is not 0.
#[inline(always)]
fn divide_by_limb(a: &[u64], divisor: u64, mut limb: impl FnMut(usize, u64)) -> u64 {
    if a.len() > SHORT {
        return divide_long(a, divisor, limb);
    }
    // If the topmost limb is less than the divisor, as in a product of two numbers less than that, there is one
    // division less.
    let (mut remainder, count) = match a {
        [rest @ .., last] if *last < divisor => {
            limb(rest.len(), 0);
            (*last, rest.len())
        }
        _ => (0, a.len()),
    };
    for at in (0..count).rev() {
        let quotient;
        (quotient, remainder) = divide_wide(remainder, a[at], divisor);
        limb(at, quotient);
    }
    remainder
}

/// Writes `a / b`, into as many limbs as `a` has, and returns the remainder; `b` is not 0.
#[inline(always)]
pub fn div_limb(out: &mut [u64], a: &[u64], b: u64) -> u64 {
    let out = &mut out[..a.len()];
    divide_by_limb(a, b, |at, limb| out[at] = limb)
}

/// Returns the remainder of `a / b`; `b` is not 0.
#[inline(always)]
pub fn rem_limb(a: &[u64], b: u64) -> u64 {
    if a.len() >= FOLDED_MIN && b < FOLDED_LIMIT {
        return rem_folded(a, b);
    }
    divide_by_limb(a, b, |_, _| ())
}

/// The fewest limbs of a dividend of [`rem_folded`].
const FOLDED_MIN: usize = 16;
/// The least divisor that is too large for [`rem_folded`].
const FOLDED_LIMIT: u64 = 1 << 61;

/// [`rem_limb`] of a divisor less than 2^61. Four limbs at a time are replaced by a number of two limbs with the same
/// remainder: each limb is multiplied with the remainder of its power of 2^64, which is less than 2^61, so that the
/// sum of five such products and a limb is less than 2^128. The products do not depend on each other, unlike the steps
/// of a division.
#[inline(never)]
fn rem_folded(a: &[u64], divisor: u64) -> u64 {
    let mut powers = [0; 5];
    let mut power = 1;
    for slot in &mut powers {
        (_, power) = divide_wide(power % divisor, 0, divisor);
        *slot = power;
    }
    let (chunks, above) = a.as_chunks::<4>();
    let mut rest = u128::from(divide_by_limb(above, divisor, |_, _| ()));
    for &[a, b, c, d] in chunks.iter().rev() {
        let product = |limb: u64, power: usize| u128::from(limb) * u128::from(powers[power]);
        let upper = product(rest as u64, 3) + product((rest >> 64) as u64, 4);
        rest = u128::from(a) + product(b, 0) + product(c, 1) + product(d, 2) + upper;
    }
    divide_wide((rest >> 64) as u64 % divisor, rest as u64, divisor).1
}
