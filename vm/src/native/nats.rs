//! [`NatOp`]: arithmetic of compiled code on nats that do not fit in a register.

use super::numbered::numbered_enum;
use crate::jet::{JetAnswer, JetCode};
use crate::vm::Vm;
use plan::raw::{Word, WordKind, nat};
use plan::{EvalError, NatRef, Natural, Ref};
use std::cmp::Ordering;

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
        let is_nat = |word: Word| matches!(word.kind(), WordKind::Nat | WordKind::Big);
        if matches!(self, NatOp::Cmp | NatOp::Eq) && !is_nat(a) && !is_nat(b) {
            return vm.compare_values(self, a, b);
        }
        if matches!(self, NatOp::Cmp | NatOp::Eq) && !(is_nat(a) && is_nat(b)) {
            // A nat is less than anything else.
            let order = if is_nat(a) { Word::ZERO } else { Word::direct(2) };
            return Ok(if self == NatOp::Cmp { order } else { Word::ZERO });
        }
        if matches!(self, NatOp::Cmp | NatOp::Eq) {
            let order = compare_nats(NatRef::of(&vm.heap, a), NatRef::of(&vm.heap, b));
            return Ok(if self == NatOp::Cmp {
                order_word(order)
            } else {
                Word::bit(order.is_eq())
            });
        }
        let natural = |word| match is_nat(word) {
            true => Natural::from_limbs_asc(NatRef::of(&vm.heap, word).limbs()),
            false => Natural::from(0u32),
        };
        let (a, b) = (natural(a), natural(b));
        let zero = Natural::from(0u32);
        let result = match self {
            NatOp::Inc => a + Natural::from(1u32),
            NatOp::Dec => difference(a, &Natural::from(1u32)),
            NatOp::Add => a + b,
            NatOp::Sub => difference(a, &b),
            NatOp::Mul => a * b,
            NatOp::Div if b == zero => b,
            NatOp::Div => a / b,
            NatOp::Mod if b == zero => a,
            NatOp::Mod => a % b,
            NatOp::And => a & b,
            NatOp::Or => a | b,
            NatOp::Xor => a ^ b,
            NatOp::Lsh if a == zero => a,
            NatOp::Lsh => {
                let limit = 64 * vm.heap.limit_words() as u64;
                a << u64::try_from(&b).ok().filter(|b| *b < limit).ok_or(EvalError::OutOfMemory)?
            }
            NatOp::Rsh => u64::try_from(&b).map_or(zero, |bits| a >> bits),
            NatOp::Cmp | NatOp::Eq => unreachable!("comparisons returned above"),
        };
        Ok(nat::from_limbs(&mut vm.heap, result.as_limbs_asc())?)
    }
}

/// Compares nats without a copy of their limbs.
fn compare_nats(a: NatRef<'_>, b: NatRef<'_>) -> Ordering {
    let (a, b) = (a.limbs(), b.limbs());
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
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

fn difference(a: Natural, b: &Natural) -> Natural {
    if a <= *b { Natural::from(0u32) } else { a - b }
}
