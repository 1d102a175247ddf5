//! Products, quotients and powers of many limbs: malachite's, divided into steps that are short
//! enough for an interrupt.
//!
//! A product of factors of 2^20 limbs takes malachite some tenths of a second, a quotient of such
//! numbers about one. Larger operands are divided here: factors as in Karatsuba's algorithm,
//! divisors as in Burnikel and Ziegler's (*Fast Recursive Division*, 1998). The recursion is as
//! deep as the limbs can be halved.

use super::limbs::{BITS, trimmed};
use crate::error::EvalError;
use crate::interrupt::Interrupt;
use malachite_base::num::arithmetic::traits::{DivMod, ModPowerOf2, Pow, Square};
use malachite_base::num::basic::traits::Zero;
use malachite_nz::natural::Natural;

/// The largest number of limbs of the smaller factor for which schoolbook multiplication is faster
/// than malachite. Measured by `cargo run --release -p plan --example products`.
pub const SCHOOLBOOK_LIMIT: usize = 24;

/// The largest number of limbs of an operand of a single step.
const STEP: usize = 1 << 20;

/// Arithmetic on large numbers that checks for an interrupt between steps.
pub struct LargeArithmetic<'i> {
    interrupt: &'i Interrupt,
    step: usize,
}

/// A quotient and a remainder.
type QuotientRemainder = (Natural, Natural);

/// Returns the number of bits in that many limbs.
fn bits_of(limbs: usize) -> u64 {
    BITS * limbs as u64
}

/// Splits a number into its upper limbs and its lowest `limbs` limbs.
fn split(nat: &Natural, limbs: usize) -> (Natural, Natural) {
    let bits = bits_of(limbs);
    (nat >> bits, nat.mod_power_of_2(bits))
}

impl<'i> LargeArithmetic<'i> {
    /// Creates the arithmetic of a heap with that interrupt.
    pub fn new(interrupt: &'i Interrupt) -> LargeArithmetic<'i> {
        LargeArithmetic { interrupt, step: STEP }
    }

    /// Returns the product of two numbers.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn product(&self, a: &[u64], b: &[u64]) -> Result<Natural, EvalError> {
        self.interrupt.check()?;
        let is_square = std::ptr::eq(a, b);
        let (a, b) = (trimmed(a), trimmed(b));
        if a.len() + b.len() <= 2 * self.step {
            let a = Natural::from_limbs_asc(a);
            return Ok(if is_square { a.square() } else { a * Natural::from_limbs_asc(b) });
        }
        let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
        let half = a.len().div_ceil(2);
        let (a_low, a_high) = a.split_at(half);
        if b.len() <= half {
            let (low, high) = (self.product(a_low, b)?, self.product(a_high, b)?);
            return Ok(low + (high << bits_of(half)));
        }
        let (b_low, b_high) = b.split_at(half);
        let (low, high) = (self.product(a_low, b_low)?, self.product(a_high, b_high)?);
        let of_halves = |low, high| Natural::from_limbs_asc(low) + Natural::from_limbs_asc(high);
        let (a_sum, b_sum) = (of_halves(a_low, a_high), of_halves(b_low, b_high));
        let all = self.product(a_sum.as_limbs_asc(), b_sum.as_limbs_asc())?;
        let middle = all - &low - &high;
        Ok(low + (middle << bits_of(half)) + (high << bits_of(2 * half)))
    }

