//! Jets that compute on nats, expanded into primitive operations.
//!
//! Operands that are 32-bit words are masked to their width with `and`, which folds away where the
//! type says that they are no wider, and then computed on as nats: their types show that no result
//! overflows. Operations on 64-bit words have primitive operations of their own.

use super::{Operand, Prim};
use vm::jet::{JetOperation, WordOperation as W};

/// The mask of a 32-bit word.
const LOW32: u64 = u32::MAX as u64;
/// The sign bit of a 32-bit word.
const SIGN32: u64 = 1 << 31;

/// A computation on nats whose operands are all evaluated first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NatOperation {
    /// A primitive operation.
    Prim(Prim),
    /// A primitive operation on the truth values of the operands.
    OfTruth(Prim),
    /// 2 to the power of the operand.
    PowerOfTwo,
    /// Whether bit `a` of `b` is set.
    TestBit,
    /// Whether the operand is from `0` up to `9`.
    IsDigit,
    /// An operation on 32-bit words.
    Word32(W),
    /// An operation on 64-bit words.
    Word64(W),
}

impl NatOperation {
    /// The expansion of a jet's operation, or `None` if it does not evaluate all its operands first
    /// or is not expanded.
    pub(crate) fn of(operation: JetOperation) -> Option<NatOperation> {
        Some(match operation {
            JetOperation::ToNat => NatOperation::Prim(Prim::ToNat),
            JetOperation::Truth => NatOperation::Prim(Prim::Truth),
            JetOperation::Not => NatOperation::Prim(Prim::Not),
            JetOperation::IsZero => NatOperation::Prim(Prim::IsZero),
            JetOperation::IsNat => NatOperation::Prim(Prim::IsNat),
            JetOperation::IsPin => NatOperation::Prim(Prim::IsPin),
            JetOperation::IsLaw => NatOperation::Prim(Prim::IsLaw),
            JetOperation::IsApp => NatOperation::Prim(Prim::IsApp),
            JetOperation::Decrement => NatOperation::Prim(Prim::Dec),
            JetOperation::Add => NatOperation::Prim(Prim::Add),
            JetOperation::Subtract => NatOperation::Prim(Prim::Sub),
            JetOperation::Divide => NatOperation::Prim(Prim::Div),
            JetOperation::Remainder => NatOperation::Prim(Prim::Mod),
            JetOperation::BitAnd => NatOperation::Prim(Prim::And),
            JetOperation::BitOr => NatOperation::Prim(Prim::Or),
            JetOperation::BitXor => NatOperation::Prim(Prim::Xor),
            JetOperation::ShiftRight => NatOperation::Prim(Prim::Rsh),
            JetOperation::Equal => NatOperation::Prim(Prim::Eq),
            JetOperation::NotEqual => NatOperation::Prim(Prim::Ne),
            JetOperation::Less => NatOperation::Prim(Prim::Lt),
            JetOperation::LessOrEqual => NatOperation::Prim(Prim::Le),
            JetOperation::Greater => NatOperation::Prim(Prim::Gt),
            JetOperation::GreaterOrEqual => NatOperation::Prim(Prim::Ge),
            JetOperation::Compare => NatOperation::Prim(Prim::Cmp),
            JetOperation::Xor => NatOperation::OfTruth(Prim::Ne),
            JetOperation::NotXor => NatOperation::OfTruth(Prim::Eq),
            JetOperation::PowerOfTwo => NatOperation::PowerOfTwo,
            JetOperation::BitWidth => NatOperation::Prim(Prim::BitWidth),
            JetOperation::TestBit => NatOperation::TestBit,
            JetOperation::IsDigit => NatOperation::IsDigit,
            JetOperation::Word32(word) | JetOperation::Word64(word)
                if matches!(word, W::Multiply | W::ShiftLeft) || is_partial(word) =>
            {
                return None;
            }
            JetOperation::Word32(word) => NatOperation::Word32(word),
            JetOperation::Word64(word) => NatOperation::Word64(word),
            _ => return None,
        })
    }

