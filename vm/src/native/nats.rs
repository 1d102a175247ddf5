//! Arithmetic of compiled code beyond what a register holds.

use crate::nat::NatRef;
use crate::word::Word;
use crate::{Natural, Stop, Vm, build};
use std::cmp::Ordering;

/// An operation on two nats of any size. One that takes one nat ignores the second.
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
    /// Shifted down by so many bits.
    Rsh,
    /// 0, 1 or 2: whether the first is less, equal, greater.
    Cmp,
}

impl NatOp {
    /// All of them, in the order of their numbers.
    pub const ALL: [NatOp; 12] = [
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
        NatOp::Rsh,
        NatOp::Cmp,
    ];

    /// The result for evaluated nats.
    pub(super) fn compute(self, vm: &mut Vm, a: Word, b: Word) -> Result<Word, Stop> {
        let natural = |word| Natural::from_limbs_asc(NatRef::of(word).limbs());
        let (a, b) = (natural(a), natural(b));
        let result = match self {
            NatOp::Inc => a + Natural::from(1u32),
            NatOp::Dec => difference(a, &Natural::from(1u32)),
            NatOp::Add => a + b,
            NatOp::Sub => difference(a, &b),
            NatOp::Mul => a * b,
            NatOp::Div if b == 0u32 => b,
            NatOp::Div => a / b,
            NatOp::Mod if b == 0u32 => a,
            NatOp::Mod => a % b,
            NatOp::And => a & b,
            NatOp::Or => a | b,
            NatOp::Xor => a ^ b,
            NatOp::Rsh => match u64::try_from(&b) {
                Ok(bits) => a >> bits,
                Err(_) => Natural::from(0u32),
            },
            NatOp::Cmp => {
                return Ok(Word::direct(match a.cmp(&b) {
                    Ordering::Less => 0,
                    Ordering::Equal => 1,
                    Ordering::Greater => 2,
                }));
            }
        };
        build::push_nat(vm, &result.to_limbs_asc())
    }
}

fn difference(a: Natural, b: &Natural) -> Natural {
    if a <= *b { Natural::from(0u32) } else { a - b }
}
