//! [`CallCount`]: counts the calls of a law until its code is requested.

use std::cell::Cell;

/// The numbers of calls after which kept code is looked for.
const CHECKS: [u32; 2] = [32, 256];

/// A count of calls, or of lazy applications, that ends in a request for code.
#[derive(Default, Debug)]
pub(crate) struct CallCount {
    /// The number of calls since the last request. The request is due when it reaches the threshold.
    calls: Cell<u32>,
    /// The number of checks for kept code that are left.
    checks: Cell<u8>,
}

impl CallCount {
    #[inline(always)]
    pub(super) fn get(&self) -> u32 {
        self.calls.get()
    }

    #[inline(always)]
    pub(super) fn set(&self, calls: u32) {
        self.calls.set(calls);
    }

    /// Has kept code looked for after few calls.
    pub(super) fn expect_kept_code(&self, threshold: u32) {
        if threshold > CHECKS[CHECKS.len() - 1] {
            self.checks.set(CHECKS.len() as u8);
            self.calls.set(threshold - CHECKS[0]);
        }
    }

    /// Whether the request that is due is for kept code only.
    pub(super) fn is_for_kept_code(&self) -> bool {
        self.checks.get() > 0
    }

    /// Continues the count after a check that found no kept code.
    pub(super) fn continue_after_check(&self, threshold: u32) {
        let left = self.checks.get() - 1;
        self.checks.set(left);
        let next = CHECKS.len() - usize::from(left);
        let calls = CHECKS.get(next).copied().unwrap_or(threshold) - CHECKS[next - 1];
        self.calls.set(threshold - calls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_code_is_looked_for_twice_before_the_law_is_compiled() {
        let count = CallCount::default();
        count.expect_kept_code(2000);
        let mut total = 0;
        let mut requests = Vec::new();
        while total < 2000 {
            total += 1;
            count.set(count.get() + 1);
            if count.get() >= 2000 {
                requests.push((total, count.is_for_kept_code()));
                if count.is_for_kept_code() {
                    count.continue_after_check(2000);
                }
            }
        }
        assert_eq!(requests, [(32, true), (256, true), (2000, false)]);
    }

    #[test]
    fn a_low_threshold_leaves_no_time_to_look() {
        let count = CallCount::default();
        count.expect_kept_code(1);
        assert!(!count.is_for_kept_code() && count.get() == 0);
    }
}
