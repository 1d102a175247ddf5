//! Long division by a few limbs, without an allocation. (Knuth, "The Art of Computer Programming", volume 2,
//! section 4.3.1, algorithm D.) Longer numbers are divided by malachite, whose algorithms are faster there.

use super::{LimbDivisor, shift_left, shift_right, trimmed};

/// The most limbs of a divisor.
const DIVISOR_LIMIT: usize = 32;
/// The most limbs of a dividend.
const DIVIDEND_LIMIT: usize = 64;

/// The division of a number by one of two limbs or more.
pub struct LongDivision {
    /// What is left of the dividend, shifted as the divisor is.
    rest: [u64; DIVIDEND_LIMIT + 1],
    /// The divisor, shifted so that its highest bit is set, and 0 above it.
    divisor: [u64; DIVISOR_LIMIT + 1],
    shift: u64,
    dividend_len: usize,
    divisor_len: usize,
}

impl LongDivision {
    /// Prepares the division of `a` by `b`. `None` if the divisor has less than two limbs or is longer than
    /// the dividend, or if either is too long.
    pub fn new(a: &[u64], b: &[u64]) -> Option<LongDivision> {
        let (a, b) = (trimmed(a), trimmed(b));
        let fits =
            (2..=DIVISOR_LIMIT).contains(&b.len()) && (b.len()..=DIVIDEND_LIMIT).contains(&a.len());
        let shift = u64::from(b.last().filter(|_| fits)?.leading_zeros());
        let mut division = LongDivision {
            rest: [0; DIVIDEND_LIMIT + 1],
            divisor: [0; DIVISOR_LIMIT + 1],
            shift,
            dividend_len: a.len(),
            divisor_len: b.len(),
        };
        shift_left(&mut division.rest, a, shift);
        shift_left(&mut division.divisor, b, shift);
        Some(division)
    }

    /// The most limbs that the quotient has.
    pub fn quotient_len(&self) -> usize {
        self.dividend_len - self.divisor_len + 1
    }

    /// The most limbs that the remainder has.
    pub fn remainder_len(&self) -> usize {
        self.divisor_len
    }

    /// Writes the quotient, into [`quotient_len`](LongDivision::quotient_len) limbs.
    pub fn quotient(mut self, out: &mut [u64]) {
        self.run(|at, limb| out[at] = limb);
    }

    /// Writes the remainder, into [`remainder_len`](LongDivision::remainder_len) limbs.
    pub fn remainder(mut self, out: &mut [u64]) {
        self.run(|_, _| ());
        shift_right(out, &self.rest[..self.divisor_len], self.shift);
    }

    /// Passes each limb of the quotient with its index to `limb`, and leaves the remainder in `rest`.
    fn run(&mut self, mut limb: impl FnMut(usize, u64)) {
        let count = self.divisor_len;
        let divisor = &self.divisor[..count];
        let (top, second) = (divisor[count - 1], divisor[count - 2]);
        let by_top = LimbDivisor::new(top);
        for at in (0..=self.dividend_len - count).rev() {
            let part = &mut self.rest[at..=at + count];
            let (high, middle, low) = (part[count], part[count - 1], part[count - 2]);
            let (mut quotient, mut remainder) = if high >= top {
                (u64::MAX, u128::from(middle) + u128::from(top))
            } else {
                let (quotient, remainder) = by_top.divide(high, middle);
                (quotient, u128::from(remainder))
            };
            // The estimate is at most 2 too large, and after this 1.
            while remainder >> 64 == 0
                && u128::from(quotient) * u128::from(second) > (remainder << 64 | u128::from(low))
            {
                quotient -= 1;
                remainder += u128::from(top);
            }
            if sub_product(part, divisor, quotient) {
                quotient -= 1;
                add_back(part, divisor);
            }
            limb(at, quotient);
        }
    }
}

/// Subtracts `by` times the divisor; returns whether the result is below 0.
fn sub_product(part: &mut [u64], divisor: &[u64], by: u64) -> bool {
    let (low, high) = part.split_at_mut(divisor.len());
    let (mut carry, mut borrow) = (0, false);
    for (limb, factor) in low.iter_mut().zip(divisor) {
        let product = u128::from(*factor) * u128::from(by) + u128::from(carry);
        carry = (product >> 64) as u64;
        (*limb, borrow) = limb.borrowing_sub(product as u64, borrow);
    }
    for limb in high {
        (*limb, borrow) = limb.borrowing_sub(std::mem::take(&mut carry), borrow);
    }
    borrow
}

/// Adds the divisor to a part that is below 0.
fn add_back(part: &mut [u64], divisor: &[u64]) {
    let (low, high) = part.split_at_mut(divisor.len());
    let mut carry = false;
    for (limb, other) in low.iter_mut().zip(divisor) {
        (*limb, carry) = limb.carrying_add(*other, carry);
    }
    for limb in high {
        *limb = limb.wrapping_add(u64::from(carry));
    }
}
