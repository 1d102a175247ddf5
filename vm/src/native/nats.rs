//! [`NatOp`]: arithmetic of compiled code on nats that do not fit in a register.

use super::numbered::numbered_enum;
use crate::jet::{JetAnswer, JetCode};
use crate::vm::{JetCall, Vm};
use plan::raw::Word;
use plan::raw::nat::operations;
use plan::{EvalError, Ref, limbs};
use std::cmp::Ordering;
use std::ops::{BitAnd, BitOr, BitXor};

numbered_enum! {
    /// An operation on two evaluated values. A value that is not a nat counts as 0, except in
    /// comparisons. An operation of one operand ignores the second.
    pub enum NatOp {
        /// The successor.
        Inc,
        /// The predecessor; 0 of 0.
        Dec,
        /// The sum.
        Add,
        /// The difference; 0 if it is negative.
        Sub,
        /// The product.
        Mul,
        /// The quotient; 0 if the divisor is 0.
        Div,
        /// The remainder; the dividend if the divisor is 0.
        Mod,
        /// The bits that both have.
        And,
        /// The bits that either has.
        Or,
        /// The bits that exactly one has.
        Xor,
        /// The first shifted left by the second.
        Lsh,
        /// The first shifted right by the second.
        Rsh,
        /// 0, 1 or 2: the first is less, equal, greater, in PLAN's order.
        Cmp,
        /// Whether they are equal.
        Eq,
    }
}

impl NatOp {
    /// The result for evaluated values.
    pub(super) fn compute(self, vm: &mut Vm, a: Word, b: Word) -> Result<Word, EvalError> {
        if let Some(result) = self.compute_without_collection(vm, a, b) {
            return Ok(result);
        }
        self.compute_slowly(vm, a, b)
    }

    /// The result for short nats, if the nursery has room for it.
    #[inline(always)]
    fn compute_without_collection(self, vm: &mut Vm, a: Word, b: Word) -> Option<Word> {
        let heap = &mut vm.heap.memory;
        match self {
            NatOp::Inc => operations::add(heap, a, Word::direct(1)),
            NatOp::Add => operations::add(heap, a, b),
            NatOp::Dec => operations::sub(heap, a, Word::direct(1)),
            NatOp::Sub => operations::sub(heap, a, b),
            NatOp::Mul => operations::mul(heap, a, b),
            NatOp::Div => operations::div(heap, a, b),
            NatOp::Mod => operations::rem(heap, a, b),
            NatOp::Cmp => operations::compare(heap, a, b).map(order_word),
            NatOp::Eq => operations::compare(heap, a, b).map(|order| Word::bit(order.is_eq())),
            NatOp::And => operations::bitwise(heap, a, b, BitAnd::bitand),
            NatOp::Or => operations::bitwise(heap, a, b, BitOr::bitor),
            NatOp::Xor => operations::bitwise(heap, a, b, BitXor::bitxor),
            NatOp::Lsh => operations::shift_left(heap, a, b),
            NatOp::Rsh => operations::shift_right(heap, a, b),
        }
    }

    /// The result for evaluated values, in all cases. May collect.
    #[cold]
    fn compute_slowly(self, vm: &mut Vm, a: Word, b: Word) -> Result<Word, EvalError> {
        if matches!(self, NatOp::Cmp | NatOp::Eq) {
            let order = Ref::new(a, &vm.heap).compare_evaluated(Ref::new(b, &vm.heap));
            let Ok(order) = order else {
                return vm.compare_values(self, a, b);
            };
            let is_equal = Word::bit(order.is_eq());
            return Ok(if self == NatOp::Eq { is_equal } else { order_word(order) });
        }
        if !vm.heap.stack.has_room(64) {
            return Err(EvalError::StackOverflow);
        }
        let base = vm.heap.stack.top();
        vm.heap.stack.push(a);
        vm.heap.stack.push(b);
        let pushed = self.push_result(&mut JetCall { vm, base });
        let result = vm.heap.stack.peek(0);
        vm.heap.stack.truncate(base);
        pushed.map(|()| result)
    }

