//! The division of two limbs by one.
//!
//! Processors of the x86-64 family have an instruction for it, which takes less time than the division of
//! two numbers of 128 bits, the general form in Rust.

/// Returns the quotient and the remainder of two limbs; the higher is less than the divisor.
///
/// # Panics
/// If the higher limb is not less than the divisor.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) fn divide_wide(high: u64, low: u64, divisor: u64) -> (u64, u64) {
    assert!(high < divisor, "a quotient of more than one limb");
    let (quotient, remainder);
    // SAFETY: the instruction reads and writes these registers and the flags only. It traps unless the
    // higher limb is less than the divisor, which was just checked.
    unsafe {
        std::arch::asm!(
            "div {divisor}",
            divisor = in(reg) divisor,
            inout("rax") low => quotient,
            inout("rdx") high => remainder,
            options(pure, nomem, nostack),
        );
    }
    (quotient, remainder)
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(super) use divide_portably as divide_wide;

/// [`divide_wide`] on other processors.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
#[inline(always)]
pub(super) fn divide_portably(high: u64, low: u64, divisor: u64) -> (u64, u64) {
    assert!(high < divisor, "a quotient of more than one limb");
    let (dividend, divisor) = (u128::from(high) << 64 | u128::from(low), u128::from(divisor));
    ((dividend / divisor) as u64, (dividend % divisor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_forms_agree(high: u64, low: u64, divisor: u64, shift in 0u32..64) {
            let divisor = (divisor >> shift).max(1);
            let high = high % divisor;
            prop_assert_eq!(divide_wide(high, low, divisor), divide_portably(high, low, divisor));
        }
    }

    #[test]
    #[should_panic(expected = "more than one limb")]
    fn a_quotient_of_two_limbs_is_refused() {
        divide_wide(7, 0, 7);
    }
}
