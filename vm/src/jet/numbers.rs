//! [`JetCall`]'s arithmetic on nats and bars. Results are written into the heap directly, without a
//! copy.
//!
//! ```
//! use plan::{EvalError, limbs};
//! use vm::jet::JetCall;
//!
//! /// Pushes the sum of two arguments.
//! fn sum(call: &mut JetCall<'_>) -> Result<(), EvalError> {
//!     let limbs = call.cast(0).limbs().len().max(call.cast(1).limbs().len()) as u64 + 1;
//!     call.push_nat_with(limbs, |call, out| {
//!         limbs::add(out, call.cast(0).limbs(), call.cast(1).limbs());
//!     })
//! }
//! ```

use crate::vm::JetCall;
use plan::limbs::{DIVIDEND_LIMIT, DIVISOR_LIMIT};
use plan::raw::bar::BarDraft;
use plan::raw::large::{LargeArithmetic, SCHOOLBOOK_LIMIT};
use plan::raw::nat::{NatDraft, operations};
use plan::raw::{HeapMemory, Word};
use plan::{EvalError, Natural, limbs};

impl JetCall<'_> {
    /// Pushes the nat of at most `limbs` limbs that `fill` writes, least significant first. `fill`
    /// must write all limbs, whose initial contents are unspecified. It gets the call because the
    /// allocation may have moved the arguments.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_nat_with(
        &mut self,
        limbs: u64,
        fill: impl FnOnce(&JetCall<'_>, &mut [u64]),
    ) -> Result<(), EvalError> {
        let mut draft = NatDraft::new(&mut self.vm.heap, limbs)?;
        fill(self, draft.limbs());
        let nat = draft.finish(&mut self.vm.heap);
        self.vm.heap.stack.push_checked(nat);
        Ok(())
    }

    /// Pushes the bar of `bytes` bytes that `fill` writes, under the same conditions as
    /// [`JetCall::push_nat_with`].
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_bar_with(
        &mut self,
        bytes: u64,
        fill: impl FnOnce(&JetCall<'_>, &mut [u8]),
    ) -> Result<(), EvalError> {
        let mut draft = BarDraft::new(&mut self.vm.heap, bytes)?;
        fill(self, draft.bytes());
        self.vm.heap.stack.push_checked(draft.finish());
        Ok(())
    }

    /// The number of limbs of the argument as a nat.
    pub fn limb_count(&self, index: usize) -> u64 {
        self.cast(index).limbs().len() as u64
    }

    /// Fails if the heap can never hold a nat of that many bits.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn check_result_bits(&self, bits: u64) -> Result<(), EvalError> {
        self.check_result_words(bits.div_ceil(limbs::BITS).saturating_add(1))
    }

    /// Pushes the result of an operation that does not collect on two arguments. Returns false if it has none.
    #[inline(always)]
    fn push_without_collection(
        &mut self,
        operation: impl FnOnce(&mut HeapMemory, Word, Word) -> Option<Word>,
        a: usize,
        b: usize,
    ) -> bool {
        let (left, right) = (self.word_at(a), self.word_at(b));
        let result = operation(&mut self.vm.heap, left, right);
        if let Some(word) = result {
            self.vm.heap.stack.push_checked(word);
        }
        result.is_some()
    }

    /// Pushes the sum of two arguments as nats.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_sum(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        if self.push_without_collection(operations::add, a, b) {
            return Ok(());
        }
        let limbs = self.limb_count(a).max(self.limb_count(b)) + 1;
        self.push_nat_with(limbs, |call, out| {
            limbs::add(out, call.cast(a).limbs(), call.cast(b).limbs());
        })
    }

    /// Pushes the difference of two arguments as nats; 0 if it is negative.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn push_difference(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        if self.push_without_collection(operations::sub, a, b) {
            return Ok(());
        }
        if self.cast(a) <= self.cast(b) {
            self.push_small(0);
            return Ok(());
        }
        self.push_nat_with(self.limb_count(a), |call, out| {
            limbs::sub(out, call.cast(a).limbs(), call.cast(b).limbs());
        })
    }

    /// Pushes the product of two arguments as nats.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`] and [`EvalError::Interrupted`].
    pub fn push_product(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        if self.push_without_collection(operations::mul, a, b) {
            return Ok(());
        }
        let (left, right) = (self.limb_count(a), self.limb_count(b));
        if left.min(right) <= SCHOOLBOOK_LIMIT as u64 {
            return self.push_nat_with(left + right, |call, out| {
                limbs::mul(out, call.cast(a).limbs(), call.cast(b).limbs());
            });
        }
        self.check_result_words(left + right)?;
        let (left, right) = (self.cast(a), self.cast(b));
        let product =
            LargeArithmetic::new(&self.vm.heap.interrupt).product(left.limbs(), right.limbs())?;
        self.push_natural(&product)
    }

    /// Pushes the quotient of two arguments as nats; 0 if the second is 0.
    ///
    /// # Errors
    /// Those of [`JetCall::push_product`].
    pub fn push_quotient(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        // If the second is 0, this has the result.
        if self.push_without_collection(operations::div, a, b) {
            return Ok(());
        }
        let (left, right) = (self.cast(a), self.cast(b));
        if left < right {
            self.push_small(0);
            return Ok(());
        }
        let counts = [left, right].map(|nat| nat.limbs().len());
        if let Some(divisor) = right.to_u64() {
            return self.push_nat_with(counts[0] as u64, |call, out| {
                limbs::div_limb(out, call.cast(a).limbs(), divisor);
            });
        }
        if counts[0] <= DIVIDEND_LIMIT && counts[1] <= DIVISOR_LIMIT {
            return self.push_nat_with(counts[0] as u64 + 1, |call, out| {
                limbs::divide(out, call.cast(a).limbs(), call.cast(b).limbs());
                out.copy_within(counts[1].., 0);
                out[counts[0] - counts[1] + 1..].fill(0);
            });
        }
        let (quotient, _) = self.divided(a, b)?;
        self.push_natural(&quotient)
    }

    /// Pushes the remainder of two arguments as nats; the first if the second is 0.
    ///
    /// # Errors
    /// Those of [`JetCall::push_product`].
    pub fn push_remainder(&mut self, a: usize, b: usize) -> Result<(), EvalError> {
        // If the second is 0, this has the result.
        if self.push_without_collection(operations::rem, a, b) {
            return Ok(());
        }
        let (left, right) = (self.cast(a), self.cast(b));
        if left < right {
            return self.push_cast(a);
        }
        if let Some(divisor) = right.to_u64() {
            let remainder = limbs::rem_limb(left.limbs(), divisor);
            return self.push_u64(remainder);
        }
        let counts = [left, right].map(|nat| nat.limbs().len());
        if counts[0] <= DIVIDEND_LIMIT && counts[1] <= DIVISOR_LIMIT {
            return self.push_nat_with(counts[0] as u64 + 1, |call, out| {
                limbs::divide(out, call.cast(a).limbs(), call.cast(b).limbs());
                out[counts[1]..].fill(0);
            });
        }
        let (_, remainder) = self.divided(a, b)?;
        self.push_natural(&remainder)
    }

    fn divided(&self, a: usize, b: usize) -> Result<(Natural, Natural), EvalError> {
        let (left, right) = (self.cast(a), self.cast(b));
        LargeArithmetic::new(&self.vm.heap.interrupt).divide(left.limbs(), right.limbs())
    }

    /// Pushes a power of an argument as a nat. The caller checks the size of the result with
    /// [`JetCall::check_result_bits`].
    ///
    /// # Errors
    /// Those of [`JetCall::push_product`].
    pub fn push_power(&mut self, base: usize, exponent: u64) -> Result<(), EvalError> {
        let base = self.cast(base).to_natural();
        let power = LargeArithmetic::new(&self.vm.heap.interrupt).power(&base, exponent)?;
        self.push_natural(&power)
    }

    /// Pushes an argument as a nat: 0 if it is not one.
    ///
    /// # Errors
    /// None; it returns a `Result` as the other operations do, so that a jet can end with it.
    pub fn push_cast(&mut self, index: usize) -> Result<(), EvalError> {
        match self.nat(index) {
            Some(_) => self.push_at(index),
            None => self.push_small(0),
        }
        Ok(())
    }
}