    /// Pushes the result for the two arguments of a call, as the jets of the same names do.
    fn push_result(self, call: &mut JetCall<'_>) -> Result<(), EvalError> {
        let [left, right] = [0, 1].map(|index| call.limb_count(index));
        let [left_is_zero, right_is_zero] = [0, 1].map(|index| call.cast(index).is_zero());
        let most = left.max(right);
        match self {
            NatOp::Inc => call.push_nat_with(left + 1, |call, out| {
                limbs::increment(out, call.cast(0).limbs());
            }),
            NatOp::Dec if !left_is_zero => call.push_nat_with(left, |call, out| {
                limbs::decrement(out, call.cast(0).limbs());
            }),
            NatOp::Add => call.push_sum(0, 1),
            NatOp::Sub => call.push_difference(0, 1),
            NatOp::Mul if !left_is_zero && !right_is_zero => call.push_product(0, 1),
            NatOp::Div => call.push_quotient(0, 1),
            NatOp::Mod => call.push_remainder(0, 1),
            NatOp::And => {
                push_with(call, most, |out, a, b| limbs::bitwise(out, a, b, BitAnd::bitand))
            }
            NatOp::Or => push_with(call, most, |out, a, b| limbs::bitwise(out, a, b, BitOr::bitor)),
            NatOp::Xor => {
                push_with(call, most, |out, a, b| limbs::bitwise(out, a, b, BitXor::bitxor))
            }
            NatOp::Lsh if !left_is_zero => {
                let by = call.cast(1).saturating_u64();
                let size = limbs::shifted_left_len(call.cast(0).limbs(), by);
                push_with(call, size, |out, a, _| limbs::shift_left(out, a, by))
            }
            NatOp::Rsh => {
                let by = call.cast(1).saturating_u64();
                let bits = call.cast(0).bits().saturating_sub(by);
                push_with(call, bits.div_ceil(limbs::BITS), |out, a, _| {
                    if !out.is_empty() {
                        limbs::shift_right(out, a, by);
                    }
                })
            }
            NatOp::Dec | NatOp::Mul | NatOp::Lsh => {
                call.push_small(0);
                Ok(())
            }
            NatOp::Cmp | NatOp::Eq => unreachable!("comparisons make no nat"),
        }
    }
}

/// Pushes the nat of at most `size` limbs that `fill` computes from the limbs of two arguments.
fn push_with(
    call: &mut JetCall<'_>,
    size: u64,
    fill: impl FnOnce(&mut [u64], &[u64], &[u64]),
) -> Result<(), EvalError> {
    call.push_nat_with(size, |call, out| {
        fill(out, call.cast(0).limbs(), call.cast(1).limbs());
    })
}

fn order_word(order: Ordering) -> Word {
    Word::direct(match order {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    })
}

impl Vm {
    /// Compares two values that are not nats. The jet for the comparison evaluates their
    /// parts only as far as the result depends on them; without it both are normalised.
    fn compare_values(&mut self, operation: NatOp, a: Word, b: Word) -> Result<Word, EvalError> {
        let by_equality = operation == NatOp::Eq;
        if !self.heap.stack.has_room(64) {
            return Err(EvalError::StackOverflow);
        }
        let base = self.heap.stack.top();
        self.heap.stack.push(a);
        self.heap.stack.push(b);
        let jet = self.heap.host.native.compare[usize::from(by_equality)];
        if let Some(JetCode::Native(run)) = jet.map(|jet| self.jets.get(jet).code) {
            let answer = self.run_native_jet(run, base, 2);
            let result = self.heap.stack.peek(0);
            self.heap.stack.truncate(base);
            debug_assert!(!matches!(answer, Ok(JetAnswer::Again)), "jets nest on the native stack");
            return answer.map(|_| result);
        }
        let results = [base, base + 1].map(|at| {
            let word = self.heap.stack.get(at);
            self.heap.stack.push(word);
            let result = self.normalise_top();
            let normal = self.heap.stack.pop();
            self.heap.stack.set(at, normal);
            result
        });
        let [a, b] = [base, base + 1].map(|at| self.heap.stack.get(at));
        self.heap.stack.truncate(base);
        for result in results {
            result?;
        }
        let order = Ref::new(a, &self.heap).compare(Ref::new(b, &self.heap));
        Ok(if by_equality { Word::bit(order.is_eq()) } else { order_word(order) })
    }
}

#[cfg(test)]
mod tests;
