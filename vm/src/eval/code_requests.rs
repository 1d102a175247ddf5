//! Requests for compiled code, and when code that an earlier run kept is looked for.
//!
//! A law is compiled after many calls. If the code is kept it could be used earlier; but to find it
//! its unit must be built, which takes the time of about a hundred calls, and what is found depends
//! on what is known by then, such as the values of constants. So the compiler says for which laws it
//! perhaps keeps code, and only for those it is looked for after few calls. Code that is not kept is
//! not compiled early: it would be made from less knowledge, and would be found again by later runs.

use super::code::LawCode;
use crate::native::EntryCell;
use crate::vm::{HotCall, Vm};
use plan::Val;
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
    fn expect_kept_code(&self, threshold: u32) {
        if threshold > CHECKS[CHECKS.len() - 1] {
            self.checks.set(CHECKS.len() as u8);
            self.calls.set(threshold - CHECKS[0]);
        }
    }

    /// Whether the request that is due is for kept code only.
    fn is_for_kept_code(&self) -> bool {
        self.checks.get() > 0
    }

    /// Continues the count after a check that found no kept code.
    fn continue_after_check(&self, threshold: u32) {
        let left = self.checks.get() - 1;
        self.checks.set(left);
        let next = CHECKS.len() - usize::from(left);
        let calls = CHECKS.get(next).copied().unwrap_or(threshold) - CHECKS[next - 1];
        self.calls.set(threshold - calls);
    }
}

impl Vm {
    /// Has the code of a law that was just decoded looked for early, if an earlier run kept it.
    pub(super) fn expect_kept_code(&mut self, code: &LawCode) {
        let Some(compiler) = &mut self.compiler else { return };
        let threshold = self.heap.host.native.threshold;
        if compiler.is_perhaps_kept(code.fingerprint) {
            code.calls.expect_kept_code(threshold);
        }
        if compiler.is_perhaps_kept(code.fingerprint.of_lazy_entry()) {
            code.lazy_calls.expect_kept_code(threshold);
        }
    }

    /// Requests the code, or the lazy entry, of the law, or of the pin of one, at stack index
    /// `callee`, whose arguments are above it. Returns false if the request should be repeated later.
    pub(super) fn request_code_of_law(
        &mut self,
        callee: usize,
        code: &LawCode,
        is_lazy: bool,
        entry: EntryCell,
    ) -> bool {
        let function = self.heap.handle(self.heap.stack.get(callee));
        let args = self.heap.stack.top_from(callee + 1).iter();
        let args: Vec<Val> = args.map(|word| self.heap.handle(self.heap.resolve(*word))).collect();
        let (count, fingerprint) = match is_lazy {
            true => (&code.lazy_calls, code.fingerprint.of_lazy_entry()),
            false => (&code.calls, code.fingerprint),
        };
        let call = HotCall { function: &function, args: &args, code: fingerprint, is_lazy };
        let only_kept = count.is_for_kept_code();
        let is_accepted = self.request_code(call, only_kept, entry.clone());
        if only_kept && !is_accepted {
            count.continue_after_check(self.heap.host.native.threshold);
        }
        self.heap.host.pools.tie_compiled(is_accepted.then_some((code.pool, entry)));
        is_accepted
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
