//! Division of numbers of few limbs, in the limbs of the result. Longer numbers are divided by malachite, whose
//! algorithms are faster there.
//!
//! A quotient of less than half a limb, as most of those in Euclid's algorithm, takes one division of limbs and
//! one pass over the numbers ([`ShortQuotient`]). Others are found limb by limb ([`divide`]). (Knuth, "The Art of
//! Computer Programming", volume 2, section 4.3.1, algorithm D, with the quotients of three limbs by two of
//! Möller and Granlund, "Improved division by invariant integers".)

use super::limb_division::{div_limb, reciprocal};
use super::{each, shift_down, shift_up};

/// The most limbs of a divisor for which [`divide`] takes less time than malachite.
pub const DIVISOR_LIMIT: usize = 64;

/// The most limbs of a dividend for [`divide`]: longer ones are divided in steps between which an interrupt is
/// checked.
pub const DIVIDEND_LIMIT: usize = 1 << 12;

/// Writes the remainder of `a / b` into the lowest limbs of the result, as many as `b` has, and the quotient
/// into those above. The result has one limb more than `a`. Neither number has most significant zero limbs; `b`
/// has at least one limb, not more than `a`, and not more than [`DIVISOR_LIMIT`].
pub fn divide(out: &mut [u64], a: &[u64], b: &[u64]) {
    if let [divisor] = b {
        let (remainder, quotient) = out.split_at_mut(1);
        remainder[0] = div_limb(quotient, a, *divisor);
        return;
    }
    // Shifted, the divisor's topmost bit is set.
    let shift = b[b.len() - 1].leading_zeros();
    let mut shifted = [0; DIVISOR_LIMIT];
    let divisor = &mut shifted[..b.len()];
    shift_up(divisor, b, shift);
    out[a.len()] = shift_up(&mut out[..a.len()], a, shift);
    divide_shifted(out, divisor);
    shift_down(&mut out[..b.len()], shift);
}

/// Replaces a number by its remainder, and above that its quotient. The divisor has two limbs or more, and its
/// most significant bit is set. The number has more limbs, and its last one is less than the divisor's.
fn divide_shifted(rest: &mut [u64], divisor: &[u64]) {
    let count = divisor.len();
    let top = TopLimbs::new([divisor[count - 1], divisor[count - 2]]);
    for at in (0..rest.len() - count).rev() {
        let part = &mut rest[at..=at + count];
        let quotient = top.divide([part[count], part[count - 1], part[count - 2]]);
        let quotient = match quotient {
            Some((0, _)) => 0,
            Some((quotient, remainder)) => {
                let below = sub_product(&mut part[..count - 2], &divisor[..count - 2], quotient);
                let (upper, is_below) = remainder.overflowing_sub(u128::from(below));
                (part[count - 1], part[count - 2]) = ((upper >> 64) as u64, upper as u64);
                if is_below {
                    add_back(&mut part[..count], divisor);
                    quotient - 1
                } else {
                    quotient
                }
            }
            None => {
                sub_product(&mut part[..count], divisor, u64::MAX);
                u64::MAX
            }
        };
        part[count] = quotient;
    }
}

/// The upper two limbs of a divisor whose most significant bit is set, with a reciprocal.
struct TopLimbs {
    limbs: [u64; 2],
    value: u128,
    /// `(2^192 - 1) / limbs - 2^64`.
    reciprocal: u64,
}

impl TopLimbs {
    /// Algorithm 6 of Möller and Granlund.
    #[inline(always)]
    fn new(limbs: [u64; 2]) -> TopLimbs {
        let [high, low] = limbs;
        let mut estimate = reciprocal(high);
        let (mut product, is_over) = high.wrapping_mul(estimate).overflowing_add(low);
        if is_over {
            estimate -= 1;
            if product >= high {
                estimate -= 1;
                product -= high;
            }
            product = product.wrapping_sub(high);
        }
        let (lower, upper) = low.carrying_mul(estimate, 0);
        let (product, is_over) = product.overflowing_add(upper);
        if is_over {
            estimate -= 1;
            if (product, lower) >= (high, low) {
                estimate -= 1;
            }
        }
        let value = u128::from(high) << 64 | u128::from(low);
        TopLimbs { limbs, value, reciprocal: estimate }
    }

