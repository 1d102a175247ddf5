//! Arithmetic, bits and words: results of the laws for chosen numbers, and comparison with
//! malachite for numbers of all sizes.

use super::harness::{
    Apply, Bar, Big, Crash, ExpectedResult, JetHarness, N, Row, TestValue, Text, app, cases, law,
    lazy, power,
};
use malachite_base::num::arithmetic::traits::{DivMod, ModPowerOf2, Pow, SaturatingSub};
use malachite_base::num::logic::traits::{BitAccess, CountOnes, SignificantBits};
use plan::Natural;
use proptest::prelude::*;

const M63: u64 = 1 << 63;

#[test]
fn arithmetic() {
    cases! {
        "_ToNat" N(7) => N(7);
        "_ToNat" Row(vec![]) => N(0);
        "_Dec" N(0) => N(0);
        "_Dec" N(M63) => N(M63 - 1);
        "_Dec" law() => N(0);
        "_Add" N(M63 - 1), N(1) => N(M63);
        "_Add" N(u64::MAX), N(1) => Big(power(64));
        "_Add" Bar(b"x"), N(5) => N(5);
        "_Add" N(5), app(vec![Crash(9)]) => N(5);
        "_Add" Crash(9), N(0) => Crash(9);
        "_Sub" N(3), N(4) => N(0);
        "_Sub" Big(power(64)), N(1) => N(u64::MAX);
        "_Sub" law(), N(1) => N(0);
        "_Mul" N(1 << 32), N(1 << 32) => Big(power(64));
        "_Mul" Crash(9), N(0) => N(0);
        "_Mul" Crash(9), law() => N(0);
        "_Mul" Crash(9), N(1) => Crash(9);
        "_Mul" lazy(N(6)), lazy(N(7)) => N(42);
        "_Mul" lazy(law()), N(7) => N(0);
        "_Div" N(7), N(0) => N(0);
        "_Div" Big(power(70)), N(0) => N(0);
        "_Div" Big(power(70)), Big(power(68)) => N(4);
        "_Mod" N(7), N(0) => N(7);
        "_Mod" Big(power(70)), N(0) => Big(power(70));
        "_Mod" Big(power(70) + Natural::from(3u32)), N(4) => N(3);
        "_DivMod" N(17), N(5) => Apply(vec![N(0), N(3), N(2)]);
        "_DivMod" N(17), law() => Apply(vec![N(0), N(0), N(17)]);
        "_DivMod" Crash(9), N(5) => TestValue::FromLaw;
        "_Pow" Crash(9), N(0) => N(1);
        "_Pow" N(0), Big(power(80)) => N(0);
        "_Pow" N(1), Big(power(80)) => N(1);
        "_Pow" N(3), N(100) => Big(Natural::from(3u32).pow(100));
        "_Pow" law(), N(2) => N(0);
        "_OrdWeld" N(1), Crash(9) => Crash(9);
        "_OrdWeld" N(1), lazy(Row(vec![])) => Row(vec![]);
        "_OrdWeld" N(2), Crash(9) => N(2);
        "_OrdWeld" law(), Crash(9) => law();
        "isDigit" Text("0") => N(1);
        "isDigit" Text("9") => N(1);
        "isDigit" Text(":") => N(0);
        "isDigit" law() => N(0);
    }
}

