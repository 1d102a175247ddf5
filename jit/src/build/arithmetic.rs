//! Jets that are operations on nats, in terms of primitive operations.
//!
//! Words of 32 bits are cut to that width with `and`, which is nothing where they are known to be
//! no wider, and calculated with as the nats they are: their types say that nothing overflows. Those of
//! 64 bits have operations of their own.

use crate::ir::{Operand, Prim};
use vm::jet::{Operation, WordOperation as W};

/// The bits of a word of 32.
const LOW32: u64 = u32::MAX as u64;

/// An operation on evaluated operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arithmetic {
    /// A primitive one.
    Prim(Prim),
    /// One on the truth of its operands.
    OfTruth(Prim),
    /// 2 to the power of its operand.
    PowerOfTwo,
    /// Whether bit `a` of `b` is set.
    TestBit,
    /// One on words of 32 bits.
    Word32(W),
    /// One on words of 64 bits.
    Word64(W),
}

impl Arithmetic {
    /// What an operation is, if it is one on operands that are all evaluated first.
    pub(crate) fn of(operation: Operation) -> Option<Arithmetic> {
        Some(match operation {
            Operation::ToNat => Arithmetic::Prim(Prim::ToNat),
            Operation::Truth => Arithmetic::Prim(Prim::Truth),
            Operation::Not => Arithmetic::Prim(Prim::Not),
            Operation::IsZero => Arithmetic::Prim(Prim::IsZero),
            Operation::IsNat => Arithmetic::Prim(Prim::IsNat),
            Operation::IsPin => Arithmetic::Prim(Prim::IsPin),
            Operation::IsLaw => Arithmetic::Prim(Prim::IsLaw),
            Operation::IsApp => Arithmetic::Prim(Prim::IsApp),
            Operation::Decrement => Arithmetic::Prim(Prim::Dec),
            Operation::Add => Arithmetic::Prim(Prim::Add),
            Operation::Subtract => Arithmetic::Prim(Prim::Sub),
            Operation::Divide => Arithmetic::Prim(Prim::Div),
            Operation::Remainder => Arithmetic::Prim(Prim::Mod),
            Operation::BitAnd => Arithmetic::Prim(Prim::And),
            Operation::BitOr => Arithmetic::Prim(Prim::Or),
            Operation::BitXor => Arithmetic::Prim(Prim::Xor),
            Operation::ShiftRight => Arithmetic::Prim(Prim::Rsh),
            Operation::Equal => Arithmetic::Prim(Prim::Eq),
            Operation::NotEqual => Arithmetic::Prim(Prim::Ne),
            Operation::Less => Arithmetic::Prim(Prim::Lt),
            Operation::LessOrEqual => Arithmetic::Prim(Prim::Le),
            Operation::Greater => Arithmetic::Prim(Prim::Gt),
            Operation::GreaterOrEqual => Arithmetic::Prim(Prim::Ge),
            Operation::Compare => Arithmetic::Prim(Prim::Cmp),
            Operation::Xor => Arithmetic::OfTruth(Prim::Ne),
            Operation::NotXor => Arithmetic::OfTruth(Prim::Eq),
            Operation::PowerOfTwo => Arithmetic::PowerOfTwo,
            Operation::TestBit => Arithmetic::TestBit,
            Operation::Word32(word) | Operation::Word64(word)
                if matches!(word, W::SignedDivide | W::Multiply | W::ShiftLeft) =>
            {
                return None;
            }
            Operation::Word32(word) => Arithmetic::Word32(word),
            Operation::Word64(word) => Arithmetic::Word64(word),
            _ => return None,
        })
    }

    /// What an operation is that is 0 if the operand at that index is, whatever the other, which then
    /// is not looked at.
    pub(super) fn guarded(operation: Operation) -> Option<(Arithmetic, usize)> {
        match operation {
            Operation::Multiply => Some((Arithmetic::Prim(Prim::Mul), 1)),
            Operation::ShiftLeft => Some((Arithmetic::Prim(Prim::Lsh), 0)),
            Operation::Word32(word @ W::Multiply) => Some((Arithmetic::Word32(word), 1)),
            Operation::Word32(word @ W::ShiftLeft) => Some((Arithmetic::Word32(word), 0)),
            Operation::Word64(word @ W::Multiply) => Some((Arithmetic::Word64(word), 1)),
            Operation::Word64(word @ W::ShiftLeft) => Some((Arithmetic::Word64(word), 0)),
            _ => None,
        }
    }

    /// Writes what decides whether an operation of this kind needs its other operand: 0 or not.
    pub(super) fn guard(
        self,
        operand: Operand,
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        match self {
            Arithmetic::Word32(_) => low32(operand, &mut emit),
            Arithmetic::Word64(_) => match operand {
                Operand::Small(_) => operand,
                _ => emit(Prim::Low64, &[operand]),
            },
            _ => operand,
        }
    }

    /// Writes the operation; its result. The operands are evaluated; `emit` writes one primitive
    /// operation.
    pub(crate) fn write(
        self,
        operands: &[Operand],
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        match self {
            Arithmetic::Prim(prim) => emit(prim, operands),
            Arithmetic::OfTruth(prim) => {
                let truths: Vec<Operand> =
                    operands.iter().map(|a| emit(Prim::Truth, &[*a])).collect();
                emit(prim, &truths)
            }
            Arithmetic::PowerOfTwo => emit(Prim::Lsh, &[&[Operand::Small(1)], operands].concat()),
            Arithmetic::TestBit => {
                let reversed: Vec<Operand> = operands.iter().rev().copied().collect();
                let shifted = emit(Prim::Rsh, &reversed);
                emit(Prim::And, &[shifted, Operand::Small(1)])
            }
            Arithmetic::Word32(operation) => {
                let words: Vec<Operand> =
                    operands.iter().map(|operand| low32(*operand, &mut emit)).collect();
                word32(operation, &words, emit)
            }
            Arithmetic::Word64(operation) => emit(prim64(operation), operands),
        }
    }
}

/// The low 32 bits of an operand.
fn low32(operand: Operand, emit: &mut impl FnMut(Prim, &[Operand]) -> Operand) -> Operand {
    match operand {
        Operand::Small(nat) => Operand::Small(nat & LOW32),
        operand => emit(Prim::And, &[operand, Operand::Small(LOW32)]),
    }
}

/// An operation on words that are cut to their width.
fn word32(
    operation: W,
    words: &[Operand],
    mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
) -> Operand {
    match operation {
        W::Low => words[0],
        W::Add => {
            let sum = emit(Prim::Add, words);
            low32(sum, &mut emit)
        }
        W::Multiply => emit(Prim::Mul32, words),
        W::Divide => emit(Prim::Div, words),
        W::And => emit(Prim::And, words),
        W::Or => emit(Prim::Or, words),
        W::Xor => emit(Prim::Xor, words),
        W::ShiftLeft => emit(Prim::Lsh32, words),
        W::ShiftRight => emit(Prim::Rsh, words),
        W::SignedDivide => unreachable!("there is none of 32 bits"),
    }
}

fn prim64(operation: W) -> Prim {
    match operation {
        W::Low => Prim::Low64,
        W::Add => Prim::Add64,
        W::Multiply => Prim::Mul64,
        W::Divide => Prim::Div64,
        W::And => Prim::And64,
        W::Or => Prim::Or64,
        W::Xor => Prim::Xor64,
        W::ShiftLeft => Prim::Lsh64,
        W::ShiftRight => Prim::Rsh64,
        W::SignedDivide => unreachable!("that is left to the jet"),
    }
}
