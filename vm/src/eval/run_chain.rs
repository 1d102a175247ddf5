//! The runs of the interpreter's loop that have not ended, as a signal handler reads them: see
//! [`crate::sampling`].
//!
//! # Safety
//!
//! Each run is linked to the one that it is nested in, from [`Evaluator::newest_run`] on, and lives on
//! the native stack in the frame of [`Vm::run_from`](crate::vm::Vm), which unlinks it. If a panic
//! unwinds that frame, the chain still leads to it. So a run is read only if it is on the stack:
//! above the stack pointer, and above the run that is nested in it. While an evaluation runs, no
//! panic that has left a run is followed by another run: it ends the evaluation.

use super::code::LawCode;
use super::fetch::CodePosition;
use super::frame::{FrameKind, is_decoded_code};
use super::loop_run::LoopRun;
use super::state::Evaluator;
use crate::sampling_steps::note_sampling_step;
use plan::raw::{EvalStack, Word};
use std::rc::Rc;
use std::sync::atomic::{Ordering, compiler_fence};

impl Evaluator {
    /// A run within the newest one, before any law runs. [`Evaluator::enter_run`] makes it the
    /// newest.
    #[inline(always)]
    pub(super) fn new_run(&self) -> LoopRun {
        LoopRun { at: CodePosition::new(&self.idle), outer: self.newest_run }
    }

    /// Makes a run the newest. It stays where it is until [`Evaluator::leave_run`].
    #[inline(always)]
    pub(super) fn enter_run(&mut self, run: &LoopRun) {
        note_sampling_step();
        // A signal handler must not find a run whose fields are still to be written.
        compiler_fence(Ordering::Release);
        self.newest_run = run;
    }

    /// Makes the run that `run` is nested in the newest.
    #[inline(always)]
    pub(super) fn leave_run(&mut self, run: &LoopRun) {
        self.newest_run = run.outer;
    }

    /// Forgets runs that a panic has left in the chain. No evaluation runs.
    pub(crate) fn forget_runs(&mut self) {
        self.newest_run = std::ptr::null();
    }

    /// The addresses of the decoded laws, and their pools.
    pub(crate) fn decoded_laws(&self) -> impl Iterator<Item = (usize, u32)> {
        let codes = self.codes.iter().flatten();
        codes.map(|code| (Rc::as_ptr(code).addr(), code.pool.0))
    }

    /// The number of the constant that is the law of a decoded law's pool.
    pub(crate) fn law_constant(&self, pool: u32) -> Option<u32> {
        let code: &LawCode = self.codes.get(pool as usize)?.as_ref()?;
        Some(code.law)
    }
}

/// The runs, from the newest to the oldest.
pub(crate) struct RunChain {
    next: *const LoopRun,
    /// The next run is above this address.
    floor: usize,
}

impl RunChain {
    /// The runs of the running evaluation, on a stack with that stack pointer.
    pub(crate) fn new(evaluator: &Evaluator, stack_pointer: usize) -> RunChain {
        RunChain { next: evaluator.newest_run, floor: stack_pointer }
    }

    /// The address of the next run.
    pub(crate) fn newest(&self) -> Option<usize> {
        let address = self.next.addr();
        (address > self.floor).then_some(address)
    }

    /// Takes the next run: the address of the decoded law that it runs.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let address = self.newest()?;
        // SAFETY: the run is above the stack pointer and above the run before, so its frame exists
        // (the module's invariant).
        let run = unsafe { &*self.next };
        self.floor = address;
        self.next = run.outer;
        Some(run.at.code_address())
    }
}

/// Reads the frames of waiting laws from the evaluation stack, run by run.
pub(crate) struct FrameScanner<'s> {
    stack: &'s EvalStack,
    /// The frames at this index and above have been read.
    index: usize,
    /// The newest mark below, as one more than its index.
    mark: usize,
    /// The number of words that may still be looked at.
    budget: usize,
}

impl<'s> FrameScanner<'s> {
    /// A scanner that looks at no more than `budget` words.
    pub(crate) fn new(stack: &'s EvalStack, evaluator: &Evaluator, budget: usize) -> Self {
        let index = stack.top();
        FrameScanner { stack, index, mark: evaluator.mark.min(index), budget }
    }

    /// Whether the scanner has stopped before the end.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget == 0 && self.index > 0
    }

    /// Passes the pools of the laws that wait in a run to `visit`, innermost first.
    pub(crate) fn read_run(&mut self, mut visit: impl FnMut(u32)) {
        while self.index > 0 && self.budget > 0 {
            self.budget -= 1;
            if self.index == self.mark {
                if self.pass_mark(&mut visit) {
                    return;
                }
                continue;
            }
            self.index -= 1;
            let code = self.word(self.index);
            let kind = self.word(self.index + 2);
            if is_decoded_code(code) && kind.raw() == FrameKind::Return as u64 {
                visit(code.code_parts().0);
                let distance = self.word(self.index + 1).raw() as usize;
                self.index = self.index.saturating_sub(distance).max(self.mark);
            }
        }
    }

    /// Passes the mark at the index. Returns whether the run begins there.
    fn pass_mark(&mut self, visit: &mut impl FnMut(u32)) -> bool {
        let [code, distance, kind] = [3, 2, 1].map(|below| match self.index.checked_sub(below) {
            Some(index) => self.word(index),
            None => Word::ZERO,
        });
        let is_exit = kind.raw() == FrameKind::Exit as u64;
        if kind.raw() == FrameKind::Update as u64 && is_decoded_code(code) {
            visit(code.code_parts().0);
        }
        // A distance that leads nowhere ends the chain of marks.
        self.mark = self.mark.saturating_sub(distance.raw().max(1) as usize);
        self.index = self.index.saturating_sub(2).max(self.mark);
        is_exit
    }

    /// A word of the stack; 0 above the top.
    fn word(&self, index: usize) -> Word {
        if index < self.stack.top() { self.stack.get(index) } else { Word::ZERO }
    }
}
