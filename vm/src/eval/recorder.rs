//! Recording the [call chain](crate::CallChain) of an error while it unwinds.
//!
//! An error passes the frames of an evaluation from the innermost to the outermost, and each part of
//! the evaluator records those that it drops:
//!
//! ```text
//! unwind         frames of interpreted laws and thunks on the evaluation stack
//! call, native   a jet whose native function fails, and the law that calls it in place
//! helpers        frames of compiled code, when a helper fails
//! ```
//!
//! A frame is read once and then dropped, so recording costs no more than pushing the frames did,
//! however deep a recursion is and however often a `try` catches a crash. Code words of decoded laws
//! are on the evaluation stack only in Return and Update frames, so a scan finds these frames between
//! other words.

use super::frame::{FrameKind, is_decoded_code};
use crate::call_chain::{CallChain, CallChainEntry};
use crate::native::ActiveFunction;
use crate::pool_id::PoolId;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{Word, WordKind, pin};

impl Vm {
    /// The calls that were in progress when the last evaluation that failed did so. It is that of
    /// the error that [`Vm::eval`], [`Vm::force`] or [`Vm::resume`] has just returned.
    pub fn call_chain(&self) -> &CallChain {
        &self.evaluator.recorder.chain
    }

    /// Takes the chain that [`Vm::call_chain`] returns, which is empty from then on.
    pub fn take_call_chain(&mut self) -> CallChain {
        std::mem::take(&mut self.evaluator.recorder.chain)
    }

    /// Discards the chain of an earlier error, when an evaluation begins.
    pub(super) fn forget_chain(&mut self) {
        self.evaluator.recorder.discard();
    }

    /// Ends the chain of an error that leaves the evaluator.
    #[cold]
    pub(super) fn finish_chain(&mut self) {
        self.evaluator.recorder.open();
        self.evaluator.recorder.is_open = false;
    }

    /// Records the frames of interpreted laws above the newest mark, which are about to be dropped.
    pub(super) fn record_frames_above_mark(&mut self) {
        self.evaluator.recorder.open();
        let mark = self.evaluator.mark;
        let mut index = self.heap.stack.top();
        while index > mark {
            index -= 1;
            let frame = self.heap.stack.top_from(index);
            let &[code, distance, kind, ..] = frame else { continue };
            if is_decoded_code(code) && kind.raw() == FrameKind::Return as u64 {
                let base = index - distance.raw() as usize;
                self.record_code(code.code_parts().0, base);
                index = base.max(mark);
            }
        }
    }

    /// Records the evaluation of a thunk whose Update frame, with that code word, ends at stack
    /// index `end`.
    pub(super) fn record_thunk(&mut self, code: Word, end: usize) {
        // The frame of its code may have been recorded as a frame that waits.
        if is_decoded_code(code) && self.evaluator.recorder.last_base != end {
            self.record_code(code.code_parts().0, end);
        }
    }

    /// Records a jet whose native function fails. Returns the error.
    #[cold]
    pub(super) fn record_jet(&mut self, pin: Word, error: EvalError) -> EvalError {
        self.evaluator.recorder.open();
        self.record_function(pin, 1);
        error
    }

    /// Records the law, or the lazy part of one, whose code has that pool and whose frame is at
    /// stack index `base`.
    pub(super) fn record_code(&mut self, pool: u32, base: usize) {
        self.evaluator.recorder.last_base = base;
        if self.evaluator.recorder.last_pool == Some(pool) {
            if let Some(last) = self.evaluator.recorder.chain.last_mut() {
                last.calls += 1;
            }
            return;
        }
        let code = self.evaluator.code(pool);
        let law = self.heap.host.pools.constant(PoolId(pool), code.law);
        self.record_law(law, 1);
        self.evaluator.recorder.last_pool = Some(pool);
    }

    /// Records the frames of compiled code that the helper that fails has been called from.
    #[cold]
    pub(crate) fn record_compiled_frames(&mut self) {
        self.evaluator.recorder.open();
        for ActiveFunction { law, calls } in self.heap.host.native.active_functions() {
            self.record_function(law, calls);
        }
    }

    /// Records calls of a law that is, itself or as its pin, `function`.
    fn record_function(&mut self, function: Word, calls: u64) {
        let function = self.heap.resolve(function);
        let law = match function.kind() {
            WordKind::Pin => pin::item(&self.heap, function),
            _ => function,
        };
        if law.kind() == WordKind::Law {
            self.record_law(law, calls);
        }
    }

    fn record_law(&mut self, law: Word, calls: u64) {
        let recorder = &mut self.evaluator.recorder;
        recorder.last_pool = None;
        match recorder.chain.last_mut() {
            Some(last) if self.heap.word(&last.law) == law => last.calls += calls,
            _ => {
                let law = self.heap.handle(law);
                recorder.chain.push(CallChainEntry { law, calls });
            }
        }
    }
}