    /// The expansion of an operation that is 0 if one of its operands is 0, and then does not
    /// evaluate the other; with the index of the operand that decides.
    pub(crate) fn zero_guarded(operation: JetOperation) -> Option<(NatOperation, usize)> {
        match operation {
            JetOperation::Multiply => Some((NatOperation::Prim(Prim::Mul), 1)),
            JetOperation::ShiftLeft => Some((NatOperation::Prim(Prim::Lsh), 0)),
            JetOperation::Word32(word @ W::Multiply) => Some((NatOperation::Word32(word), 1)),
            JetOperation::Word32(word @ W::ShiftLeft) => Some((NatOperation::Word32(word), 0)),
            JetOperation::Word64(word @ W::Multiply) => Some((NatOperation::Word64(word), 1)),
            JetOperation::Word64(word @ W::ShiftLeft) => Some((NatOperation::Word64(word), 0)),
            _ => None,
        }
    }

    /// Emits the value that decides whether a zero-guarded operation needs its other operand: it
    /// does unless this value is 0.
    pub(crate) fn guard(
        self,
        operand: Operand,
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        match self {
            NatOperation::Word32(_) => low32(operand, &mut emit),
            NatOperation::Word64(_) => match operand {
                Operand::Small(_) => operand,
                _ => emit(Prim::Low64, &[operand]),
            },
            _ => operand,
        }
    }

    /// Emits the operation on evaluated operands and returns the result. `emit` emits one primitive
    /// operation and returns its result.
    pub(crate) fn emit_with(
        self,
        operands: &[Operand],
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        match self {
            NatOperation::Prim(prim) => emit(prim, operands),
            NatOperation::OfTruth(prim) => {
                let truths: Vec<Operand> =
                    operands.iter().map(|a| emit(Prim::Truth, &[*a])).collect();
                emit(prim, &truths)
            }
            NatOperation::PowerOfTwo => emit(Prim::Lsh, &[&[Operand::Small(1)], operands].concat()),
            NatOperation::TestBit => {
                let reversed: Vec<Operand> = operands.iter().rev().copied().collect();
                let shifted = emit(Prim::Rsh, &reversed);
                emit(Prim::And, &[shifted, Operand::Small(1)])
            }
            NatOperation::IsDigit => {
                let limits = [(Prim::Ge, b'0'), (Prim::Le, b'9')];
                let tests = limits.map(|(prim, limit)| {
                    emit(prim, &[operands[0], Operand::Small(u64::from(limit))])
                });
                emit(Prim::And, &tests)
            }
            NatOperation::Word32(operation) => {
                let words: Vec<Operand> =
                    operands.iter().map(|operand| low32(*operand, &mut emit)).collect();
                word32(operation, &words, emit)
            }
            NatOperation::Word64(operation) => word64(operation, operands, emit),
        }
    }
}

/// Whether an operation on words is not defined by a fixed sequence of primitive operations for all
/// operands.
fn is_partial(word: W) -> bool {
    matches!(word, W::Subtract | W::RotateLeft | W::RotateRight)
}

/// The width of words in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WordWidth {
    Bits32,
    Bits64,
}

/// An operation on words that primitive operations compute if a condition holds: for other operands
/// the library's law does not truncate them before it uses them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GuardedOperation {
    /// The difference of words.
    Difference(WordWidth),
    /// The rotation to the left by at most the width.
    RotationLeft(WordWidth),
    /// The rotation to the right by at most the width.
    RotationRight(WordWidth),
    /// The lowest bits of a nat, if their number is a constant up to 64, or at most 62.
    LowBits,
}

impl GuardedOperation {
    /// The expansion of a jet's operation, if it is such an operation.
    pub(crate) fn of(operation: JetOperation) -> Option<GuardedOperation> {
        let (word, width) = match operation {
            JetOperation::Word32(word) => (word, WordWidth::Bits32),
            JetOperation::Word64(word) => (word, WordWidth::Bits64),
            JetOperation::Truncate => return Some(GuardedOperation::LowBits),
            _ => return None,
        };
        Some(match word {
            W::Subtract => GuardedOperation::Difference(width),
            W::RotateLeft => GuardedOperation::RotationLeft(width),
            W::RotateRight => GuardedOperation::RotationRight(width),
            _ => return None,
        })
    }

