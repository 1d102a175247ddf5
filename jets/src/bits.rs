//! Jets on the bits of nats. A value that is not a nat counts as 0.

use crate::args::{evaluate_arg, return_bit, return_lazy, return_small, return_value};
use crate::declare::{Jet, JetResult, native};
use plan::{NatRef, limbs};
use vm::jet::ArgDemand::{Head, Lazy};

use vm::jet::CheapCondition::{OnExponents, OnNats};
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Bit, Nat, Small};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_Bex", &[Head], bex).primitive(JetOperation::PowerOfTwo, Nat).cheap(OnExponents),
    native("_Lsh", &[Head, Lazy], lsh).primitive(JetOperation::ShiftLeft, Nat),
    native("_Rsh", &[Head, Head], rsh)
        .order(&[1, 0])
        .primitive(JetOperation::ShiftRight, Nat)
        .cheap(OnNats),
    native("_Bitwise", &[Lazy, Head, Head], bitwise_by).order(&[2, 1]),
    native("_NatFold", &[Lazy, Lazy, Head], fold),
    native("_Dis", &[Head, Head], or)
        .order(&[1, 0])
        .primitive(JetOperation::BitOr, Nat)
        .cheap(OnNats),
    native("_Con", &[Head, Head], and)
        .order(&[1, 0])
        .primitive(JetOperation::BitAnd, Nat)
        .cheap(OnNats),
    native("_Mix", &[Head, Head], xor)
        .order(&[1, 0])
        .primitive(JetOperation::BitXor, Nat)
        .cheap(OnNats),
    native("_PopCount", &[Head], pop_count).primitive(JetOperation::PopCount, Small),
    native("_Met", &[Head], met).primitive(JetOperation::BitWidth, Small),
    native("_Bix", &[Head, Head], test_bit).primitive(JetOperation::TestBit, Bit),
    native("_TestBit", &[Head, Head], test_bit).primitive(JetOperation::TestBit, Bit).cheap(OnNats),
    native("_SetBit", &[Head, Head], set_bit).total(Nat),
    native("_ClearBit", &[Head, Head], clear_bit),
    native("_Trunc", &[Head, Head], trunc).primitive(JetOperation::Truncate, Nat).cheap(OnNats),
    native("_BitSlice", &[Head, Head, Head], bit_slice).order(&[1, 0, 2]).total(Nat),
];

/// A nat below 2^63 shifted left, if the result is below 2^63 too.
fn shifted_small(nat: u64, by: u64) -> Option<u64> {
    let fits = nat == 0 || by < u64::from(nat.leading_zeros()).saturating_sub(1);
    fits.then(|| if nat == 0 { 0 } else { nat << by })
}

fn bex(call: &mut JetCall<'_>) -> JetResult {
    let by = call.cast(0).saturating_u64();
    match shifted_small(1, by) {
        Some(power) => return_small(call, power),
        None => {
            call.push_nat_with(limbs::shifted_left_len(&[1], by), |_, out| {
                limbs::shift_left(out, &[1], by);
            })?;
            Ok(JetAnswer::Done)
        }
    }
}

/// `lsh v n`. The law multiplies, and does not evaluate `n` if `v` is 0.
fn lsh(call: &mut JetCall<'_>) -> JetResult {
    if call.cast(0).is_zero() {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 1);
    let by = call.cast(1).saturating_u64();
    match call.small(0).and_then(|nat| shifted_small(nat, by)) {
        Some(shifted) => return_small(call, shifted),
        None => {
            let limbs = limbs::shifted_left_len(call.cast(0).limbs(), by);
            call.push_nat_with(limbs, |call, out| {
                limbs::shift_left(out, call.cast(0).limbs(), by);
            })?;
            Ok(JetAnswer::Done)
        }
    }
}

fn rsh(call: &mut JetCall<'_>) -> JetResult {
    let by = call.cast(1).saturating_u64();
    match call.cast(0) {
        NatRef::Small(nat) => return_small(call, if by < 64 { nat >> by } else { 0 }),
        NatRef::Limbs(_) => slice(call, 0, by, u64::MAX),
    }
}

/// Returns a bitwise operation on both arguments.
fn bitwise(call: &mut JetCall<'_>, op: impl Fn(u64, u64) -> u64) -> JetResult {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return return_small(call, op(a, b));
    }
    call.push_nat_with(call.limb_count(0).max(call.limb_count(1)), |call, out| {
        limbs::bitwise(out, call.cast(0).limbs(), call.cast(1).limbs(), op);
    })?;
    Ok(JetAnswer::Done)
}

