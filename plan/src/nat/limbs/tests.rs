use super::*;
use malachite_base::num::arithmetic::traits::{DivMod, ModPowerOf2};
use malachite_base::num::logic::traits::{BitAccess, CountOnes, SignificantBits};
use malachite_nz::natural::Natural;
use proptest::prelude::*;

/// Numbers of up to 200 limbs, most of them with long runs of carries.
fn number() -> impl Strategy<Value = Vec<u64>> {
    let limb = || prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), any::<u64>()];
    prop_oneof![
        prop::collection::vec(any::<u64>(), 0..200),
        prop::collection::vec(limb(), 0..200),
        (0usize..200).prop_map(|len| vec![u64::MAX; len]),
        (0usize..200).prop_map(|len| vec![0; len]),
        (0usize..200, 0u32..64).prop_map(|(len, bit)| {
            let mut limbs = vec![0; len];
            limbs.push(1 << bit);
            limbs
        }),
    ]
}

fn natural(limbs: &[u64]) -> Natural {
    Natural::from_limbs_asc(limbs)
}

/// A result of `len` limbs, written over memory that is not zero.
fn written(len: usize, write: impl FnOnce(&mut [u64])) -> Natural {
    let mut out = vec![0x5555_5555_5555_5555; len];
    write(&mut out);
    natural(&out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sums_and_differences(a in number(), b in number()) {
        let len = a.len().max(b.len()) + 1;
        prop_assert_eq!(written(len, |out| add(out, &a, &b)), natural(&a) + natural(&b));
        prop_assert_eq!(
            written(a.len() + 1, |out| increment(out, &a)),
            natural(&a) + Natural::from(1u8)
        );
        prop_assert_eq!(compare(&a, &b), natural(&a).cmp(&natural(&b)));
        let (more, less) = if compare(&a, &b).is_lt() { (b, a) } else { (a, b) };
        prop_assert_eq!(
            written(more.len(), |out| sub(out, &more, &less)),
            natural(&more) - natural(&less)
        );
        if !trimmed(&more).is_empty() {
            let less = natural(&more) - Natural::from(1u8);
            prop_assert_eq!(written(more.len(), |out| decrement(out, &more)), less);
        }
    }

    #[test]
    fn bits_of_two(a in number(), b in number()) {
        let len = a.len().max(b.len());
        let (x, y) = (natural(&a), natural(&b));
        prop_assert_eq!(written(len, |out| bitwise(out, &a, &b, |a, b| a & b)), &x & &y);
        prop_assert_eq!(written(len, |out| bitwise(out, &a, &b, |a, b| a | b)), &x | &y);
        prop_assert_eq!(written(len, |out| bitwise(out, &a, &b, |a, b| a ^ b)), &x ^ &y);
    }

    #[test]
    fn bits_of_one(a in number(), by in 0u64..14_000, width in 0u64..14_000) {
        let nat = natural(&a);
        prop_assert_eq!(bits(&a), nat.significant_bits());
        prop_assert_eq!(count_ones(&a), nat.count_ones());
        prop_assert_eq!(bit(&a, by), nat.get_bit(by));
        let len = shifted_left_len(&a, by) as usize;
        prop_assert_eq!(written(len, |out| shift_left(out, &a, by)), &nat << by);
        prop_assert_eq!(written(a.len(), |out| shift_right(out, &a, by)), &nat >> by);
        let len = width.div_ceil(BITS) as usize;
        let slice = written(len, |out| {
            shift_right(out, &a, by);
            truncate(out, width);
        });
        prop_assert_eq!(slice, (&nat >> by).mod_power_of_2(width));
        let mut low = a.clone();
        truncate(&mut low, width);
        prop_assert_eq!(natural(&low), nat.mod_power_of_2(width));
    }

    #[test]
    fn products(a in number(), b in number()) {
        let len = a.len() + b.len();
        let expected = natural(&a) * natural(&b);
        prop_assert_eq!(written(len, |out| mul(out, &a, &b)), expected);
        if let Some(&limb) = b.first() {
            let expected = natural(&a) * Natural::from(limb);
            prop_assert_eq!(written(a.len() + 1, |out| mul_limb(out, &a, limb)), expected);
        }
    }

    #[test]
    fn quotients_by_a_limb(a in number(), b in any::<u64>(), shift in 0u32..64, is_largest: bool) {
        let divisor = if is_largest { u64::MAX } else { b };
        let divisor = (divisor >> shift).max(1);
        let (quotient, remainder) = natural(&a).div_mod(Natural::from(divisor));
        let mut rest = 0;
        prop_assert_eq!(written(a.len(), |out| rest = div_limb(out, &a, divisor)), quotient);
        prop_assert_eq!(&Natural::from(rest), &remainder);
        prop_assert_eq!(Natural::from(rem_limb(&a, divisor)), remainder);
    }
}

/// Numbers of few limbs, many of whose estimated quotient limbs are too large.
fn short_number() -> impl Strategy<Value = Vec<u64>> {
    let limb = prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(1 << 63),
        Just((1 << 63) - 1),
        any::<u64>()
    ];
    prop::collection::vec(limb, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn quotients_by_few_limbs(a in prop_oneof![number(), short_number()], b in prop_oneof![number(), short_number()]) {
        let (a, b) = (trimmed(&a), trimmed(&b));
        if !b.is_empty() && b.len() <= a.len().min(DIVISOR_LIMIT) {
            let mut out = vec![0x5555_5555_5555_5555; a.len() + 1];
            divide(&mut out, a, b);
            let (quotient, remainder) = natural(a).div_mod(natural(b));
            prop_assert_eq!(natural(&out[b.len()..]), quotient);
            prop_assert_eq!(natural(&out[..b.len()]), remainder);
        }
    }

    #[test]
    fn short_quotients(b in prop_oneof![number(), short_number()], quotient in any::<u64>(), shift in 0u32..64, rest in number(), carry: bool) {
        // A dividend close to a multiple of the divisor, from below and from above.
        let rest = natural(&rest).mod_power_of_2(64 * (b.len() as u64).saturating_sub(1));
        let product = natural(&b) * Natural::from(quotient >> shift);
        let a = if carry || product < rest { product + rest } else { product - rest };
        let (a, b) = (a.to_limbs_asc(), trimmed(&b));
        if let Some(division) = ShortQuotient::new(&a, b) {
            let (quotient, remainder) = natural(&a).div_mod(natural(b));
            prop_assert_eq!(Natural::from(division.quotient()), quotient);
            prop_assert_eq!(written(b.len(), |out| division.remainder(out)), remainder);
        } else {
            let bits = [&a, b].map(bits);
            let is_less = a.len() == b.len() && a.last() < b.last();
            prop_assert!(b.len() < 2 || is_less || bits[0] < bits[1] || bits[0] - bits[1] >= 31);
        }
    }
}

proptest! {
    #[test]
    fn bytes_and_back(bytes in prop::collection::vec(any::<u8>(), 0..100), spare in 0usize..20) {
        let mut limbs = vec![7; bytes.len().div_ceil(8) + spare / 8];
        from_bytes(&mut limbs, &bytes);
        let mut out = vec![7; bytes.len() + spare];
        to_bytes(&mut out, &limbs);
        prop_assert_eq!(&out[..bytes.len()], &bytes);
        prop_assert!(out[bytes.len()..].iter().all(|&byte| byte == 0));
        let mut low = vec![7; bytes.len() / 2];
        to_bytes(&mut low, &limbs);
        prop_assert_eq!(&low, &bytes[..bytes.len() / 2]);
    }
}

#[test]
fn far_bits_are_not_set() {
    assert!(!bit(&[u64::MAX], 64));
    assert!(!bit(&[u64::MAX], u64::MAX));
    assert_eq!(shifted_left_len(&[1], u64::MAX), u64::MAX / 64 + 2);
    let mut out = [7];
    shift_right(&mut out, &[u64::MAX; 3], u64::MAX);
    assert_eq!(out, [0]);
}
