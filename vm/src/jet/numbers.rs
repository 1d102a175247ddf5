//! What a jet calculates with nats and bars: results are written into the heap, where they stay.
//!
//! ```
//! use plan::{EvalError, limbs};
//! use vm::jet::Call;
//!
//! /// Pushes the sum of two arguments.
//! fn sum(call: &mut Call<'_>) -> Result<(), EvalError> {
//!     let limbs = call.cast(0).limbs().len().max(call.cast(1).limbs().len()) as u64 + 1;
//!     call.push_nat_with(limbs, |call, out| {
//!         limbs::add(out, call.cast(0).limbs(), call.cast(1).limbs());
//!     })
//! }
//! ```

use crate::vm::Call;
use plan::raw::bar::BarDraft;
use plan::raw::giant::{Giant, SCHOOLBOOK};
use plan::raw::nat::NatDraft;
use plan::{EvalError, Natural, limbs};

impl Call<'_> {
    /// Pushes the nat of at most `limbs` limbs that `fill` writes, least first. All of them must be
    /// written; before that there is anything in them. `fill` sees the arguments where they are
    /// after the allocation.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_nat_with(
        &mut self,
        limbs: u64,
        fill: impl FnOnce(&Call<'_>, &mut [u64]),
    ) -> Result<(), EvalError> {
        let mut draft = NatDraft::new(&mut self.vm.heap, limbs)?;
        fill(self, draft.limbs());
        let nat = draft.finish(&mut self.vm.heap);
        self.vm.heap.stack.push_checked(nat);
        Ok(())
    }

    /// Pushes the bar of so many bytes that `fill` writes, all of them, likewise.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bar_with(
        &mut self,
        bytes: u64,
        fill: impl FnOnce(&Call<'_>, &mut [u8]),
    ) -> Result<(), EvalError> {
        let mut draft = BarDraft::new(&mut self.vm.heap, bytes)?;
        fill(self, draft.bytes());
        self.vm.heap.stack.push_checked(draft.finish());
        Ok(())
    }

    /// How many limbs the argument has as a nat.
    pub fn limb_count(&self, index: usize) -> u64 {
        self.cast(index).limbs().len() as u64
    }

    /// Ends the call if a nat of so many bits cannot be held.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn check_result_bits(&self, bits: u64) -> Result<(), EvalError> {
        self.check_result_words(bits.div_ceil(limbs::BITS).saturating_add(1))
    }

    /// Pushes the product of two arguments as nats.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`] and [`EvalError::Interrupted`].
    pub fn push_product(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        let (left, right) = (self.limb_count(a), self.limb_count(b));
        if left.min(right) <= SCHOOLBOOK as u64 {
            return self.push_nat_with(left + right, |call, out| {
                limbs::mul(out, call.cast(a).limbs(), call.cast(b).limbs());
            });
        }
        self.check_result_words(left + right)?;
        let (left, right) = (self.cast(a), self.cast(b));
        let product = Giant::new(&self.vm.heap.interrupt).product(left.limbs(), right.limbs())?;
        self.push_natural(&product)
    }

    /// Pushes the quotient of two arguments as nats, of which the second is not 0.
    ///
    /// # Errors
    /// As for [`Call::push_product`].
    pub fn push_quotient(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        let (left, right) = (self.cast(a), self.cast(b));
        if left < right {
            self.push_small(0);
            return Ok(());
        }
        if let Some(divisor) = right.to_u64() {
            return self.push_nat_with(self.limb_count(a), |call, out| {
                limbs::div_limb(out, call.cast(a).limbs(), divisor);
            });
        }
        let (quotient, _) = self.divided(a, b)?;
        self.push_natural(&quotient)
    }

    /// Pushes the remainder of two arguments as nats, of which the second is not 0.
    ///
    /// # Errors
    /// As for [`Call::push_product`].
    pub fn push_remainder(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        let (left, right) = (self.cast(a), self.cast(b));
        if left < right {
            return self.push_cast(a);
        }
        if let Some(divisor) = right.to_u64() {
            let remainder = limbs::rem_limb(left.limbs(), divisor);
            return self.push_u64(remainder);
        }
        let (_, remainder) = self.divided(a, b)?;
        self.push_natural(&remainder)
    }

    fn divided(&self, a: usize, b: usize) -> Result<(Natural, Natural), EvalError> {
        let (left, right) = (self.cast(a), self.cast(b));
        Giant::new(&self.vm.heap.interrupt).divide(left.limbs(), right.limbs())
    }

    /// Pushes a power of an argument as a nat. How large that will be is the caller's to look at:
    /// see [`Call::check_result_bits`].
    ///
    /// # Errors
    /// As for [`Call::push_product`].
    pub fn push_power(&mut self, base: usize, exponent: u64) -> Result<(), EvalError> {
        let base = self.cast(base).to_natural();
        let power = Giant::new(&self.vm.heap.interrupt).power(&base, exponent)?;
        self.push_natural(&power)
    }

    /// Pushes an argument as a nat: 0, if it is none.
    ///
    /// # Errors
    /// None; it is here so that it can end a jet like the others.
    pub fn push_cast(&mut self, index: usize) -> Result<(), EvalError> {
        match self.nat(index) {
            Some(_) => self.push_at(index),
            None => self.push_small(0),
        }
        Ok(())
    }
}
