//! Requests for compiled code, and when code that an earlier run kept is looked for.
//!
//! A law is compiled after many calls. If the code is kept it could be used earlier; but to find it
//! its unit must be built, which takes the time of about a hundred calls, and what is found depends
//! on what is known by then, such as the values of constants. So the compiler says for which laws it
//! perhaps keeps code, and only for those it is looked for after few calls. Code that is not kept is
//! not compiled early: it would be made from less knowledge, and would be found again by later runs.
//!
//! Code of frozen laws, such as those of the library, is not looked for early. Many programs use them,
//! each with other functions, and what one program kept is found by another before it knows enough
//! for better code.

use super::code::LawCode;
use crate::native::EntryCell;
use crate::vm::{HotCall, Vm};
use plan::Val;

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
