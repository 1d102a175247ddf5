//! Arithmetic on words of 32 and 64 bits. Only the low 32 or 64 bits of a nat count; a value that
//! is not a nat counts as 0.

use crate::args::{evaluate_arg, return_small, return_u64};
use crate::declare::{Jet, JetResult, native};
use plan::{NatRef, limbs};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::OnU64;
use vm::jet::JetOperation::{Word32, Word64};
use vm::jet::ResultShape::{Bit, Nat, Small};
use vm::jet::WordOperation as W;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("w32", &[Head], low::<32>).primitive(Word32(W::Low), Small).cheap(OnU64),
    native("inc32", &[Head], increment::<32>).primitive(Word32(W::Increment), Small).cheap(OnU64),
    native("dec32", &[Head], decrement::<32>).primitive(Word32(W::Decrement), Small).cheap(OnU64),
    native("add32", &[Head, Head], add::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Add), Small)
        .cheap(OnU64),
    native("sub32", &[Head, Head], sub::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Subtract), Nat)
        .cheap(OnU64),
    native("mul32", &[Lazy, Head], mul::<32>).primitive(Word32(W::Multiply), Small).cheap(OnU64),
    native("div32", &[Head, Head], div::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::Divide), Small)
        .cheap(OnU64),
    native("bitFlip32", &[Head], complement::<32>)
        .primitive(Word32(W::Complement), Small)
        .cheap(OnU64),
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
    native("lsh32", &[Head, Lazy], lsh::<32>).primitive(Word32(W::ShiftLeft), Small).cheap(OnU64),
    native("rsh32", &[Head, Head], rsh::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::ShiftRight), Small)
        .cheap(OnU64),
    native("rol32", &[Head, Head], rol::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::RotateLeft), Small)
        .cheap(OnU64),
    native("ror32", &[Head, Head], ror::<32>).primitive(Word32(W::RotateRight), Small).cheap(OnU64),
    native("not32", &[Head], is_zero::<32>).primitive(Word32(W::IsZero), Bit).cheap(OnU64),
    native("eql32", &[Head, Head], equal::<32>).primitive(Word32(W::Equal), Bit).cheap(OnU64),
    native("lth32", &[Head, Head], less::<32>).primitive(Word32(W::Less), Bit).cheap(OnU64),
    native("lte32", &[Head, Head], less_or_equal::<32>)
        .primitive(Word32(W::LessOrEqual), Bit)
        .cheap(OnU64),
    native("gth32", &[Head, Head], greater::<32>).primitive(Word32(W::Greater), Bit).cheap(OnU64),
    native("gte32", &[Head, Head], greater_or_equal::<32>)
        .primitive(Word32(W::GreaterOrEqual), Bit)
        .cheap(OnU64),
    native("iIsNeg32", &[Head], is_negative::<32>)
        .primitive(Word32(W::IsNegative), Bit)
        .cheap(OnU64),
    native("iNeg32", &[Head], negate::<32>).primitive(Word32(W::Negate), Small).cheap(OnU64),
    native("iSub32", &[Head, Head], signed_subtract::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::SignedSubtract), Small)
        .cheap(OnU64),
    native("iDiv32", &[Head, Head], signed_divide::<32>)
        .primitive(Word32(W::SignedDivide), Small)
        .cheap(OnU64),
    native("iLth32", &[Head, Head], signed_less::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::SignedLess), Bit)
        .cheap(OnU64),
    native("iLte32", &[Head, Head], signed_less_or_equal::<32>)
        .order(&[1, 0])
        .primitive(Word32(W::SignedLessOrEqual), Bit)
        .cheap(OnU64),
    native("iGth32", &[Head, Head], signed_greater::<32>)
        .primitive(Word32(W::SignedGreater), Bit)
        .cheap(OnU64),
    native("iGte32", &[Head, Head], signed_greater_or_equal::<32>)
        .primitive(Word32(W::SignedGreaterOrEqual), Bit)
        .cheap(OnU64),
    native("w64", &[Head], low::<64>).primitive(Word64(W::Low), Nat).cheap(OnU64),
    native("inc64", &[Head], increment::<64>).primitive(Word64(W::Increment), Nat).cheap(OnU64),
    native("dec64", &[Head], decrement::<64>).primitive(Word64(W::Decrement), Nat).cheap(OnU64),
    native("add64", &[Head, Head], add::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Add), Nat)
        .cheap(OnU64),
    native("sub64", &[Head, Head], sub::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Subtract), Nat)
        .cheap(OnU64),
    native("mul64", &[Lazy, Head], mul::<64>).primitive(Word64(W::Multiply), Nat).cheap(OnU64),
    native("div64", &[Head, Head], div::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::Divide), Nat)
        .cheap(OnU64),
    native("bitFlip64", &[Head], complement::<64>)
        .primitive(Word64(W::Complement), Nat)
        .cheap(OnU64),
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
    native("lsh64", &[Head, Lazy], lsh::<64>).primitive(Word64(W::ShiftLeft), Nat).cheap(OnU64),
    native("rsh64", &[Head, Head], rsh::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::ShiftRight), Nat)
        .cheap(OnU64),
    native("rol64", &[Head, Head], rol::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::RotateLeft), Nat)
        .cheap(OnU64),
    native("ror64", &[Head, Head], ror::<64>).primitive(Word64(W::RotateRight), Nat).cheap(OnU64),
    native("not64", &[Head], is_zero::<64>).primitive(Word64(W::IsZero), Bit).cheap(OnU64),
    native("eql64", &[Head, Head], equal::<64>).primitive(Word64(W::Equal), Bit).cheap(OnU64),
    native("lth64", &[Head, Head], less::<64>).primitive(Word64(W::Less), Bit).cheap(OnU64),
    native("lte64", &[Head, Head], less_or_equal::<64>)
        .primitive(Word64(W::LessOrEqual), Bit)
        .cheap(OnU64),
    native("gth64", &[Head, Head], greater::<64>).primitive(Word64(W::Greater), Bit).cheap(OnU64),
    native("gte64", &[Head, Head], greater_or_equal::<64>)
        .primitive(Word64(W::GreaterOrEqual), Bit)
        .cheap(OnU64),
    native("iIsNeg64", &[Head], is_negative::<64>)
        .primitive(Word64(W::IsNegative), Bit)
        .cheap(OnU64),
    native("iNeg64", &[Head], negate::<64>).primitive(Word64(W::Negate), Nat).cheap(OnU64),
    native("iSub64", &[Head, Head], signed_subtract::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::SignedSubtract), Nat)
        .cheap(OnU64),
    native("iDiv64", &[Head, Head], signed_divide::<64>)
        .primitive(Word64(W::SignedDivide), Nat)
        .cheap(OnU64),
    native("iLth64", &[Head, Head], signed_less::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::SignedLess), Bit)
        .cheap(OnU64),
    native("iLte64", &[Head, Head], signed_less_or_equal::<64>)
        .order(&[1, 0])
        .primitive(Word64(W::SignedLessOrEqual), Bit)
        .cheap(OnU64),
    native("iGth64", &[Head, Head], signed_greater::<64>)
        .primitive(Word64(W::SignedGreater), Bit)
        .cheap(OnU64),
    native("iGte64", &[Head, Head], signed_greater_or_equal::<64>)
        .primitive(Word64(W::SignedGreaterOrEqual), Bit)
        .cheap(OnU64),
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

