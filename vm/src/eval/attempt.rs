//! `try`: attempts, and in which order what they attempt is evaluated.
//!
//! An attempt's Catch frame keeps the row, or the [`expression`](super::expression), that it was
//! given. That is in normal form, and all else
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
use super::run::Next;
use crate::vm::Vm;
use plan::raw::{Layout, Word, tree};
use plan::{EvalError, Val};

/// What a Catch frame keeps, but for the distance.
struct Attempt {
    what: Word,
    form: Form,
    /// How often compiled code had been entered when it began.
    runs: u64,
}

/// How it is said what to attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// As a row of a function and its arguments.
    Row = 0,
    /// As an expression.
    Expression = 2,
}

/// Words of it on the stack.
const SIZE: usize = 3;

impl Vm {
    /// The normal form of a function applied to arguments, all of them in normal form. If there is
    /// none, the reason is the one that `try` goes by: the crash of the laws' own order.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn call_in_order(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        let runs = self.evaluator.compiled_runs;
        let call = self.delayed_call(function, args)?;
        match self.force(&call) {
            Err(stop) if self.is_in_doubt(runs, &stop) => {}
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

    /// Begins an attempt at what a row in normal form says: its first item, applied to the others if
    /// there are any. There must be room for them, and for a frame.
    pub(super) fn begin_attempt(
        &mut self,
        row: Word,
        in_law_order: bool,
    ) -> Result<Next, EvalError> {
        self.push_attempt(row, Form::Row, in_law_order);
        let function = self.heap.stack.top();
        let size = tree::len(&self.heap, row);
        tree::push_range(&mut self.heap, row, 0..size);
        if size == 1 {
            let value = self.heap.stack.pop();
            return Ok(Next::Eval(value));
        }
        Ok(Next::Call(function))
    }

    /// Pushes what waits for the normal form of what is attempted.
    pub(super) fn push_attempt(&mut self, what: Word, form: Form, in_law_order: bool) {
        debug_assert!(self.heap.is_normal(what));
        let evaluator = &mut self.evaluator;
        let before = std::mem::replace(&mut evaluator.in_law_order, in_law_order);
        let stack = &mut self.heap.stack;
        stack.push(what);
        stack.push(Word::direct(evaluator.compiled_runs));
        stack.push(Word::direct(u64::from(before) | form as u64));
        self.push_mark(FrameKind::Catch);
        frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
    }

    /// `try` when something stopped, its mark having been taken off the stack: how to go on, unless
    /// what encloses it is to be stopped too.
    pub(super) fn after_attempt(&mut self, stop: &EvalError) -> Result<Option<Next>, EvalError> {
        let attempt = self.end_attempt();
        if self.is_in_doubt(attempt.runs, stop) {
            return self.attempt_again(&attempt).map(Some);
        }
        let EvalError::Crash { op, arg } = stop else { return Ok(None) };
        let (op, arg) = (self.heap.word(op), self.heap.word(arg));
        self.caught(op, arg).map(Some)
    }

    /// Begins an attempt anew, in law order.
    fn attempt_again(&mut self, attempt: &Attempt) -> Result<Next, EvalError> {
        match attempt.form {
            Form::Row => self.begin_attempt(attempt.what, true),
            Form::Expression => {
                self.heap.stack.push(attempt.what);
                self.attempt_expression(true)
            }
        }
    }

    /// Takes the rest of an attempt off the stack when its mark has been.
    fn end_attempt(&mut self) -> Attempt {
        let stack = &mut self.heap.stack;
        let parts = [stack.peek(2), stack.peek(1), stack.peek(0)];
        stack.truncate(stack.top() - SIZE);
        let (before, form) = (parts[2].raw() & 1, parts[2].raw() & !1);
        self.evaluator.in_law_order = before != 0;
        let form = if form == Form::Row as u64 { Form::Row } else { Form::Expression };
        Attempt { what: parts[0], form, runs: parts[1].raw() }
    }

    /// Whether law order may end otherwise what stopped so, and began when compiled code had been
    /// entered so often.
    fn is_in_doubt(&self, runs: u64, stop: &EvalError) -> bool {
        // The count stands still in law order.
        let reordered = self.evaluator.compiled_runs != runs;
        reordered && !matches!(stop, EvalError::Interrupted | EvalError::TooLarge { .. })
    }

    /// The number of words that the stack must have room for to begin an attempt at a row.
    pub(super) fn attempt_room(&self, row: Word) -> usize {
        tree::len(&self.heap, row) + SIZE + 16
    }

    /// `try` when nothing crashed, its mark having been taken off the stack: the row of 1 and the
    /// value.
    pub(super) fn caught_nothing(&mut self, value: Word) -> Result<Next, EvalError> {
        self.end_attempt();
        self.heap.stack.push(Word::direct(1));
        self.heap.stack.push(value);
        self.give_row()
    }

    /// `try` when something did: the row of 0 and the row of operation and argument.
    fn caught(&mut self, op: Word, arg: Word) -> Result<Next, EvalError> {
        self.heap.stack.push(Word::ZERO);
        self.heap.stack.push(op);
        self.heap.stack.push(arg);
        let next = self.give_row()?;
        if let Next::Give(pair) = next {
            self.heap.stack.push(pair);
        }
        self.give_row()
    }

    /// Gives the row of the top two values.
    fn give_row(&mut self) -> Result<Next, EvalError> {
        self.heap.reserve(3)?;
        let row = self.heap.allocate_popped(Layout::Row, 0, 2);
        self.heap.mark_normal(row);
        Ok(Next::Give(row))
    }
}
