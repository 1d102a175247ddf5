//! `try`: attempts, and in which order what they attempt is evaluated.
//!
//! An attempt's Catch frame keeps the row, or the [`expression`](super::expression), that it was
//! given. That is in normal input, and all else
//! that the attempt comes to evaluate was made by it; so it can be begun again with nothing left of
//! the first time, and keeping the row keeps nothing alive that grows.
//!
//! PLAN says which crash an attempt meets: that of the laws' own order. The interpreter keeps to it;
//! compiled code may evaluate what is sure to be needed before its turn. So if an attempt in which
//! compiled code ran ends in a crash, it is made once more *in law order*, interpreted throughout,
//! and what that finds counts. The same if it ends for lack of stack or memory, or in a value that
//! needs itself: what was evaluated too early may have no end where law order crashes first.
//! Attempts within one that is made in law order are so too; hence one with n others around it is
//! made no more than n + 2 times. What is traced the second time is shown again.
//!
//! An interrupt ends everything at once. What loops without taking stack or memory is ended so, in
//! whichever order it is evaluated.

use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::vm::Vm;
use plan::raw::{Layout, Word, tree};
use plan::{EvalError, Val};

/// What a Catch frame keeps, but for the distance.
struct CatchRecord {
    what: Word,
    input: TryInput,
    /// How often compiled code had been entered when it began.
    runs: u64,
}

/// How it is said what to attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TryInput {
    /// As a row of a function and its arguments.
    Row = 0,
    /// As an expression.
    Expression = 2,
}

/// Words of it on the stack.
const SIZE: usize = 3;

impl Vm {
    /// The normal input of a function applied to arguments, all of them in normal input. If there is
    /// none, the reason is the one that `try` goes by: the crash of the laws' own order.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn call_in_order(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        let runs = self.evaluator.compiled_runs;
        let call = self.delayed_call(function, args)?;
        match self.force(&call) {
            Err(error) if self.law_order_may_differ(runs, &error) => {}
            known => return known,
        }
        // The thunk has crashed: law order begins with another.
        let call = self.delayed_call(function, args)?;
        self.evaluator.in_law_order = true;
        let sure = self.force(&call);
        self.evaluator.in_law_order = false;
        sure
    }

    fn delayed_call(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        self.build(|builder| {
            builder.room_for(args.len() + 1)?;
            builder.push(function);
            args.iter().for_each(|arg| builder.push(arg));
            builder.app(args.len())
        })
    }

    /// Begins an attempt at what a row in normal input says: its first item, applied to the others if
    /// there are any. There must be room for them, and for a frame.
    pub(super) fn begin_try(
        &mut self,
        row: Word,
        in_law_order: bool,
    ) -> Result<NextStep, EvalError> {
        self.push_catch(row, TryInput::Row, in_law_order);
        let function = self.heap.stack.top();
        let size = tree::len(&self.heap, row);
        tree::push_range(&mut self.heap, row, 0..size);
        if size == 1 {
            let value = self.heap.stack.pop();
            return Ok(NextStep::Eval(value));
        }
        Ok(NextStep::Call(function))
    }

    /// Pushes what waits for the normal input of what is attempted.
    pub(super) fn push_catch(&mut self, what: Word, input: TryInput, in_law_order: bool) {
        debug_assert!(self.heap.is_normal(what));
        let evaluator = &mut self.evaluator;
        let before = std::mem::replace(&mut evaluator.in_law_order, in_law_order);
        let stack = &mut self.heap.stack;
        stack.push(what);
        stack.push(Word::direct(evaluator.compiled_runs));
        stack.push(Word::direct(u64::from(before) | input as u64));
        self.push_mark(FrameKind::Catch);
        frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
    }

    /// `try` when something stopped, its mark having been taken off the stack: how to go on, unless
    /// what encloses it is to be stopped too.
    pub(super) fn handle_error_at_catch(
        &mut self,
        error: &EvalError,
    ) -> Result<Option<NextStep>, EvalError> {
        let attempt = self.pop_catch();
        if self.law_order_may_differ(attempt.runs, error) {
            return self.retry_in_law_order(&attempt).map(Some);
        }
        let EvalError::Crash { op, arg } = error else { return Ok(None) };
        let (op, arg) = (self.heap.word(op), self.heap.word(arg));
        self.return_crash(op, arg).map(Some)
    }

    /// Begins an attempt anew, in law order.
    fn retry_in_law_order(&mut self, attempt: &CatchRecord) -> Result<NextStep, EvalError> {
        match attempt.input {
            TryInput::Row => self.begin_try(attempt.what, true),
            TryInput::Expression => {
                self.heap.stack.push(attempt.what);
                self.try_expression(true)
            }
        }
    }

    /// Takes the rest of an attempt off the stack when its mark has been.
    fn pop_catch(&mut self) -> CatchRecord {
        let stack = &mut self.heap.stack;
        let parts = [stack.peek(2), stack.peek(1), stack.peek(0)];
        stack.truncate(stack.top() - SIZE);
        let (before, input) = (parts[2].raw() & 1, parts[2].raw() & !1);
        self.evaluator.in_law_order = before != 0;
        let input =
            if input == TryInput::Row as u64 { TryInput::Row } else { TryInput::Expression };
        CatchRecord { what: parts[0], input, runs: parts[1].raw() }
    }

    /// Whether law order may end otherwise what stopped so, and began when compiled code had been
    /// entered so often.
    fn law_order_may_differ(&self, runs: u64, error: &EvalError) -> bool {
        // The count stands still in law order.
        let reordered = self.evaluator.compiled_runs != runs;
        reordered && !matches!(error, EvalError::Interrupted | EvalError::TooLarge { .. })
    }

    /// The number of words that the stack must have room for to begin an attempt at a row.
    pub(super) fn try_room(&self, row: Word) -> usize {
        tree::len(&self.heap, row) + SIZE + 16
    }

    /// `try` when nothing crashed, its mark having been taken off the stack: the row of 1 and the
    /// value.
    pub(super) fn return_success(&mut self, value: Word) -> Result<NextStep, EvalError> {
        self.pop_catch();
        self.heap.stack.push(Word::direct(1));
        self.heap.stack.push(value);
        self.return_row()
    }

    /// `try` when something did: the row of 0 and the row of operation and argument.
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

    /// Gives the row of the top two values.
    fn return_row(&mut self) -> Result<NextStep, EvalError> {
        self.heap.reserve(3)?;
        let row = self.heap.allocate_popped(Layout::Row, 0, 2);
        self.heap.mark_normal(row);
        Ok(NextStep::Return(row))
    }
}
