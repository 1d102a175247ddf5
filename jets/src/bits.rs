//! Bits of nats. Whatever is not a nat counts as 0.

use crate::args::{bit, natural, need, number, same, small};
use crate::declare::{Declaration, Outcome, native};
use crate::nat::afford_bits;
use malachite_base::num::arithmetic::traits::ModPowerOf2;
use malachite_base::num::logic::traits::{BitAccess, SignificantBits};
use vm::jet::Call;
use vm::jet::Demand::{Head, Lazy};
use vm::jet::Gives::{Bit, Nat, Small};
use vm::jet::Operation;
use vm::{NatRef, Natural};

pub(crate) const JETS: &[Declaration] = &[
    native("_Bex", &[Head], bex).primitive(Operation::PowerOfTwo, Nat),
    native("_Lsh", &[Head, Lazy], lsh).primitive(Operation::ShiftLeft, Nat),
    native("_Rsh", &[Head, Head], rsh).order(&[1, 0]).primitive(Operation::ShiftRight, Nat),
    native("_Dis", &[Head, Head], or).order(&[1, 0]).primitive(Operation::BitOr, Nat),
    native("_Con", &[Head, Head], and).order(&[1, 0]).primitive(Operation::BitAnd, Nat),
    native("_Mix", &[Head, Head], xor).order(&[1, 0]).primitive(Operation::BitXor, Nat),
    native("_PopCount", &[Head], pop_count).primitive(Operation::PopCount, Small),
    native("_Met", &[Head], met).primitive(Operation::BitWidth, Small),
    native("_Bix", &[Head, Head], test_bit).primitive(Operation::TestBit, Bit),
    native("_TestBit", &[Head, Head], test_bit).primitive(Operation::TestBit, Bit),
    native("_SetBit", &[Head, Head], set_bit).total(Nat),
    native("_ClearBit", &[Head, Head], clear_bit),
    native("_Trunc", &[Head, Head], trunc).primitive(Operation::Truncate, Nat),
    native("_BitSlice", &[Head, Head, Head], bit_slice).order(&[1, 0, 2]).total(Nat),
];

/// A nat that fits a word, shifted left so that the result does too.
fn shifted_small(nat: u64, by: u64) -> Option<u64> {
    let fits = nat == 0 || by < u64::from(nat.leading_zeros()).saturating_sub(1);
    fits.then(|| if nat == 0 { 0 } else { nat << by })
}

/// Ends with a nat shifted left.
fn push_shifted(call: &mut Call<'_>, nat: Natural, by: u64) -> Outcome {
    afford_bits(call, nat.significant_bits().saturating_add(by))?;
    number(call, &(nat << by))
}

fn bex(call: &mut Call<'_>) -> Outcome {
    let by = call.cast(0).saturating_u64();
    match shifted_small(1, by) {
        Some(power) => small(call, power),
        None => push_shifted(call, Natural::from(1u32), by),
    }
}

/// `lsh v n`: the law multiplies, and a product with 0 does not need its other factor.
fn lsh(call: &mut Call<'_>) -> Outcome {
    if call.cast(0).is_zero() {
        return small(call, 0);
    }
    need!(call, 1);
    let by = call.cast(1).saturating_u64();
    match call.small(0).and_then(|nat| shifted_small(nat, by)) {
        Some(shifted) => small(call, shifted),
        None => push_shifted(call, natural(call, 0), by),
    }
}

fn rsh(call: &mut Call<'_>) -> Outcome {
    let by = call.cast(1).saturating_u64();
    match call.cast(0) {
        NatRef::Small(nat) => small(call, if by < 64 { nat >> by } else { 0 }),
        nat if by >= nat.bits() => small(call, 0),
        nat => {
            let shifted = nat.to_natural() >> by;
            number(call, &shifted)
        }
    }
}

/// Ends with a bitwise operation on both arguments.
fn bitwise(
    call: &mut Call<'_>,
    on_words: fn(u64, u64) -> u64,
    on_naturals: fn(Natural, Natural) -> Natural,
) -> Outcome {
    if let (Some(a), Some(b)) = (call.small(0), call.small(1)) {
        return small(call, on_words(a, b));
    }
    let result = on_naturals(natural(call, 0), natural(call, 1));
    number(call, &result)
}

fn or(call: &mut Call<'_>) -> Outcome {
    bitwise(call, |a, b| a | b, |a, b| a | b)
}

fn and(call: &mut Call<'_>) -> Outcome {
    bitwise(call, |a, b| a & b, |a, b| a & b)
}

fn xor(call: &mut Call<'_>) -> Outcome {
    bitwise(call, |a, b| a ^ b, |a, b| a ^ b)
}

fn pop_count(call: &mut Call<'_>) -> Outcome {
    let ones = call.cast(0).limbs().iter().map(|limb| u64::from(limb.count_ones())).sum();
    small(call, ones)
}

fn met(call: &mut Call<'_>) -> Outcome {
    let bits = call.cast(0).bits();
    small(call, bits)
}

/// Bit `index` of a nat.
fn bit_of(nat: NatRef<'_>, index: u64) -> bool {
    let limb = usize::try_from(index / 64).ok().and_then(|limb| nat.limbs().get(limb).copied());
    limb.is_some_and(|limb| limb >> (index % 64) & 1 == 1)
}

fn test_bit(call: &mut Call<'_>) -> Outcome {
    let set = bit_of(call.cast(1), call.cast(0).saturating_u64());
    bit(call, set)
}

fn set_bit(call: &mut Call<'_>) -> Outcome {
    let index = call.cast(0).saturating_u64();
    if let (Some(nat), 0..63) = (call.small(1), index) {
        return small(call, nat | 1 << index);
    }
    afford_bits(call, index.saturating_add(1))?;
    let mut nat = natural(call, 1);
    nat.set_bit(index);
    number(call, &nat)
}

/// The law gives what it was given, be it a nat or not, if the bit is not set.
fn clear_bit(call: &mut Call<'_>) -> Outcome {
    let index = call.cast(0).saturating_u64();
    if !bit_of(call.cast(1), index) {
        return same(call, 1);
    }
    let mut nat = natural(call, 1);
    nat.clear_bit(index);
    number(call, &nat)
}

/// The lowest `width` bits of a nat from bit `from` on.
fn slice(nat: NatRef<'_>, from: u64, width: u64) -> Natural {
    if from >= nat.bits() {
        return Natural::from(0u32);
    }
    (nat.to_natural() >> from).mod_power_of_2(width)
}

fn trunc(call: &mut Call<'_>) -> Outcome {
    let width = call.cast(0).saturating_u64();
    if let Some(nat) = call.small(1) {
        return small(call, if width < 64 { nat & ((1 << width) - 1) } else { nat });
    }
    let low = slice(call.cast(1), 0, width);
    number(call, &low)
}

fn bit_slice(call: &mut Call<'_>) -> Outcome {
    let (from, width) = (call.cast(0).saturating_u64(), call.cast(1).saturating_u64());
    let bits = slice(call.cast(2), from, width);
    number(call, &bits)
}