/// Defines native implementations of functions of one word.
macro_rules! of_one_word {
    ($($(#[$doc:meta])* $name:ident($a:ident) $result:expr;)*) => {$(
        $(#[$doc])*
        fn $name<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
            let $a = arg::<BITS>(call, 0);
            return_u64(call, $result)
        }
    )*};
}

of_one_word! {
    increment(a) wrap::<BITS>(a.wrapping_add(1));
    decrement(a) wrap::<BITS>(a.wrapping_sub(1));
    complement(a) wrap::<BITS>(!a);
    negate(a) wrap::<BITS>(a.wrapping_neg());
    is_zero(a) u64::from(a == 0);
    is_negative(a) u64::from(signed::<BITS>(a) < 0);
}

/// Defines native implementations of functions of two words.
macro_rules! of_two_words {
    ($($(#[$doc:meta])* $name:ident($a:ident, $b:ident) $result:expr;)*) => {$(
        $(#[$doc])*
        fn $name<const BITS: u32>(call: &mut JetCall<'_>) -> JetResult {
            let ($a, $b) = both::<BITS>(call);
            return_u64(call, $result)
        }
    )*};
}

of_two_words! {
    equal(a, b) u64::from(a == b);
    less(a, b) u64::from(a < b);
    less_or_equal(a, b) u64::from(a <= b);
    greater(a, b) u64::from(a > b);
    greater_or_equal(a, b) u64::from(a >= b);
    signed_less(a, b) u64::from(signed::<BITS>(a) < signed::<BITS>(b));
    signed_less_or_equal(a, b) u64::from(signed::<BITS>(a) <= signed::<BITS>(b));
    signed_greater(a, b) u64::from(signed::<BITS>(a) > signed::<BITS>(b));
    signed_greater_or_equal(a, b) u64::from(signed::<BITS>(a) >= signed::<BITS>(b));
    /// Unlike [`sub`], the law truncates both operands.
    signed_subtract(a, b) wrap::<BITS>(a.wrapping_sub(b));
    /// The quotient of two numbers in two's complement, rounded towards 0; 0 for a division by 0.
    signed_divide(a, b) match signed::<BITS>(b) {
        0 => 0,
        b => wrap::<BITS>(signed::<BITS>(a).wrapping_div(b).cast_unsigned()),
    };
}

/// The number that a word is in two's complement.
fn signed<const BITS: u32>(word: u64) -> i64 {
    if BITS == 32 { i64::from((word as u32).cast_signed()) } else { word.cast_signed() }
}
