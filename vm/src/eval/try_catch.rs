//! `try`: catching crashes, and evaluation in law order.
//!
//! The Catch frame of a `try` keeps its input: a row, or an [`expression`](super::try_expression).
//! The input is in normal form, and the evaluation makes everything else that it evaluates; so it
//! can be started again without a trace of the first time, and keeping the input keeps nothing
//! alive that grows.
//!
//! PLAN defines which crash a `try` catches: the one that evaluation in the laws' own order meets.
//! The interpreter follows that order; compiled code may evaluate early the values that are certain
//! to be needed. So if compiled code ran in a `try` that ends in a crash, the `try` runs again *in
//! law order*, interpreted throughout, and the second result counts. The same holds if it runs out
//! of stack or memory, or finds a loop: an early evaluation may not terminate where law order
//! crashes before it. A `try` inside one in law order runs in law order too, so a `try` with n
//! others around it runs at most n + 2 times. Traces of the second run are printed again.
//!
//! An interrupt ends the whole evaluation immediately. A loop that takes neither stack nor memory
//! can only end by an interrupt, in either order.

use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::vm::Vm;
use plan::raw::{ObjectLayout, Word, tree};
use plan::{EvalError, Val};

/// The words of a Catch frame, without the distance.
struct CatchRecord {
    input: Word,
    form: InputForm,
    /// The value of `Evaluator::compiled_runs` when the `try` began.
    runs: u64,
}

/// The form of the input of a `try`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InputForm {
    /// A row of a function and its arguments.
    Row = 0,
    /// An expression.
    Expression = 2,
}

/// The number of words of a [`CatchRecord`] on the stack.
const RECORD_SIZE: usize = 3;

impl Vm {
    /// The normal form of a function applied to arguments, all of them in normal form. A crash is
    /// the one that `try` catches: that of law order.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn call_in_order(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        let runs = self.evaluator.compiled_runs;
        let call = self.delayed_call(function, args)?;
        match self.force(&call) {
            Err(error) if self.law_order_may_differ(runs, &error) => {}
            result => return result,
        }
        // The first thunk is poisoned, so law order starts with another.
        let call = self.delayed_call(function, args)?;
        self.evaluator.in_law_order = true;
        let result = self.force(&call);
        self.evaluator.in_law_order = false;
        result
    }

    fn delayed_call(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        self.build(|builder| {
            builder.room_for(args.len() + 1)?;
            builder.push(function);
            args.iter().for_each(|arg| builder.push(arg));
            builder.app(args.len())
        })
    }

    /// Begins a `try` of a row in normal form: its first item, applied to the others if there are
    /// any. The stack must have [`room`](Vm::try_room) for it.
    pub(super) fn begin_try(
        &mut self,
        row: Word,
        in_law_order: bool,
    ) -> Result<NextStep, EvalError> {
        self.push_catch(row, InputForm::Row, in_law_order);
        let function = self.heap.stack.top();
        let size = tree::len(&self.heap, row);
        tree::push_range(&mut self.heap, row, 0..size);
        if size == 1 {
            let value = self.heap.stack.pop();
            return Ok(NextStep::Eval(value));
        }
        Ok(NextStep::Call(function))
    }

    /// Pushes the frames that wait for the normal form of the call that `input` describes.
    pub(super) fn push_catch(&mut self, input: Word, form: InputForm, in_law_order: bool) {
        debug_assert!(self.heap.is_normal(input));
        let evaluator = &mut self.evaluator;
        let before = std::mem::replace(&mut evaluator.in_law_order, in_law_order);
        let stack = &mut self.heap.stack;
        stack.push(input);
        stack.push(Word::direct(evaluator.compiled_runs));
        stack.push(Word::direct(u64::from(before) | form as u64));
        self.push_mark(FrameKind::Catch);
        frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
    }

    /// Handles an error at a Catch frame, whose mark has been popped. `None` if the error continues
    /// to the next handler.
    pub(super) fn handle_error_at_catch(
        &mut self,
        error: &EvalError,
    ) -> Result<Option<NextStep>, EvalError> {
        let record = self.pop_catch();
        if self.law_order_may_differ(record.runs, error) {
            return self.retry_in_law_order(&record).map(Some);
        }
        let EvalError::Crash { op, arg } = error else { return Ok(None) };
        let (op, arg) = (self.heap.word(op), self.heap.word(arg));
        self.return_crash(op, arg).map(Some)
    }

    /// Begins the `try` again, in law order.
    fn retry_in_law_order(&mut self, record: &CatchRecord) -> Result<NextStep, EvalError> {
        match record.form {
            InputForm::Row => self.begin_try(record.input, true),
            InputForm::Expression => {
                self.heap.stack.push(record.input);
                self.try_expression(true)
            }
        }
    }

    /// Pops the rest of a Catch frame, whose mark has been popped.
    fn pop_catch(&mut self) -> CatchRecord {
        let stack = &mut self.heap.stack;
        let parts = [stack.peek(2), stack.peek(1), stack.peek(0)];
        stack.truncate(stack.top() - RECORD_SIZE);
        let (before, form) = (parts[2].raw() & 1, parts[2].raw() & !1);
        self.evaluator.in_law_order = before != 0;
        let form =
            if form == InputForm::Row as u64 { InputForm::Row } else { InputForm::Expression };
        CatchRecord { input: parts[0], form, runs: parts[1].raw() }
    }

    /// Whether an evaluation that ended in this error may end differently in law order. `runs` is
    /// the value of `compiled_runs` when it began.
    fn law_order_may_differ(&self, runs: u64, error: &EvalError) -> bool {
        // The count does not change in law order.
        let reordered = self.evaluator.compiled_runs != runs;
        reordered && !matches!(error, EvalError::Interrupted | EvalError::TooLarge { .. })
    }

    /// The number of stack words that [`Vm::begin_try`] of a row needs.
    pub(super) fn try_room(&self, row: Word) -> usize {
        tree::len(&self.heap, row) + RECORD_SIZE + 16
    }

    /// Returns the result of a `try` without a crash, whose mark has been popped: `[1 value]`.
    pub(super) fn return_success(&mut self, value: Word) -> Result<NextStep, EvalError> {
        self.pop_catch();
        self.heap.stack.push(Word::direct(1));
        self.heap.stack.push(value);
        self.return_row()
    }

    /// Returns the result of a `try` with a crash: `[0 [op arg]]`.
    fn return_crash(&mut self, op: Word, arg: Word) -> Result<NextStep, EvalError> {
        self.heap.stack.push(Word::ZERO);
        self.heap.stack.push(op);
        self.heap.stack.push(arg);
        let next = self.return_row()?;
        if let NextStep::Return(pair) = next {
            self.heap.stack.push(pair);
        }
        self.return_row()
    }

    /// Returns the row of the top two values.
    fn return_row(&mut self) -> Result<NextStep, EvalError> {
        self.heap.reserve(3)?;
        let row = self.heap.allocate_popped(ObjectLayout::Row, 0, 2);
        self.heap.mark_normal(row);
        Ok(NextStep::Return(row))
    }
}