    /// Returns `base` to the power of `exponent`.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn power(&self, base: &Natural, exponent: u64) -> Result<Natural, EvalError> {
        let bits = (base.limb_count() * BITS).saturating_mul(exponent);
        let steps = BITS - u64::from((bits / bits_of(self.step)).leading_zeros());
        let mut power = base.pow(exponent >> steps);
        for step in (0..steps).rev() {
            power = self.product(power.as_limbs_asc(), power.as_limbs_asc())?;
            if exponent >> step & 1 == 1 {
                power = self.product(power.as_limbs_asc(), base.as_limbs_asc())?;
            }
        }
        Ok(power)
    }

    /// Returns the quotient and the remainder of two numbers; the second is not 0.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    pub fn divide(&self, a: &[u64], b: &[u64]) -> Result<QuotientRemainder, EvalError> {
        let (a, b) = (trimmed(a), trimmed(b));
        if a.len() <= 2 * self.step {
            return Ok(Natural::from_limbs_asc(a).div_mod(Natural::from_limbs_asc(b)));
        }
        // The divisor is shifted until its topmost bit is set and its number of limbs can be halved
        // down to a step.
        let halvings = b.len().div_ceil(self.step).next_power_of_two().trailing_zeros();
        let limbs = b.len().max(self.step).next_multiple_of(1 << halvings);
        let b = Natural::from_limbs_asc(b);
        let shift = bits_of(limbs) - super::limbs::bits(b.as_limbs_asc());
        let (a, b) = (Natural::from_limbs_asc(a) << shift, b << shift);
        let mut quotient = Vec::new();
        let mut remainder = Natural::ZERO;
        for chunk in a.as_limbs_asc().chunks(limbs).rev() {
            let dividend = (remainder << bits_of(limbs)) + Natural::from_limbs_asc(chunk);
            let digit;
            (digit, remainder) = self.two_by_one(dividend, &b, limbs)?;
            quotient.push(digit);
        }
        let mut out = Vec::with_capacity(quotient.len() * limbs);
        for digit in quotient.iter().rev() {
            let end = out.len() + limbs;
            out.extend_from_slice(digit.as_limbs_asc());
            out.resize(end, 0);
        }
        Ok((Natural::from_owned_limbs_asc(out), remainder >> shift))
    }

    /// Divides `a` by `b`, which has `limbs` limbs and its topmost bit set. The part of `a` above
    /// the lowest `limbs` limbs is less than `b`.
    fn two_by_one(
        &self,
        a: Natural,
        b: &Natural,
        limbs: usize,
    ) -> Result<QuotientRemainder, EvalError> {
        self.interrupt.check()?;
        if limbs <= self.step {
            return Ok(a.div_mod(b));
        }
        let half = limbs / 2;
        let (upper, low) = split(&a, half);
        let (high, rest) = self.three_by_two(upper, b, half)?;
        let (low, rest) = self.three_by_two((rest << bits_of(half)) + low, b, half)?;
        Ok(((high << bits_of(half)) + low, rest))
    }

    /// Divides `a` by `b`, which has `2 * limbs` limbs and its topmost bit set; `a` has at most `3
    /// * limbs` limbs, and the part of it above the lowest `limbs` limbs is less than `b`.
    fn three_by_two(
        &self,
        a: Natural,
        b: &Natural,
        limbs: usize,
    ) -> Result<QuotientRemainder, EvalError> {
        let (upper, low) = split(&a, limbs);
        let (b_high, b_low) = split(b, limbs);
        let (mut quotient, rest) = if &upper >> bits_of(limbs) < b_high {
            self.two_by_one(upper, &b_high, limbs)?
        } else {
            let most = (Natural::from(1u8) << bits_of(limbs)) - Natural::from(1u8);
            let rest = upper + &b_high - (b_high << bits_of(limbs));
            (most, rest)
        };
        let product = self.product(quotient.as_limbs_asc(), b_low.as_limbs_asc())?;
        let mut rest = (rest << bits_of(limbs)) + low;
        while rest < product {
            // This runs at most twice, because the divisor's topmost bit is set.
            rest += b;
            quotient -= Natural::from(1u8);
        }
        Ok((quotient, rest - product))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers that give quotients close to the limits of a limb.
    fn number() -> impl Strategy<Value = Vec<u64>> {
        let limb = || prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), any::<u64>()];
        prop::collection::vec(limb(), 0..120)
    }

    proptest! {
        #[test]
        fn steps_do_not_show(a in number(), b in number(), step in 1usize..8, exponent in 0u64..9) {
            let interrupt = Interrupt::default();
            let large = LargeArithmetic { interrupt: &interrupt, step };
            let (x, y) = (Natural::from_limbs_asc(&a), Natural::from_limbs_asc(&b));
            prop_assert_eq!(large.product(&a, &b).unwrap(), &x * &y);
            prop_assert_eq!(large.product(&a, &a).unwrap(), (&x).square());
            prop_assert_eq!(large.power(&x, exponent).unwrap(), (&x).pow(exponent));
            if y != 0u8 {
                prop_assert_eq!(large.divide(&a, &b).unwrap(), x.div_mod(y));
            }
        }
    }

    #[test]
    fn an_interrupt_ends_each_of_them() {
        let interrupt = Interrupt::default();
        let large = LargeArithmetic { interrupt: &interrupt, step: 1 };
        let (a, b) = ([u64::MAX; 9], [u64::MAX; 4]);
        let ask = || interrupt.flag().store(true, std::sync::atomic::Ordering::Relaxed);
        ask();
        assert!(matches!(large.product(&a, &b), Err(EvalError::Interrupted)));
        ask();
        assert!(matches!(large.divide(&a, &b), Err(EvalError::Interrupted)));
        ask();
        assert!(matches!(large.power(&Natural::from(3u8), 1000), Err(EvalError::Interrupted)));
        assert!(!interrupt.is_due(), "the operation that stops clears the request");
    }
}
