//! Arithmetic of compiled code beyond what a register holds.

use crate::jet::{Answer, Call, JetCode};
use crate::vm::Vm;
use plan::raw::{Kind, Word, nat};
use plan::{EvalError, NatRef, Natural, Ref};
use std::cmp::Ordering;

/// An operation on two evaluated values: of nats, what is none counting as 0, but for the
/// comparisons. One that takes one operand ignores the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum NatOp {
    /// The successor.
    Inc,
    /// The predecessor, of 0 0.
    Dec,
    /// The sum.
    Add,
    /// The difference, 0 if that is negative.
    Sub,
    /// The product.
    Mul,
    /// The quotient, by 0 0.
    Div,
    /// The remainder, by 0 the dividend.
    Mod,
    /// Both bits.
    And,
    /// Either bit.
    Or,
    /// Differing bits.
    Xor,
    /// Shifted up by so many bits.
    Lsh,
    /// Shifted down by so many bits.
    Rsh,
    /// 0, 1 or 2: whether the first is less, equal, greater, in PLAN's order.
    Cmp,
    /// Whether they are equal.
    Eq,
}

impl NatOp {
    /// All of them, in the order of their numbers.
    pub const ALL: [NatOp; 14] = [
        NatOp::Inc,
        NatOp::Dec,
        NatOp::Add,
        NatOp::Sub,
        NatOp::Mul,
        NatOp::Div,
        NatOp::Mod,
        NatOp::And,
        NatOp::Or,
        NatOp::Xor,
        NatOp::Lsh,
        NatOp::Rsh,
        NatOp::Cmp,
        NatOp::Eq,
    ];

    /// The result for evaluated values.
    pub(super) fn compute(self, vm: &mut Vm, a: Word, b: Word) -> Result<Word, EvalError> {
        let is_nat = |word: Word| matches!(word.kind(), Kind::Nat | Kind::Big);
        if matches!(self, NatOp::Cmp | NatOp::Eq) && !is_nat(a) && !is_nat(b) {
            return vm.compare_values(self, a, b);
        }
        if matches!(self, NatOp::Cmp | NatOp::Eq) && !(is_nat(a) && is_nat(b)) {
            // A nat is less than anything else.
            let order = if is_nat(a) { Word::ZERO } else { Word::direct(2) };
            return Ok(if self == NatOp::Cmp { order } else { Word::ZERO });
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
            NatOp::Cmp => return Ok(order_word(a.cmp(&b))),
            NatOp::Eq => return Ok(Word::bit(a == b)),
        };
        Ok(nat::from_limbs(&mut vm.heap, result.as_limbs_asc())?)
    }
}

fn order_word(order: Ordering) -> Word {
    Word::direct(match order {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    })
}

impl Vm {
    /// Compares values of which neither is a nat, as the jet for that does: evaluating what is in
    /// them only as far as it must.
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
            let answer = run(&mut Call { vm: self, base });
            let result = self.heap.stack.peek(0);
            self.heap.stack.truncate(base);
            debug_assert!(!matches!(answer, Ok(Answer::Again)), "jets nest on the native stack");
            return answer.map(|_| result);
        }
        let ends = [base, base + 1].map(|at| {
            let word = self.heap.stack.get(at);
            self.heap.stack.push(word);
            let end = self.normalise_top();
            let normal = self.heap.stack.pop();
            self.heap.stack.set(at, normal);
            end
        });
        let [a, b] = [base, base + 1].map(|at| self.heap.stack.get(at));
        self.heap.stack.truncate(base);
        for end in ends {
            end?;
        }
        let order = Ref::new(a, &self.heap).compare(Ref::new(b, &self.heap));
        Ok(if by_equality { Word::bit(order.is_eq()) } else { order_word(order) })
    }
}

fn difference(a: Natural, b: &Natural) -> Natural {
    if a <= *b { Natural::from(0u32) } else { a - b }
}