#[test]
fn bits() {
    cases! {
        "_Bex" N(62) => N(1 << 62);
        "_Bex" N(63) => N(M63);
        "_Bex" N(64) => Big(power(64));
        "_Bex" law() => N(1);
        "_Lsh" N(0), Crash(9) => N(0);
        "_Lsh" N(0), N(M63) => N(0);
        "_Lsh" law(), Crash(9) => N(0);
        "_Lsh" N(5), N(60) => Big(Natural::from(5u32) << 60u64);
        "_Lsh" N(1), lazy(N(3)) => N(8);
        "_Lsh" Big(power(64)), N(64) => Big(power(128));
        "_Rsh" N(u64::MAX), N(60) => N(15);
        "_Rsh" N(5), Big(power(80)) => N(0);
        "_Rsh" Big(power(80)), N(80) => N(1);
        "_Rsh" Big(power(80)), N(81) => N(0);
        "_Dis" N(5), N(M63) => N(M63 + 5);
        "_Con" Big(power(80)), Big(power(80) + power(3)) => Big(power(80));
        "_Con" law(), N(7) => N(0);
        "_Mix" Big(power(80)), Big(power(80)) => N(0);
        "_PopCount" Big(power(80) + power(3)) => N(2);
        "_PopCount" law() => N(0);
        "_Met" N(0) => N(0);
        "_Met" Big(power(80)) => N(81);
        "_Bix" N(80), Big(power(80)) => N(1);
        "_Bix" Big(power(80)), N(1) => N(0);
        "_TestBit" N(2), N(5) => N(1);
        "_TestBit" law(), N(5) => N(1);
        "_SetBit" N(62), N(1) => N((1 << 62) + 1);
        "_SetBit" N(63), N(1) => N(M63 + 1);
        "_SetBit" N(3), law() => N(8);
        "_ClearBit" N(63), N(M63 + 1) => N(1);
        "_ClearBit" N(3), law() => law();
        "_ClearBit" Big(power(80)), N(1) => N(1);
        "_Trunc" N(3), N(13) => N(5);
        "_Trunc" N(0), N(13) => N(0);
        "_Trunc" N(64), Big(power(64) + power(3)) => N(8);
        "_Trunc" Big(power(80)), Big(power(64)) => Big(power(64));
        "_BitSlice" N(1), N(3), N(13) => N(6);
        "_BitSlice" N(60), Big(power(80)), Big(power(64)) => N(16);
        "_BitSlice" Big(power(80)), N(3), N(13) => N(0);
    }
}

#[test]
fn results_too_large_for_any_heap_fail() {
    let full =
        |jet, args: &[TestValue]| JetHarness::new().check(jet, args, &ExpectedResult::OutOfMemory);
    full("_Bex", &[N(M63)]);
    full("_Bex", &[Big(power(90))]);
    full("_Lsh", &[N(1), N(M63)]);
    full("_Lsh", &[N(1), Big(power(90))]);
    full("_SetBit", &[N(M63), N(0)]);
    full("_SetBit", &[N(u64::MAX), N(0)]);
    full("_Pow", &[N(2), Big(power(90))]);
    full("_Pow", &[Big(power(70)), N(1 << 40)]);
    full("_Gen", &[N(u64::MAX), law()]);
    full("_Gen", &[Big(power(90)), law()]);
    full("_NatToSizedBar", &[Big(power(90)), N(0)]);
    full("_SizedListToRow", &[Big(power(90)), N(0)]);
}