    /// Divides three limbs, and returns the quotient and the remainder. The upper two limbs are less than these;
    /// returns `None` if they are equal. Algorithm 4 of Möller and Granlund.
    #[inline(always)]
    fn divide(&self, [high, middle, low]: [u64; 3]) -> Option<(u64, u128)> {
        let upper = u128::from(high) << 64 | u128::from(middle);
        if upper >= self.value {
            return None;
        }
        let estimate = (u128::from(self.reciprocal) * u128::from(high)).wrapping_add(upper);
        let (mut quotient, fraction) = ((estimate >> 64) as u64, estimate as u64);
        let rest = middle.wrapping_sub(quotient.wrapping_mul(self.limbs[0]));
        let mut rest = (u128::from(rest) << 64 | u128::from(low))
            .wrapping_sub(self.value)
            .wrapping_sub(u128::from(self.limbs[1]) * u128::from(quotient));
        quotient = quotient.wrapping_add(1);
        if (rest >> 64) as u64 >= fraction {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.value);
        }
        if rest >= self.value {
            quotient = quotient.wrapping_add(1);
            rest -= self.value;
        }
        Some((quotient, rest))
    }
}

/// Subtracts `by` times the divisor from a number of as many limbs; returns what is to be subtracted from the limb
/// above.
#[inline(always)]
fn sub_product(limbs: &mut [u64], divisor: &[u64], by: u64) -> u64 {
    let mut carry = 0;
    each(limbs, divisor, |limb, factor| {
        let difference;
        (difference, carry) = sub_product_limb(limb, factor, by, carry);
        difference
    });
    carry
}

/// Returns a limb of a difference `a - b * by`, and what is to be subtracted from the limb above. It is the
/// complement of the sum of the product and the complement of `a`: a sum needs one carry, a difference two.
#[inline(always)]
fn sub_product_limb(a: u64, b: u64, by: u64, carry: u64) -> (u64, u64) {
    let (sum, carry) = b.carrying_mul_add(by, !a, carry);
    (!sum, carry)
}

/// Adds the divisor to a number below 0 of as many limbs, which is then not below 0.
#[cold]
fn add_back(limbs: &mut [u64], divisor: &[u64]) {
    let mut carry = false;
    for (limb, other) in limbs.iter_mut().zip(divisor) {
        (*limb, carry) = limb.carrying_add(*other, carry);
    }
}

/// A division by a number of two limbs or more, with a quotient less than 2^32.
pub struct ShortQuotient<'n> {
    dividend: &'n [u64],
    divisor: &'n [u64],
    /// The quotient, or 1 more than it.
    estimate: u64,
}

impl<'n> ShortQuotient<'n> {
    /// Prepares the division of `a` by `b`. The last limb of both is not zero. `None` if the divisor
    /// has less than two limbs, or if the lengths of the numbers, in bits, differ by 32 or more, or if `a` is less
    /// than `b` in the topmost limb.
    ///
    /// Without as many of their lowest bits that the dividend has 64 left, the numbers are `x` and `y`, and `y` is
    /// at least 2^32. The quotient is less than `(x + 1) / y` and more than `x / (y + 1)`, which is more
    /// than `x / y - 1`. So it is `x / y`, rounded down, or 1 less.
    #[inline(always)]
    pub fn new(a: &'n [u64], b: &'n [u64]) -> Option<ShortQuotient<'n>> {
        let count = b.len();
        if count < 2 || a.len() < count || a.len() > count + 1 {
            return None;
        }
        let [.., second, first] = *a else { return None };
        let shift = first.leading_zeros();
        let aligned = |high: u64, low: u64| high << shift | low >> 1 >> (63 - shift);
        let dividend = aligned(first, second);
        let divisor = if a.len() == count {
            if b[count - 1] > first {
                return None;
            }
            aligned(b[count - 1], b[count - 2])
        } else {
            aligned(0, b[count - 1])
        };
        if divisor >> 32 == 0 {
            return None;
        }
        Some(ShortQuotient { dividend: a, divisor: b, estimate: dividend / divisor })
    }

    /// Passes each limb of the dividend without `estimate` times the divisor to `limb`, from the lowest up, as many
    /// as the divisor has. Returns whether the number is below 0.
    #[inline(always)]
    fn run(&self, mut limb: impl FnMut(usize, u64)) -> bool {
        let (low, high) = self.dividend.split_at(self.divisor.len());
        let mut carry = 0;
        for (at, &left) in low.iter().enumerate() {
            let difference;
            (difference, carry) = sub_product_limb(left, self.divisor[at], self.estimate, carry);
            limb(at, difference);
        }
        carry > high.first().copied().unwrap_or(0)
    }

    /// Returns the quotient.
    #[inline(always)]
    pub fn quotient(&self) -> u64 {
        self.estimate - u64::from(self.run(|_, _| ()))
    }

    /// Writes the remainder, into as many limbs as the divisor has.
    #[inline(always)]
    pub fn remainder(&self, out: &mut [u64]) {
        let out = &mut out[..self.divisor.len()];
        if self.run(|at, limb| out[at] = limb) {
            add_back(out, self.divisor);
        }
    }
}
