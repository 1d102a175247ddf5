//! Arithmetic on nats. A value that is not a nat counts as 0.
//!
//! Nats below 2^63 are computed in registers, larger ones limb by limb on the heap. Products,
//! quotients and powers of many limbs use malachite (see [`vm::jet::JetCall`]).

use crate::args::{
    evaluate_arg, return_bit, return_lazy, return_small, return_u64, return_value, thunk_words,
};
use crate::declare::{Jet, JetResult, native};
use plan::{NatRef, limbs};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::{Always, OnNats};
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Bit, Nat};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_ToNat", &[Head], to_nat).primitive(JetOperation::ToNat, Nat).cheap(Always),
    native("_Dec", &[Head], dec).primitive(JetOperation::Decrement, Nat).cheap(Always),
    native("_Times", &[Lazy, Lazy, Head], times),
    native("_Add", &[Head, Head], add)
        .order(&[1, 0])
        .primitive(JetOperation::Add, Nat)
        .cheap(OnNats),
    native("_Sub", &[Head, Head], sub)
        .order(&[1, 0])
        .primitive(JetOperation::Subtract, Nat)
        .cheap(OnNats),
    native("_Mul", &[Lazy, Head], mul).primitive(JetOperation::Multiply, Nat).cheap(OnNats),
    native("_Div", &[Head, Head], div)
        .order(&[1, 0])
        .primitive(JetOperation::Divide, Nat)
        .cheap(OnNats),
    native("_Mod", &[Head, Head], rem)
        .order(&[1, 0])
        .primitive(JetOperation::Remainder, Nat)
        .cheap(OnNats),
    native("_DivMod", &[Lazy, Lazy], div_mod),
    native("_Pow", &[Lazy, Head], pow).total(Nat),
    native("_OrdWeld", &[Head, Lazy], ord_weld).operation(JetOperation::CombineOrders),
    native("isDigit", &[Head], is_digit).primitive(JetOperation::IsDigit, Bit).cheap(Always),
];

fn to_nat(call: &mut JetCall<'_>) -> JetResult {
    if call.nat(0).is_some() { return_value(call, 0) } else { return_small(call, 0) }
}

fn dec(call: &mut JetCall<'_>) -> JetResult {
    if let Some(nat) = call.small(0) {
        return return_small(call, nat.saturating_sub(1));
    }
    if call.cast(0).is_zero() {
        return return_small(call, 0);
    }
    call.push_nat_with(call.limb_count(0), |call, out| {
        limbs::decrement(out, call.cast(0).limbs());
    })?;
    Ok(JetAnswer::Done)
}

/// `times f x n`: applies `f` to `x` `n` times. Like the law, it evaluates only the outermost
/// application.
fn times(call: &mut JetCall<'_>) -> JetResult {
    let turns = call.cast(2).saturating_u64();
    call.check_result_words(turns.saturating_mul(thunk_words(1)))?;
    for turn in 0..turns {
        if turn.is_multiple_of(1 << 12) {
            call.check()?;
        }
        call.push_at(0);
        call.push_at(1);
        call.app(1)?;
        call.put(1);
    }
    return_lazy(call, 1)
}

fn add(call: &mut JetCall<'_>) -> JetResult {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        // The sum cannot overflow: both nats are below 2^63.
        return return_u64(call, a + b);
    }
    call.push_sum(0, 1)?;
    Ok(JetAnswer::Done)
}

fn sub(call: &mut JetCall<'_>) -> JetResult {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return return_small(call, a.saturating_sub(b));
    }
    call.push_difference(0, 1)?;
    Ok(JetAnswer::Done)
}

/// The law adds its first argument as often as the second says, so it does not evaluate the first
/// if the second is 0.
fn mul(call: &mut JetCall<'_>) -> JetResult {
    if call.cast(1).is_zero() {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 0);
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        let product = u128::from(a) * u128::from(b);
        call.push_limbs(&[product as u64, (product >> 64) as u64])?;
        return Ok(JetAnswer::Done);
    }
    call.push_product(0, 1)?;
    Ok(JetAnswer::Done)
}

fn div(call: &mut JetCall<'_>) -> JetResult {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return return_small(call, a.checked_div(b).unwrap_or(0));
    }
    call.push_quotient(0, 1)?;
    Ok(JetAnswer::Done)
}

fn rem(call: &mut JetCall<'_>) -> JetResult {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return return_small(call, a.checked_rem(b).unwrap_or(a));
    }
    call.push_remainder(0, 1)?;
    Ok(JetAnswer::Done)
}

/// Returns the app `(0 quotient remainder)`. The law evaluates neither; if both arguments are
/// evaluated already, computing them immediately makes no difference to the program.
fn div_mod(call: &mut JetCall<'_>) -> JetResult {
    if !(call.is_evaluated_at(0) && call.is_evaluated_at(1)) {
        return Ok(JetAnswer::Law);
    }
    call.push_small(0);
    call.push_quotient(0, 1)?;
    call.push_remainder(0, 1)?;
    call.app(2)?;
    Ok(JetAnswer::Done)
}

/// The law multiplies as often as the exponent says, so it does not evaluate the base if that is 0.
fn pow(call: &mut JetCall<'_>) -> JetResult {
    if call.cast(1).is_zero() {
        return return_small(call, 1);
    }
    evaluate_arg!(call, 0);
    let exponent = call.cast(1).saturating_u64();
    match call.cast(0) {
        NatRef::Small(base @ (0 | 1)) => return_small(call, base),
        base => {
            call.check_result_bits((base.bits() - 1).saturating_mul(exponent))?;
            call.push_power(0, exponent)?;
            Ok(JetAnswer::Done)
        }
    }
}

/// `ordWeld x y`: `y` if `x` is 1 (equal), else `x`.
fn ord_weld(call: &mut JetCall<'_>) -> JetResult {
    if call.small(0) == Some(1) { return_lazy(call, 1) } else { return_value(call, 0) }
}

fn is_digit(call: &mut JetCall<'_>) -> JetResult {
    let digit = matches!(call.small(0), Some(0x30..=0x39));
    return_bit(call, digit)
}
