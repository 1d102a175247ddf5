//! Errors: unwinding the stack to the nearest handler, and poisoning the thunks under evaluation.
//!
//! The marks on the stack form a chain. On the way to the handler every thunk under evaluation is
//! overwritten with the error, so that needing it again gives the same error. Only a crash stops at
//! a Catch frame ([`super::try_catch`]); an Exit frame returns any error to Rust. The calls whose
//! frames are dropped are [recorded](super::recorder).

use super::abort::abort_number;
use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{ObjectLayout, Word};

impl Vm {
    /// Pushes the mark of a frame whose other words are on the stack.
    #[inline(always)]
    pub(super) fn push_mark(&mut self, kind: FrameKind) {
        let stack = &mut self.heap.stack;
        let here = stack.top() + 2;
        frame::push_number(stack, here - self.evaluator.mark);
        frame::push_kind(stack, kind);
        self.evaluator.mark = here;
    }

    /// Pushes an Update frame for a thunk that is about to be evaluated by that code. If the frame
    /// on top is the Update frame of another thunk, both have the same value and share that frame;
    /// then the other thunk is returned, for [`Vm::mark_entered`]. So a chain of thunks that end in
    /// each other takes no stack.
    #[inline(always)]
    pub(super) fn push_update(&mut self, thunk: Word, code: Word) -> Option<Word> {
        if FrameKind::of(self.heap.stack.peek(0)) == FrameKind::Span {
            self.end_spans_of_a_long_chain();
        }
        let stack = &mut self.heap.stack;
        if FrameKind::of(stack.peek(0)) == FrameKind::Update {
            let top = stack.top();
            stack.set(top - 3, code);
            return Some(stack.get(top - 4));
        }
        stack.push(thunk);
        stack.push(code);
        self.push_mark(FrameKind::Update);
        None
    }

    /// Marks a thunk, whose payload has been read, as under evaluation: as a black hole, or as an
    /// indirection to the thunk that [`Vm::push_update`] returned.
    #[inline(always)]
    pub(super) fn mark_entered(&mut self, thunk: Word, outer: Option<Word>) {
        match outer {
            Some(outer) => self.heap.update(thunk, outer),
            None => self.heap.set_layout(thunk, ObjectLayout::BlackHole),
        }
    }

    /// Pops the newest mark's distance and removes the mark from the chain. Its kind has been
    /// popped.
    #[inline(always)]
    pub(super) fn pop_mark(&mut self) {
        let distance = frame::pop_number(&mut self.heap.stack);
        self.evaluator.mark -= distance;
    }

    /// The error of a crash with operation `op` and argument `arg`, which is in normal form.
    pub(super) fn crash(&self, op: Word, arg: Word) -> EvalError {
        EvalError::Crash { op: self.heap.handle(op), arg: self.heap.handle(arg) }
    }

    /// Unwinds the stack to the nearest handler. Returns the step that continues there, or the
    /// error if the handler is an Exit frame.
    #[cold]
    pub(super) fn unwind(&mut self, mut error: EvalError) -> Result<NextStep, EvalError> {
        loop {
            let mark = self.evaluator.mark;
            debug_assert!(mark > 0, "an Exit frame is pushed before anything can fail");
            self.record_frames_above_mark();
            self.heap.stack.truncate(mark);
            let kind = FrameKind::of(self.heap.stack.pop());
            self.pop_mark();
            match kind {
                FrameKind::Update => {
                    let code = self.heap.stack.pop();
                    let thunk = self.heap.stack.pop();
                    self.record_thunk(code, mark);
                    self.poison(thunk, &error);
                }
                FrameKind::Span => self.end_span(),
                FrameKind::Catch => match self.handle_error_at_catch(&error) {
                    Ok(Some(next)) => {
                        self.evaluator.recorder.discard();
                        return Ok(next);
                    }
                    Ok(None) => {}
                    Err(other) => error = other,
                },
                FrameKind::Exit => return Err(error),
                kind => unreachable!("a {kind:?} frame is not a mark"),
            }
        }
    }

    /// Overwrites a thunk whose evaluation ended without a value, so that needing it again gives
    /// the same error. A thunk that loops stays as it is: evaluating it again finds the loop again.
    fn poison(&mut self, thunk: Word, error: &EvalError) {
        let (layout, values) = match (error, abort_number(error)) {
            (EvalError::Crash { op, arg }, _) => {
                (ObjectLayout::Crashed, [self.heap.word(op), self.heap.word(arg)])
            }
            (_, Some(number)) => (ObjectLayout::Aborted, [number, Word::ZERO]),
            (_, None) => return,
        };
        self.heap.set_layout(thunk, layout);
        for (index, value) in values.into_iter().enumerate() {
            self.heap.store(thunk, index, value);
        }
    }
}
