//! The interpreter: evaluation of values on the stack of a [`Vm`].
//!
//! One loop evaluates thunks to their outermost shape, calls functions and normalises. Each step
//! runs a law's instructions, calls the function on the stack, evaluates a word, or returns a value
//! to the frame on top. Everything left to do later is a frame on the evaluation stack, so the
//! depth of a recursion costs stack words and never native stack.
//!
//! ```text
//! native          calls from and to compiled code; running the loop
//! hot_callers     counting the work of jets for the laws that call them
//! cheap_marks     which code is perhaps cheap
//! cheap_entries   running such code at once, in place of making a thunk
//! cheap_compiled  thunks of compiled code that are cheap by now
//! lazy_entries    entering compiled code that makes lazy applications
//! interpret       the loop: instructions, thunks, returning to frames
//! call            calling laws, jets and data
//! operations      the operations of PLAN
//! normal          normal form
//! unwind          errors: unwinding the stack to a handler
//! recorder        recording the call chain of an error
//! try_expression  `_TryExp`: calls encoded as data
//! try_catch       `try`: catching crashes, and evaluation in law order
//! fetch           unchecked access to the running code
//! decode          from a law's body to code
//! span            frames that report how long a law runs
//! state           the state of evaluation that is not on the stack
//! code            the instructions of a decoded law
//! call_count      when the code of a law is requested
//! code_requests   requests for compiled code
//! next_step       the next step of the loop
//! abort           errors kept in thunks
//! frame           continuations on the stack
//! loop_run        a run of the loop
//! run_chain       the runs of the loop and their frames, for signal handlers
//! ```

mod abort;
mod call;
mod call_count;
mod cheap_compiled;
mod cheap_entries;
mod cheap_marks;
mod code;
mod code_requests;
mod decode;
#[allow(unsafe_code, reason = "reads the running code without bounds checks")]
mod fetch;
mod frame;
mod hot_callers;
mod interpret;
#[allow(unsafe_code, reason = "enters compiled code")]
mod lazy_entries;
mod loop_run;
#[allow(unsafe_code, reason = "enters compiled code")]
mod native;
mod next_step;
mod normal;
mod operations;
mod recorder;
#[allow(unsafe_code, reason = "reads runs of the loop on the native stack")]
mod run_chain;
mod span;
pub(crate) mod state;
mod try_catch;
mod try_expression;
mod unwind;

pub(crate) use self::cheap_entries::INCREMENT;
pub(crate) use self::run_chain::{FrameScanner, RunChain};

use crate::pool_id::PoolId;
use crate::vm::Vm;
use plan::raw::layout::LAW_CODE;
use plan::raw::{Word, is_frozen};
use plan::{EvalError, Ref, Shape, Val};
use std::rc::Rc;

/// The limit of nested evaluations (jets that re-enter the evaluator) without a native stack of our
/// own; each costs frames of the thread's stack.
const NESTING_LIMIT: usize = 48;

