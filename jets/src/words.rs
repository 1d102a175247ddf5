//! Arithmetic on words of 32 and 64 bits. Only the low 32 or 64 bits of a nat count; a value that
//! is not a nat counts as 0.

use crate::args::{evaluate_arg, return_small, return_u64};
use crate::declare::{Jet, JetResult, native};
use plan::{NatRef, limbs};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::OnU64;
use vm::jet::JetOperation::{Word32, Word64};
use vm::jet::ResultShape::{Nat, Small};
use vm::jet::WordOperation as W;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("w32", &[Head], low::<32>).primitive(Word32(W::Low), Small),
    native("add32", &[Head, Head], add::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Add), Small)
        .cheap(OnU64),
    native("sub32", &[Head, Head], sub::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Subtract), Nat)
        .cheap(OnU64),
    native("mul32", &[Lazy, Head], mul::<32>).primitive(Word32(W::Multiply), Small).cheap(OnU64),
    native("div32", &[Head, Head], div::<32>).order(&[1, 0]).primitive(Word32(W::Divide), Small),
    native("and32", &[Head, Head], and::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::And), Small)
        .cheap(OnU64),
    native("or32", &[Head, Head], or::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Or), Small)
        .cheap(OnU64),
    native("xor32", &[Head, Head], xor::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Xor), Small)
        .cheap(OnU64),
    native("lsh32", &[Head, Lazy], lsh::<32>).primitive(Word32(W::ShiftLeft), Small),
    native("rsh32", &[Head, Head], rsh::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::ShiftRight), Small),
    native("rol32", &[Head, Head], rol::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::RotateLeft), Small),
    native("ror32", &[Head, Head], ror::<32>).primitive(Word32(W::RotateRight), Small),
    native("w64", &[Head], low::<64>).primitive(Word64(W::Low), Nat),
    native("add64", &[Head, Head], add::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Add), Nat)
        .cheap(OnU64),
    native("sub64", &[Head, Head], sub::<64>).order(&[1, 0]).total(Nat).cheap(OnU64),
    native("mul64", &[Lazy, Head], mul::<64>).primitive(Word64(W::Multiply), Nat).cheap(OnU64),
    native("div64", &[Head, Head], div::<64>).order(&[1, 0]).primitive(Word64(W::Divide), Nat),
    native("and64", &[Head, Head], and::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::And), Nat)
        .cheap(OnU64),
    native("or64", &[Head, Head], or::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Or), Nat)
        .cheap(OnU64),
    native("xor64", &[Head, Head], xor::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Xor), Nat)
        .cheap(OnU64),
    native("lsh64", &[Head, Lazy], lsh::<64>).primitive(Word64(W::ShiftLeft), Nat),
    native("rsh64", &[Head, Head], rsh::<64>).order(&[1, 0]).primitive(Word64(W::ShiftRight), Nat),
    native("rol64", &[Head, Head], rol::<64>).order(&[1, 0]).primitive(Word64(W::RotateLeft), Nat),
    native("ror64", &[Head, Head], ror::<64>).primitive(Word64(W::RotateRight), Nat),
    native("iDiv64", &[Head, Head], signed_div).primitive(Word64(W::SignedDivide), Nat),
];

/// The low `BITS` bits (32 or 64) of a number.
const fn wrap<const BITS: u32>(nat: u64) -> u64 {
    if BITS == 32 { nat & 0xffff_ffff } else { nat }
}

/// The low bits of a nat.
fn low_bits<const BITS: u32>(nat: NatRef<'_>) -> u64 {
    wrap::<BITS>(nat.limbs().first().copied().unwrap_or(0))
}

/// The low bits of the argument at `index`.
fn arg<const BITS: u32>(call: &JetCall<'_>, index: usize) -> u64 {
    low_bits::<BITS>(call.cast(index))
}

fn both<const BITS: u32>(call: &JetCall<'_>) -> (u64, u64) {
    (arg::<BITS>(call, 0), arg::<BITS>(call, 1))
}

