//! Thunks of compiled code whose values are cheap by now.
//!
//! Compiled code makes a thunk of a short computation on nats only if a test shows that a captured value is
//! no nat below 2^63. It may be one later: another computation evaluates it. Where a loop variable is such a thunk, the
//! next turn would make another one that captures it, and so on in all turns. So the header of such a thunk
//! [says](crate::native::layout::CHEAP_THUNK) that its code is cheap if all captured values are nats below 2^63, and
//! compiled code that gets the thunk asks for its value. In a chain of such thunks the innermost is evaluated first.

use super::cheap_entries::CheapBudget;
use crate::native::layout::CHEAP_THUNK;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{ObjectLayout, Word};

/// The most thunks of a chain that are evaluated.
const CHAIN_LIMIT: usize = 1 << 14;

/// What a thunk needs before its code is cheap.
enum Readiness {
    /// Nothing.
    Ready,
    /// The value of another thunk.
    Waits(Word),
    /// Other captured values.
    Never,
}

impl Vm {
    /// The value of the thunk at a stack index, which compiled code has made, if it is cheap. Leaves unspecified
    /// values above.
    pub(super) fn value_of_compiled_thunk(
        &mut self,
        at: usize,
        budget: &mut CheapBudget,
    ) -> Result<Option<Word>, EvalError> {
        let mut next = self.heap.stack.get(at);
        let base = self.heap.stack.top();
        loop {
            let top = self.heap.stack.top();
            if top - base == CHAIN_LIMIT || !self.heap.stack.has_room(64) {
                return Ok(None);
            }
            self.heap.stack.push(next);
            budget.examined += 1;
            if self.is_cheap_compiled(next) {
                match self.readiness(next) {
                    Readiness::Waits(other) => {
                        next = other;
                        continue;
                    }
                    Readiness::Never => return Ok(None),
                    Readiness::Ready => {}
                }
                let Some(entry) = self.entry_of_thunk(next) else { return Ok(None) };
                let value = self.run_compiled_thunk(next, entry)?;
                if top == base {
                    return Ok(Some(value));
                }
            } else if self.is_compiled(next) {
                return Ok(None);
            } else if !self.evaluate_next_cheaply(budget)? {
                match self.pending_part(self.heap.stack.get(top)) {
                    Some(other) => next = other,
                    None => return Ok(None),
                }
                continue;
            }
            // The thunk that waits for the value is next.
            self.heap.stack.truncate(top);
            next = self.heap.stack.pop();
        }
    }

    /// Whether compiled code has made a thunk, and its code is cheap on nats.
    fn is_cheap_compiled(&self, thunk: Word) -> bool {
        self.heap.header(thunk).extra() & CHEAP_THUNK != 0 && self.is_compiled(thunk)
    }

    /// Whether compiled code has made a thunk, which is not evaluated.
    fn is_compiled(&self, thunk: Word) -> bool {
        self.heap.header(thunk).layout() == ObjectLayout::ThunkCode
            && self.heap.load(thunk, 0).is_native()
    }

    /// Evaluates the thunk of the interpreter on top of the stack, if it is cheap by itself.
    fn evaluate_next_cheaply(&mut self, budget: &mut CheapBudget) -> Result<bool, EvalError> {
        let mut own = budget.renewed();
        let is_cheap = self.evaluate_top_cheaply(&mut own);
        budget.examined = own.examined;
        is_cheap
    }

    /// A part of a thunk of the interpreter that is a thunk, and has to be evaluated before it may be cheap.
    fn pending_part(&self, thunk: Word) -> Option<Word> {
        let header = self.heap.header(thunk);
        let parts = match header.layout() {
            ObjectLayout::ThunkApp => 1..header.size(),
            ObjectLayout::ThunkCode => 1..1 + header.extra() as usize,
            _ => return None,
        };
        let mut parts = parts.map(|index| self.heap.resolve(self.heap.load(thunk, index)));
        parts.find(|part| part.is_thunk())
    }

    /// What a cheap compiled thunk needs.
    fn readiness(&self, thunk: Word) -> Readiness {
        let count = self.heap.header(thunk).extra() & !CHEAP_THUNK;
        for index in 1..=count as usize {
            let captured = self.heap.resolve(self.heap.load(thunk, index));
            if captured.is_thunk() {
                return Readiness::Waits(captured);
            }
            if !captured.is_direct() {
                return Readiness::Never;
            }
        }
        Readiness::Ready
    }
}
