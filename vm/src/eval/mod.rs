//! The interpreter: evaluation of values on the stack of a [`Vm`].
//!
//! Evaluating a thunk to its outermost shape, calling a function, and normalising are one machine:
//! a loop that either runs a law's instructions, calls what lies on the stack, evaluates a word or
//! gives a value to the frame on top. What is left to do later is a frame on the evaluation stack,
//! so depth of recursion costs stack words and never native stack.
//!
//! ```text
//! code     instructions of a decoded law
//! decode   from a law's body to code (lets: which bindings, in which order)
//! fetch    the code being run, reached without checks
//! frame    what is left to do when a value is there
//! run      the loop
//! call     calling laws, operations, jets and data
//! native   calling compiled code, and being called by it
//! normal   normal form
//! unwind   crashes, and other ends
//! attempt  `try`: what catches crashes, and makes sure which
//! ```

mod abort;
mod call;
mod code;
mod decode;
mod fetch;
mod frame;
mod interpret;
mod lets;
mod native;
mod next_step;
mod normal;
pub(crate) mod state;
mod try_catch;
mod try_expression;
mod unwind;

use crate::pools::PoolId;
use crate::vm::Vm;
use plan::raw::layout::LAW_CODE;
use plan::raw::{Word, is_frozen};
use plan::{EvalError, Val};
use std::rc::Rc;

/// Jets that re-enter the evaluator may be nested this deep; each costs a native stack frame.
const NESTING_LIMIT: usize = 48;

impl Vm {
    /// Evaluates a value to its outermost shape.
    ///
    /// # Errors
    /// Why there is no value.
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
    /// Why there is no value.
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
    /// Why there is no value.
    pub fn apply(&mut self, function: &Val, args: &[Val]) -> Result<Val, EvalError> {
        let app = self.app(function, args)?;
        self.eval(&app)
    }

    /// Runs `evaluate` on the value on top, which is taken off whatever comes of it.
    fn take_top(
        &mut self,
        evaluate: fn(&mut Vm) -> Result<(), EvalError>,
    ) -> Result<Val, EvalError> {
        let result = evaluate(self);
        let word = self.heap.stack.pop();
        self.heap.stack.release();
        let result = result.map(|()| self.heap.handle(word));
        if self.heap.spaces.are_damaged() { self.unless_damaged(result) } else { result }
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

    /// Where a law's code is: that which it was decoded to, which is done if it has not been; or its
    /// compiled code, if it has some for being called like this. This is where a law's code slot is
    /// read.
    #[inline(always)]
    fn slot_of(&mut self, law: Word, pinned: bool) -> Result<Word, EvalError> {
        let slot = self.heap.load(law, LAW_CODE);
        if slot == Word::ZERO {
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

    /// Decodes a law whose compiled code refers to the law, or pin, as which it is not called now.
    /// It stays decoded; other compiled code goes on calling what was compiled.
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
        let mut decoded =
            decode::decode(&self.heap, &self.jets, law).ok_or(EvalError::OutOfMemory)?;
        let pool = self.heap.host.pools.add(std::mem::take(&mut decoded.constants));
        let constants = self.heap.host.pools.constants(pool);
        let PoolId(number) = pool;
        let codes = &mut self.evaluator.codes;
        if codes.len() <= number as usize {
            codes.resize(number as usize + 1, None);
        }
        codes[number as usize] = Some(Rc::new(decoded.into_code(pool, constants)));
        let slot = Word::code(number, 0);
        if is_frozen(law.address()) {
            self.heap.host.pools.set_code_of_frozen(law, slot);
        } else {
            self.heap.store(law, LAW_CODE, slot);
        }
        Ok(slot)
    }
}

#[cfg(test)]
mod tests;
