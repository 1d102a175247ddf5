//! Arithmetic on nats. Whatever is not a nat counts as 0.
//!
//! Nats below 2^63 are calculated with in registers; larger ones through malachite.

use crate::args::{bit, lazy, natural, need, number, same, small, word};
use crate::declare::{Declaration, Outcome, native};
use malachite_base::num::arithmetic::traits::{DivMod, Pow, SaturatingSub};
use vm::jet::Demand::{Head, Lazy};
use vm::jet::Gives::{Bit, Nat};
use vm::jet::Operation;
use vm::jet::{Answer, Call};
use vm::{NatRef, Natural, Stop};

pub(crate) const JETS: &[Declaration] = &[
    native("_ToNat", &[Head], to_nat).primitive(Operation::ToNat, Nat),
    native("_Dec", &[Head], dec).primitive(Operation::Decrement, Nat),
    native("_Add", &[Head, Head], add).order(&[1, 0]).primitive(Operation::Add, Nat),
    native("_Sub", &[Head, Head], sub).order(&[1, 0]).primitive(Operation::Subtract, Nat),
    native("_Mul", &[Lazy, Head], mul).primitive(Operation::Multiply, Nat),
    native("_Div", &[Head, Head], div).order(&[1, 0]).primitive(Operation::Divide, Nat),
    native("_Mod", &[Head, Head], rem).order(&[1, 0]).primitive(Operation::Remainder, Nat),
    native("_DivMod", &[Lazy, Lazy], div_mod),
    native("_Pow", &[Lazy, Head], pow).total(Nat),
    native("_OrdWeld", &[Head, Lazy], ord_weld),
    native("isDigit", &[Head], is_digit).total(Bit),
];

/// Ends the call if a nat of so many bits cannot be held.
pub(crate) fn afford_bits(call: &Call<'_>, bits: u64) -> Result<(), Stop> {
    call.afford(bits.div_ceil(64).saturating_add(1))
}

fn to_nat(call: &mut Call<'_>) -> Outcome {
    if call.nat(0).is_some() { same(call, 0) } else { small(call, 0) }
}

fn dec(call: &mut Call<'_>) -> Outcome {
    if let Some(nat) = call.small(0) {
        return small(call, nat.saturating_sub(1));
    }
    let less = natural(call, 0).saturating_sub(Natural::from(1u32));
    number(call, &less)
}

fn add(call: &mut Call<'_>) -> Outcome {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        // Both are below 2^63.
        return word(call, a + b);
    }
    let sum = natural(call, 0) + natural(call, 1);
    number(call, &sum)
}

fn sub(call: &mut Call<'_>) -> Outcome {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return small(call, a.saturating_sub(b));
    }
    let difference = natural(call, 0).saturating_sub(natural(call, 1));
    number(call, &difference)
}

/// The law adds its first argument as often as the second says: not once, and so without looking
/// at it, if that is 0.
fn mul(call: &mut Call<'_>) -> Outcome {
    if call.cast(1).is_zero() {
        return small(call, 0);
    }
    need!(call, 0);
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        let product = u128::from(a) * u128::from(b);
        call.push_limbs(&[product as u64, (product >> 64) as u64])?;
        return Ok(Answer::Done);
    }
    afford_bits(call, call.cast(0).bits().saturating_add(call.cast(1).bits()))?;
    let product = natural(call, 0) * natural(call, 1);
    number(call, &product)
}

/// The quotient and the remainder: of a division by 0, 0 and the dividend.
fn divide(a: Natural, b: Natural) -> (Natural, Natural) {
    if b == 0u32 { (Natural::from(0u32), a) } else { a.div_mod(b) }
}

fn div(call: &mut Call<'_>) -> Outcome {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return small(call, a.checked_div(b).unwrap_or(0));
    }
    let (quotient, _) = divide(natural(call, 0), natural(call, 1));
    number(call, &quotient)
}

fn rem(call: &mut Call<'_>) -> Outcome {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return small(call, a.checked_rem(b).unwrap_or(a));
    }
    let (_, remainder) = divide(natural(call, 0), natural(call, 1));
    number(call, &remainder)
}

/// The app `(0 quotient remainder)`, neither evaluated by the law; what needs no evaluation of the
/// arguments is done at once all the same.
fn div_mod(call: &mut Call<'_>) -> Outcome {
    if !(call.settle(0) && call.settle(1)) {
        return Ok(Answer::Law);
    }
    let (quotient, remainder) = divide(natural(call, 0), natural(call, 1));
    call.push_small(0);
    call.push_natural(&quotient)?;
    call.push_natural(&remainder)?;
    call.app(2)?;
    Ok(Answer::Done)
}

/// The law multiplies as often as the exponent says: at 0 it never looks at the base.
fn pow(call: &mut Call<'_>) -> Outcome {
    if call.cast(1).is_zero() {
        return small(call, 1);
    }
    need!(call, 0);
    let exponent = call.cast(1).saturating_u64();
    match call.cast(0) {
        NatRef::Small(base @ (0 | 1)) => small(call, base),
        base => {
            afford_bits(call, (base.bits() - 1).saturating_mul(exponent))?;
            let power = base.to_natural().pow(exponent);
            number(call, &power)
        }
    }
}

/// `ordWeld x y`: `y` if `x` is 1 (equal), else `x`.
fn ord_weld(call: &mut Call<'_>) -> Outcome {
    if call.small(0) == Some(1) { lazy(call, 1) } else { same(call, 0) }
}

fn is_digit(call: &mut Call<'_>) -> Outcome {
    let digit = matches!(call.small(0), Some(0x30..=0x39));
    bit(call, digit)
}