    /// Emits the condition under which the operation is that of [`emit_with`](Self::emit_with), and
    /// returns it.
    pub(crate) fn guard(
        self,
        operands: &[Operand],
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        let most = |width| match width {
            WordWidth::Bits32 => 32,
            WordWidth::Bits64 => 64,
        };
        match self {
            GuardedOperation::Difference(WordWidth::Bits32) => {
                let bits = emit(Prim::Or, operands);
                emit(Prim::Le, &[bits, Operand::Small(LOW32)])
            }
            GuardedOperation::Difference(WordWidth::Bits64) => {
                let are_words = [operands[0], operands[1]].map(|a| emit(Prim::IsU64, &[a]));
                emit(Prim::And, &are_words)
            }
            GuardedOperation::RotationLeft(width) | GuardedOperation::RotationRight(width) => {
                match operands[1] {
                    Operand::Small(by) => Operand::Small(u64::from(by <= most(width))),
                    by => emit(Prim::Le, &[by, Operand::Small(most(width))]),
                }
            }
            GuardedOperation::LowBits => match operands[0] {
                Operand::Small(count) => Operand::Small(u64::from(count <= 64)),
                count => emit(Prim::Le, &[count, Operand::Small(62)]),
            },
        }
    }

    /// Emits the operation on evaluated operands for which the condition holds, and returns the
    /// result.
    pub(crate) fn emit_with(
        self,
        operands: &[Operand],
        mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
    ) -> Operand {
        match self {
            GuardedOperation::Difference(WordWidth::Bits32) => difference32(operands, emit),
            GuardedOperation::Difference(WordWidth::Bits64) => emit(Prim::Sub64, operands),
            GuardedOperation::RotationLeft(WordWidth::Bits64) => emit(Prim::Rol64, operands),
            GuardedOperation::RotationRight(WordWidth::Bits64) => {
                // The distance counts modulo 64.
                let left = emit(Prim::Sub64, &[Operand::Small(64), operands[1]]);
                emit(Prim::Rol64, &[operands[0], left])
            }
            GuardedOperation::RotationLeft(WordWidth::Bits32) => {
                let words = [operands[0], operands[1]].map(|a| low32(a, &mut emit));
                emit(Prim::Rol32, &words)
            }
            GuardedOperation::RotationRight(WordWidth::Bits32) => {
                let [word, by] = [operands[0], operands[1]].map(|a| low32(a, &mut emit));
                let left = emit(Prim::Sub, &[Operand::Small(32), by]);
                let left = low32(left, &mut emit);
                emit(Prim::Rol32, &[word, left])
            }
            GuardedOperation::LowBits => {
                let mask = match operands[0] {
                    Operand::Small(64) => return emit(Prim::Low64, &operands[1..]),
                    Operand::Small(count) => Operand::Small((1 << count) - 1),
                    count => {
                        let power = emit(Prim::Lsh, &[Operand::Small(1), count]);
                        emit(Prim::Dec, &[power])
                    }
                };
                emit(Prim::And, &[operands[1], mask])
            }
        }
    }
}

/// Emits the difference modulo 2^32 of operands that are below 2^32, and returns it.
fn difference32(
    operands: &[Operand],
    mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
) -> Operand {
    let words: Vec<Operand> = operands.iter().map(|word| low32(*word, &mut emit)).collect();
    let borrowed = emit(Prim::Add, &[words[0], Operand::Small(LOW32 + 1)]);
    let rest = emit(Prim::Sub, &[borrowed, words[1]]);
    low32(rest, &mut emit)
}

/// Emits the low 32 bits of an operand.
fn low32(operand: Operand, emit: &mut impl FnMut(Prim, &[Operand]) -> Operand) -> Operand {
    match operand {
        Operand::Small(nat) => Operand::Small(nat & LOW32),
        operand => emit(Prim::And, &[operand, Operand::Small(LOW32)]),
    }
}