#[test]
fn words() {
    let max = N(u64::MAX);
    let minus = |n: u64| N(n.wrapping_neg());
    cases! {
        "w32" Big(power(64) + power(33) + power(3)) => N(8);
        "w64" Big(power(64) + power(33)) => N(1 << 33);
        "w64" law() => N(0);
        "add32" N(u32::MAX.into()), N(2) => N(1);
        "add64" max.clone(), N(2) => N(1);
        "sub32" N(1), N(2) => N(u32::MAX.into());
        "sub32" N(1 << 33), N(1) => N((1 << 33) + (1 << 32) - 1);
        "sub64" N(1), N(2) => max.clone();
        "sub64" N(1), Big(power(64) + power(1)) => N(0);
        "mul32" Crash(9), N(1 << 32) => N(0);
        "mul32" N(1 << 31), N(3) => N(1 << 31);
        "mul64" lazy(max.clone()), max.clone() => N(1);
        "div32" N(7), N(1 << 32) => N(0);
        "div64" max.clone(), N(2) => N(M63 - 1);
        "and32" max.clone(), N(1 << 31) => N(1 << 31);
        "or64" N(M63), N(1) => N(M63 + 1);
        "xor32" max.clone(), N(1) => N(u64::from(u32::MAX) - 1);
        "lsh32" N(1 << 32), Crash(9) => N(0);
        "lsh32" N(1), N(31) => N(1 << 31);
        "lsh32" N(1), N(32) => N(0);
        "lsh64" N(1), N(M63) => N(0);
        "lsh64" N(3), lazy(N(63)) => N(M63);
        "rsh32" N(1 << 35), N(1) => N(0);
        "rsh64" N(M63), N(63) => N(1);
        "rol32" N(0x8000_0001), N(1) => N(3);
        "rol32" N(1), N(0) => N(1);
        "rol32" N(1), N(32) => N(1);
        "rol32" N(1), N(33) => N(0);
        "ror32" N(3), N(1) => N(0x8000_0001);
        "ror64" N(3), N(1) => N(M63 + 1);
        "rol64" N(M63 + 1), N(1) => N(3);
        "iDiv64" minus(7), N(2) => minus(3);
        "iDiv64" minus(7), minus(2) => N(3);
        "iDiv64" N(7), N(0) => N(0);
        "iDiv64" N(M63), max.clone() => N(M63);
        "iDiv64" N(1), minus(2) => N(0);
    }
}

/// Naturals of all sizes, many of them near powers of two where the representation changes.
fn natural() -> impl Strategy<Value = Natural> {
    let edge =
        prop_oneof![Just(0u64), Just(62), Just(63), Just(64), Just(65), Just(128), 0u64..2000];
    prop_oneof![
        (0u64..300).prop_map(Natural::from),
        any::<u64>().prop_map(Natural::from),
        (edge, 0u64..3, any::<bool>()).prop_map(|(exponent, by, above)| {
            let by = Natural::from(by);
            if above { power(exponent) + by } else { power(exponent).saturating_sub(by) }
        }),
        prop::collection::vec(any::<u64>(), 0..20).prop_map(Natural::from_owned_limbs_asc),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn naturals_agree_with_malachite(a in natural(), b in natural(), by in 0u64..200) {
        let mut harness = JetHarness::new();
        let zero = Natural::from(0u32);
        let (quotient, remainder) =
            if b == zero { (zero.clone(), a.clone()) } else { (&a).div_mod(&b) };
        let mut with_bit = a.clone();
        with_bit.set_bit(by);
        let mut without_bit = a.clone();
        without_bit.clear_bit(by);
        let shift = Natural::from(by);
        let cases = [
            ("_Add", &a, &b, &a + &b),
            ("_Sub", &a, &b, (&a).saturating_sub(&b)),
            ("_Mul", &a, &b, &a * &b),
            ("_Div", &a, &b, quotient),
            ("_Mod", &a, &b, remainder),
            ("_Dis", &a, &b, &a | &b),
            ("_Con", &a, &b, &a & &b),
            ("_Mix", &a, &b, &a ^ &b),
            ("_Cmp", &a, &b, Natural::from((a.cmp(&b) as i8 + 1) as u8)),
            ("_Lsh", &a, &shift, &a << by),
            ("_Rsh", &a, &shift, &a >> by),
            ("_Pow", &a, &Natural::from(by % 9), (&a).pow(by % 9)),
            ("_Trunc", &shift, &a, (&a).mod_power_of_2(by)),
            ("_Bix", &shift, &a, Natural::from(a.get_bit(by))),
            ("_SetBit", &shift, &a, with_bit),
            ("_ClearBit", &shift, &a, without_bit),
        ];
        for (jet, a, b, expected) in cases {
            harness.check(jet, &[Big(a.clone()), Big(b.clone())], &ExpectedResult::Value(Big(expected)));
        }
        let bits = a.significant_bits();
        harness.check("_Met", &[Big(a.clone())], &ExpectedResult::Value(N(bits)));
        harness.check("_PopCount", &[Big(a.clone())], &ExpectedResult::Value(N((&a).count_ones())));
    }
}