impl Vm {
    /// Evaluates a value to its outermost shape.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn eval(&mut self, val: &Val) -> Result<Val, EvalError> {
        let word = self.heap.resolve(self.heap.word(val));
        if !word.is_thunk() {
            return Ok(self.heap.handle(word));
        }
        self.heap.stack.push(word);
        self.take_top(Vm::evaluate_top)
    }

    /// Evaluates a value to normal form.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn force(&mut self, val: &Val) -> Result<Val, EvalError> {
        let word = self.heap.resolve(self.heap.word(val));
        if self.heap.is_normal(word) {
            return Ok(self.heap.handle(word));
        }
        self.heap.stack.push(word);
        self.take_top(Vm::normalise_top)
    }

    /// Applies a function to arguments and evaluates the result to its outermost shape.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn apply(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        let app = self.app(function, args)?;
        self.eval(&app)
    }

    /// Runs `evaluate` on the value on top, and pops the value even if that fails.
    fn take_top(
        &mut self,
        evaluate: fn(&mut Vm) -> Result<(), EvalError>,
    ) -> Result<Val, EvalError> {
        self.forget_chain();
        let _scope = self.begin_sampled_evaluation();
        let result = evaluate(self);
        if result.is_err() {
            self.finish_chain();
        }
        let word = self.heap.stack.pop();
        self.heap.stack.release();
        let result = result.map(|()| self.heap.handle(word));
        if self.heap.spaces.has_damage() { self.unless_damaged(result) } else { result }
    }

    /// Whether a jet may re-enter the evaluator.
    pub(crate) fn may_nest(&self) -> bool {
        self.has_native_stack() || self.evaluator.nesting < NESTING_LIMIT
    }

    /// Evaluates the value on top of the stack in place.
    pub(crate) fn evaluate_top(&mut self) -> Result<(), EvalError> {
        let top = self.heap.stack.top() - 1;
        let word = self.heap.resolve(self.heap.stack.get(top));
        let value = if word.is_thunk() { self.run(word, false)? } else { word };
        self.heap.stack.set(top, value);
        Ok(())
    }

    /// Normalises the value on top of the stack in place.
    pub(crate) fn normalise_top(&mut self) -> Result<(), EvalError> {
        let top = self.heap.stack.top() - 1;
        let word = self.heap.resolve(self.heap.stack.get(top));
        let value = if self.heap.is_normal(word) { word } else { self.run(word, true)? };
        self.heap.stack.set(top, value);
        Ok(())
    }

    /// The code word of a law: that of its compiled code, if it has some for this kind of call,
    /// else that of its decoded code. Decodes the law if necessary. Only this function reads a
    /// law's code slot to call it.
    #[inline(always)]
    fn slot_of(&mut self, law: Word, pinned: bool) -> Result<Word, EvalError> {
        let slot = self.heap.load(law, LAW_CODE);
        // A law on a page that was lost holds a nat here that is not 0.
        if slot.is_direct() {
            return match self.heap.host.pools.code_of_frozen(law) {
                Some(slot) => Ok(slot),
                None => self.decode_law(law),
            };
        }
        if slot.is_native() && slot.is_native_of_pin() != pinned {
            return self.decode_again(law);
        }
        Ok(slot)
    }

    /// Decodes a law whose compiled code is for the other kind of call (of the law itself or of its
    /// pin). The law is not compiled again; other compiled code continues to call the code that
    /// exists.
    #[cold]
    fn decode_again(&mut self, law: Word) -> Result<Word, EvalError> {
        let compiled = self.heap.load(law, LAW_CODE).address();
        let before = self.evaluator.decoded.get(&compiled).copied();
        let slot = self.decode_law(law)?;
        let code = self.evaluator.code(slot.code_parts().0);
        code.is_requested.set(true);
        if let Some(before) = before {
            self.heap.host.pools.tie(code.pool, PoolId(before));
        }
        Ok(slot)
    }

    #[cold]
    fn decode_law(&mut self, law: Word) -> Result<Word, EvalError> {
        self.forget_dead_code();
        // Decoding only reads the heap, so `law` stays where it is.
        let Shape::Law(view) = Ref::new(law, &self.heap).shape() else {
            unreachable!("only laws are decoded")
        };
        let mut decoded =
            decode::decode(&self.jets, view, self.reports_laws()).ok_or(EvalError::OutOfMemory)?;
        let law_constant = decoded.constants.len() as u32;
        decoded.constants.push(law);
        let pool = self.heap.host.pools.add(std::mem::take(&mut decoded.constants));
        let constants = self.heap.host.pools.constants(pool);
        let PoolId(number) = pool;
        let codes = &mut self.evaluator.codes;
        if codes.len() <= number as usize {
            codes.resize(number as usize + 1, None);
        }
        let code = Rc::new(decoded.into_code(pool, constants, law_constant));
        codes[number as usize] = Some(Rc::clone(&code));
        if !is_frozen(law.address()) {
            self.expect_kept_code(&code);
        }
        let slot = Word::code(number, 0);
        if is_frozen(law.address()) {
            self.heap.host.pools.set_code_of_frozen(law, slot);
        } else {
            self.heap.store_raw(law, LAW_CODE, slot.raw());
        }
        Ok(slot)
    }
}

#[cfg(test)]
mod tests;