/// Emits an operation on words that are masked to 32 bits.
fn word32(
    operation: W,
    words: &[Operand],
    mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
) -> Operand {
    let a = words[0];
    match operation {
        W::Low => a,
        W::Increment => {
            let sum = emit(Prim::Add, &[a, Operand::Small(1)]);
            low32(sum, &mut emit)
        }
        W::Decrement => {
            let sum = emit(Prim::Add, &[a, Operand::Small(LOW32)]);
            low32(sum, &mut emit)
        }
        W::Add => {
            let sum = emit(Prim::Add, words);
            low32(sum, &mut emit)
        }
        W::Multiply => emit(Prim::Mul32, words),
        W::Divide => emit(Prim::Div, words),
        W::Complement => emit(Prim::Xor, &[a, Operand::Small(LOW32)]),
        W::And => emit(Prim::And, words),
        W::Or => emit(Prim::Or, words),
        W::Xor => emit(Prim::Xor, words),
        W::ShiftLeft => emit(Prim::Lsh32, words),
        W::ShiftRight => emit(Prim::Rsh, words),
        W::IsNegative => emit(Prim::Rsh, &[a, Operand::Small(31)]),
        W::Negate => difference32(&[Operand::Small(0), a], emit),
        W::SignedSubtract => difference32(words, emit),
        W::SignedDivide => {
            // The sign bit is subtracted from the other bits.
            let extended = [a, words[1]].map(|word| {
                let flipped = emit(Prim::Xor, &[word, Operand::Small(SIGN32)]);
                emit(Prim::Sub64, &[flipped, Operand::Small(SIGN32)])
            });
            let quotient = emit(Prim::IDiv64, &extended);
            low32(quotient, &mut emit)
        }
        _ => {
            let (prim, is_signed) = comparison(operation);
            let mut keys = words.to_vec();
            if is_signed {
                for key in &mut keys {
                    *key = emit(Prim::Xor, &[*key, Operand::Small(SIGN32)]);
                }
            }
            emit(prim, &keys)
        }
    }
}

/// Emits an operation on the low 64 bits of the operands.
fn word64(
    operation: W,
    operands: &[Operand],
    mut emit: impl FnMut(Prim, &[Operand]) -> Operand,
) -> Operand {
    let a = operands[0];
    match operation {
        W::Low => emit(Prim::Low64, operands),
        W::Increment => emit(Prim::Add64, &[a, Operand::Small(1)]),
        W::Decrement => emit(Prim::Sub64, &[a, Operand::Small(1)]),
        W::Add => emit(Prim::Add64, operands),
        W::Multiply => emit(Prim::Mul64, operands),
        W::Divide => emit(Prim::Div64, operands),
        W::Complement => {
            let next = emit(Prim::Add64, &[a, Operand::Small(1)]);
            emit(Prim::Sub64, &[Operand::Small(0), next])
        }
        W::And => emit(Prim::And64, operands),
        W::Or => emit(Prim::Or64, operands),
        W::Xor => emit(Prim::Xor64, operands),
        W::ShiftLeft => emit(Prim::Lsh64, operands),
        W::ShiftRight => emit(Prim::Rsh64, operands),
        W::IsNegative => emit(Prim::Rsh64, &[a, Operand::Small(63)]),
        W::Negate => emit(Prim::Sub64, &[Operand::Small(0), a]),
        W::SignedSubtract => emit(Prim::Sub64, operands),
        W::SignedDivide => emit(Prim::IDiv64, operands),
        _ => {
            let (prim, is_signed) = comparison(operation);
            let mut keys: Vec<Operand> =
                operands.iter().map(|operand| emit(Prim::Low64, &[*operand])).collect();
            if is_signed {
                let sign = emit(Prim::Lsh64, &[Operand::Small(1), Operand::Small(63)]);
                for key in &mut keys {
                    *key = emit(Prim::Xor64, &[*key, sign]);
                }
            }
            emit(prim, &keys)
        }
    }
}

/// The comparison that an operation on words makes, and whether the words are numbers in two's
/// complement. With their sign bits flipped these compare as unsigned numbers do.
///
/// # Panics
/// If the operation is none of a fixed sequence of primitive operations.
fn comparison(operation: W) -> (Prim, bool) {
    match operation {
        W::IsZero => (Prim::IsZero, false),
        W::Equal => (Prim::Eq, false),
        W::Less => (Prim::Lt, false),
        W::LessOrEqual => (Prim::Le, false),
        W::Greater => (Prim::Gt, false),
        W::GreaterOrEqual => (Prim::Ge, false),
        W::SignedLess => (Prim::Lt, true),
        W::SignedLessOrEqual => (Prim::Le, true),
        W::SignedGreater => (Prim::Gt, true),
        W::SignedGreaterOrEqual => (Prim::Ge, true),
        _ => unreachable!("{operation:?} is guarded"),
    }
}