fn low<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let low = arg::<BITS>(call, 0);
    return_u64(call, low)
}

fn add<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    return_u64(call, wrap::<BITS>(a.wrapping_add(b)))
}

/// The law does not evaluate the first factor if the second is 0.
fn mul<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    if arg::<BITS>(call, 1) == 0 {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 0);
    let (a, b) = both::<BITS>(call);
    return_u64(call, wrap::<BITS>(a.wrapping_mul(b)))
}

fn div<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    return_u64(call, a.checked_div(b).unwrap_or(0))
}

fn and<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    return_u64(call, a & b)
}

fn or<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    return_u64(call, a | b)
}

fn xor<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    return_u64(call, a ^ b)
}

fn shift_left<const BITS: u32>(a: u64, by: u64) -> u64 {
    if by < u64::from(BITS) { wrap::<BITS>(a << by) } else { 0 }
}

fn shift_right<const BITS: u32>(a: u64, by: u64) -> u64 {
    if by < u64::from(BITS) { a >> by } else { 0 }
}

/// The law does not evaluate the distance if it shifts 0.
fn lsh<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    if arg::<BITS>(call, 0) == 0 {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 1);
    let (a, by) = both::<BITS>(call);
    return_u64(call, shift_left::<BITS>(a, by))
}

fn rsh<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, by) = both::<BITS>(call);
    return_u64(call, shift_right::<BITS>(a, by))
}

/// 2^BITS, as limbs.
const fn modulus<const BITS: u32>() -> [u64; 2] {
    if BITS == 32 { [1 << 32, 0] } else { [0, 1] }
}

/// `a - b` as the law computes it. The law compares the low bits; if those of `b` are greater, it
/// subtracts all bits of `b` from all bits of `a` plus 2^BITS.
fn sub<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<BITS>(call);
    if b <= a {
        return return_u64(call, a - b);
    }
    // `a + 2^BITS` is made on the heap first.
    let minuend = call.height();
    call.push_nat_with(call.limb_count(0).max(2) + 1, |call, out| {
        limbs::add(out, call.cast(0).limbs(), &modulus::<BITS>());
    })?;
    if call.cast(minuend) <= call.cast(1) {
        return return_small(call, 0);
    }
    call.push_nat_with(call.limb_count(minuend), |call, out| {
        limbs::sub(out, call.cast(minuend).limbs(), call.cast(1).limbs());
    })?;
    Ok(JetAnswer::Done)
}

/// The distance of the second shift of a rotation: `BITS - by`, as the law subtracts (see [`sub`]).
fn other_shift<const BITS: u32>(by: NatRef<'_>) -> u64 {
    let (all, low) = (u64::from(BITS), low_bits::<BITS>(by));
    if low <= all {
        return all - low;
    }
    // The law subtracts all bits of `by` from `2^BITS + BITS`, and returns 0 if they are more.
    match by.limbs() {
        [by] => wrap::<BITS>(
            u128::from(all).wrapping_add(1 << BITS).saturating_sub(u128::from(*by)) as u64,
        ),
        _ => 0,
    }
}

/// The law rotates only if `by` is at most `BITS`; for greater distances it shifts bits out.
fn rol<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, by) = both::<BITS>(call);
    let other = other_shift::<BITS>(call.cast(1));
    return_u64(call, shift_left::<BITS>(a, by) | shift_right::<BITS>(a, other))
}

/// See [`rol`].
fn ror<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
    let (a, by) = both::<BITS>(call);
    let other = other_shift::<BITS>(call.cast(1));
    return_u64(call, shift_right::<BITS>(a, by) | shift_left::<BITS>(a, other))
}

/// The quotient of two numbers in two's complement, rounded towards 0; 0 for a division by 0.
fn signed_div(call: &mut JetCall<'_>) -> JetResult {
    let (a, b) = both::<64>(call);
    let (a, b) = (a.cast_signed(), b.cast_signed());
    let quotient = if b == 0 { 0 } else { a.wrapping_div(b) };
    return_u64(call, quotient.cast_unsigned())
}