/// `bitwise f x y`: the nat whose bits are `f` of the corresponding bits of `x` and `y`, computed
/// from the lowest bit up. If `f` returns a nat above 1, the law runs: it adds up such results.
fn bitwise_by(call: &mut JetCall<'_>) -> JetResult {
    let height = call.height();
    let count = call.cast(1).bits().max(call.cast(2).bits());
    let mut bits = vec![0; count.div_ceil(limbs::BITS) as usize];
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    for index in 0..count {
        call.check()?;
        call.push_at(0);
        for arg in [1, 2] {
            let bit = limbs::bit(call.cast(arg).limbs(), index);
            call.push_bit(bit);
        }
        call.run(2)?;
        match call.cast(height) {
            NatRef::Small(bit @ (0 | 1)) => {
                bits[(index / limbs::BITS) as usize] |= bit << (index % limbs::BITS);
            }
            _ => return Ok(JetAnswer::Law),
        }
        call.drop_to(height);
    }
    call.push_limbs(&bits)?;
    Ok(JetAnswer::Done)
}

/// `natFold f z n`: folds `f` over the bits of `n`, from the lowest to the highest that is set.
fn fold(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    for index in 0..call.cast(2).bits() {
        call.check()?;
        call.push_at(0);
        call.push_at(1);
        let bit = limbs::bit(call.cast(2).limbs(), index);
        call.push_bit(bit);
        call.run(2)?;
        call.put(1);
    }
    return_lazy(call, 1)
}

fn or(call: &mut JetCall<'_>) -> JetResult {
    bitwise(call, |a, b| a | b)
}

fn and(call: &mut JetCall<'_>) -> JetResult {
    bitwise(call, |a, b| a & b)
}

fn xor(call: &mut JetCall<'_>) -> JetResult {
    bitwise(call, |a, b| a ^ b)
}

fn pop_count(call: &mut JetCall<'_>) -> JetResult {
    let ones = limbs::count_ones(call.cast(0).limbs());
    return_small(call, ones)
}

fn met(call: &mut JetCall<'_>) -> JetResult {
    let bits = call.cast(0).bits();
    return_small(call, bits)
}

fn test_bit(call: &mut JetCall<'_>) -> JetResult {
    let set = limbs::bit(call.cast(1).limbs(), call.cast(0).saturating_u64());
    return_bit(call, set)
}

fn set_bit(call: &mut JetCall<'_>) -> JetResult {
    let index = call.cast(0).saturating_u64();
    if let (Some(nat), 0..63) = (call.small(1), index) {
        return return_small(call, nat | 1 << index);
    }
    call.push_nat_with(call.limb_count(1).max(index / limbs::BITS + 1), |call, out| {
        let nat = call.cast(1);
        let (low, high) = out.split_at_mut(nat.limbs().len());
        low.copy_from_slice(nat.limbs());
        high.fill(0);
        out[(index / limbs::BITS) as usize] |= 1 << (index % limbs::BITS);
    })?;
    Ok(JetAnswer::Done)
}

/// If the bit is not set, the law returns its argument unchanged, nat or not.
fn clear_bit(call: &mut JetCall<'_>) -> JetResult {
    let index = call.cast(0).saturating_u64();
    if !limbs::bit(call.cast(1).limbs(), index) {
        return return_value(call, 1);
    }
    call.push_nat_with(call.limb_count(1), |call, out| {
        out.copy_from_slice(call.cast(1).limbs());
        out[(index / limbs::BITS) as usize] &= !(1 << (index % limbs::BITS));
    })?;
    Ok(JetAnswer::Done)
}

/// Returns the bits `from..from + width` of the argument at `index`.
fn slice(call: &mut JetCall<'_>, index: usize, from: u64, width: u64) -> JetResult {
    let bits = call.cast(index).bits().saturating_sub(from).min(width);
    call.push_nat_with(bits.div_ceil(limbs::BITS), |call, out| {
        limbs::shift_right(out, call.cast(index).limbs(), from);
        limbs::truncate(out, bits);
    })?;
    Ok(JetAnswer::Done)
}

fn trunc(call: &mut JetCall<'_>) -> JetResult {
    let width = call.cast(0).saturating_u64();
    if let Some(nat) = call.small(1) {
        return return_small(call, if width < 64 { nat & ((1 << width) - 1) } else { nat });
    }
    slice(call, 1, 0, width)
}

fn bit_slice(call: &mut JetCall<'_>) -> JetResult {
    let (from, width) = (call.cast(0).saturating_u64(), call.cast(1).saturating_u64());
    slice(call, 2, from, width)
}
