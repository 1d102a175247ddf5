//! Arithmetic on nats whose low 64 bits alone are used, as arithmetic on 64-bit words.
//!
//! The library defines operations on words by those on nats, whose results may be wider: `inc64 x`
//! is `w64 (inc x)`. The low 64 bits of a sum, a product or a bitwise combination depend only on the
//! low 64 bits of its operands, so an operation on words computes them without the wide nat.

use super::walker::Simplifier;
use crate::ir::{ConstantKind, Op, Operand, Prim, Type};

/// The most operations between an operation on words and the operands that it takes in the end.
const DEPTH_LIMIT: usize = 4;

impl<'u> Simplifier<'u> {
    /// The operation on 64-bit words that does the same as a primitive operation, if there is a
    /// better one.
    pub(super) fn word_operation(
        &mut self,
        prim: Prim,
        operands: &[Operand],
    ) -> Option<(Prim, Vec<Operand>)> {
        if prim.is_word64() {
            let low: Vec<Operand> =
                operands.iter().map(|operand| self.low64(*operand, DEPTH_LIMIT)).collect();
            return (low != operands).then_some((prim, low));
        }
        match (prim, operands) {
            // A constant that is a nat is no literal because it is large.
            (Prim::Truth | Prim::Not | Prim::IsZero, &[Operand::Constant(k)])
                if self.unit.constants[k].kind == ConstantKind::Nat =>
            {
                Some((prim, vec![Operand::Small(1)]))
            }
            // The complement of the bits.
            (Prim::Sub, &[all, word])
                if self.unit.number(all) == Some(u64::MAX) && self.type_of(word).is(Type::U64) =>
            {
                Some((Prim::Xor64, vec![word, all]))
            }
            _ => None,
        }
    }

    /// An operand with the same low 64 bits: the result of an operation on words, if the operand is
    /// the result of one on nats of any size.
    fn low64(&mut self, operand: Operand, depth: usize) -> Operand {
        if depth == 0 || self.type_of(operand).is(Type::U64) {
            return operand;
        }
        let Some(Op::Prim(prim, operands)) = self.facts.definition(operand) else {
            return operand;
        };
        let Some(word) = prim.modulo_word64() else { return operand };
        let one = (*prim == Prim::Inc).then_some(Operand::Small(1));
        let operands: Vec<Operand> = operands.iter().copied().chain(one).collect();
        let low: Vec<Operand> =
            operands.into_iter().map(|operand| self.low64(operand, depth - 1)).collect();
        self.folded_prim(word, &low)
    }
}
