//! Where the interpreter and compiled code call each other.

use super::code::ReflectTargets;
use super::fetch::CodePosition;
use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::jet::{Answer, Call, JetCode};
use crate::native::{CodeEntry, PENDING};
use crate::vm::Vm;
use plan::raw::layout::LAW_CODE;
use plan::raw::{Kind, Word, is_frozen, pin};
use plan::{EvalError, Val};
use std::rc::Rc;

/// A law whose compilation is under way is looked at again after so many calls.
const LOOK_AGAIN: u32 = 64;

impl Vm {
    /// A law that has been called often lies, itself or pinned, at `callee`: its compiled code, if
    /// there is some by now. The law's slot is set to it, so that this is asked no more.
    #[cold]
    pub(super) fn compiled(&mut self, callee: usize, pool: u32) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        let code = Rc::clone(self.evaluator.code(pool));
        code.calls.set(self.heap.host.native.threshold.saturating_sub(LOOK_AGAIN));
        let pinned = self.heap.stack.get(callee).kind() == Kind::Pin;
        let entry = code.compiled[usize::from(pinned)].get_or_init(CodeEntry::default).clone();
        if !code.is_requested.get() {
            let function = self.heap.handle(self.heap.stack.get(callee));
            let args = self.heap.stack.top_from(callee + 1).iter();
            let args: Vec<Val> =
                args.map(|word| self.heap.handle(self.heap.resolve(*word))).collect();
            let is_accepted = self.request_code(&function, &args, entry.clone());
            code.is_requested.set(is_accepted);
            self.heap.host.pools.tie_compiled(is_accepted.then(|| (code.pool, entry.clone())));
        }
        let entry = entry.address()?;
        let function = self.heap.stack.get(callee);
        let law = if pinned { pin::item(&self.heap, function) } else { function };
        if is_frozen(law.address()) {
            // Its slot cannot be written to: the entry is asked for at each call.
            code.calls.set(self.heap.host.native.threshold - 1);
            if !pinned || self.jets.of_pin(&self.heap, function).is_none() {
                self.heap.host.native.set_entry_of_frozen(function, entry);
            }
            return Some(entry);
        }
        self.evaluator.decoded.insert(entry, pool);
        self.heap.store(law, LAW_CODE, Word::native(entry, pinned));
        Some(entry)
    }

    /// The pool of a law whose slot holds that compiled code, if the law is to run interpreted now.
    #[inline(always)]
    pub(super) fn interpreted_pool(&self, entry: usize) -> Option<u32> {
        if !self.evaluator.in_law_order {
            return None;
        }
        self.evaluator.decoded.get(&entry).copied()
    }

    /// Where the address of a law's code appears, called as itself or as a pin. Nothing, if it has
    /// been compiled to be called otherwise, or cannot be decoded.
    pub(crate) fn law_entry(&mut self, law: Word, pinned: bool) -> Option<CodeEntry> {
        let mut slot = self.heap.load(law, LAW_CODE);
        if slot == Word::ZERO {
            slot = self.slot_of(law, pinned).ok()?;
        }
        let pool = if slot.is_native() {
            let fits = slot.is_native_of_pin() == pinned;
            *self.evaluator.decoded.get(&slot.address()).filter(|_| fits)?
        } else {
            slot.code_parts().0
        };
        let code = self.evaluator.code(pool);
        Some(code.compiled[usize::from(pinned)].get_or_init(CodeEntry::default).clone())
    }

    /// Calls the compiled code of the law at `callee` with what lies above it.
    #[inline(never)]
    pub(super) fn call_compiled(
        &mut self,
        entry: usize,
        callee: usize,
    ) -> Result<NextStep, EvalError> {
        let count = self.heap.stack.top() - callee - 1;
        // The arguments are read at once, before anything can be pushed in their callee.
        let args = self.heap.stack.top_from(callee + 1).as_ptr().cast::<u64>();
        self.heap.stack.truncate(callee);
        let bits = self.enter_native(entry, args, count)?;
        Ok(self.step_after_native(bits))
    }

    /// Evaluates a thunk whose code is compiled.
    #[inline(never)]
    pub(super) fn enter_compiled_thunk(
        &mut self,
        thunk: Word,
        entry: usize,
    ) -> Result<NextStep, EvalError> {
        if !self.heap.stack.has_room(16) {
            return Err(EvalError::StackOverflow);
        }
        // The code reads what the thunk captured before anything is allocated; that lies where
        // `entered` does not write.
        let outer = self.push_update(thunk, Word::ZERO);
        self.mark_entered(thunk, outer);
        let bits = self.enter_native(entry, (&raw const thunk).cast::<u64>(), 1)?;
        Ok(self.step_after_native(bits))
    }

    fn step_after_native(&self, bits: u64) -> NextStep {
        if bits == PENDING {
            NextStep::Call(self.pending_call())
        } else {
            NextStep::Return(Word::from_bits(bits))
        }
    }

    /// Evaluates the call that `push` puts on the stack.
    pub(crate) fn run_call(
        &mut self,
        push: impl FnOnce(&mut Vm) -> Result<(), EvalError>,
    ) -> Result<Word, EvalError> {
        self.run_from(|vm, _| {
            let callee = vm.heap.stack.top();
            push(vm)?;
            Ok(NextStep::Call(callee))
        })
    }

    /// Evaluates the call of a function that lies on top of the stack, with `count` arguments, and
    /// drops it. Compiled code that takes just these is entered at once.
    pub(crate) fn run_top(&mut self, count: usize) -> Result<Word, EvalError> {
        let callee = self.heap.stack.top() - count - 1;
        let mut call = callee;
        if let Some(entry) = self.entry_at(callee, count) {
            let args = self.heap.stack.top_from(callee + 1).as_ptr().cast::<u64>();
            let bits = self.enter_native(entry, args, count)?;
            if bits != PENDING {
                self.heap.stack.truncate(callee);
                return Ok(Word::from_bits(bits));
            }
            call = self.pending_call();
        }
        let end = self.heap.stack.top();
        let value = self.run_call(|vm| vm.push_again(call, end))?;
        self.heap.stack.truncate(callee);
        Ok(value)
    }

    /// The compiled code of the law at `callee`, itself and not a pin, if it takes so many arguments
    /// and is to run compiled now.
    fn entry_at(&self, callee: usize, count: usize) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        let law = self.heap.resolve(self.heap.stack.get(callee));
        if law.kind() != Kind::Law || self.heap.header(law).extra() != count as u64 {
            return None;
        }
        let slot = self.heap.load(law, LAW_CODE);
        (slot.is_native() && !slot.is_native_of_pin()).then(|| slot.address())
    }

    /// Pushes once more what lies between two places.
    fn push_again(&mut self, from: usize, to: usize) -> Result<(), EvalError> {
        if !self.heap.stack.has_room(to - from + 64) {
            return Err(EvalError::StackOverflow);
        }
        for index in from..to {
            let word = self.heap.stack.get(index);
            self.heap.stack.push(word);
        }
        Ok(())
    }

    /// Evaluates the call of a jet's pin that lies on top of the stack, with `count` arguments that
    /// are evaluated as the jet demands, and drops it.
    pub(crate) fn run_jet(&mut self, count: usize) -> Result<Word, EvalError> {
        let callee = self.heap.stack.top() - count - 1;
        let jet = self.jets.of_pin(&self.heap, self.heap.stack.get(callee));
        if let Some(jet) = jet {
            self.jets.count_call(jet);
        }
        if let Some(JetCode::Native(run)) = jet.map(|jet| self.jets.get(jet).code) {
            // A jet may have replaced its arguments, so its answer counts; only one that is to be asked
            // again, or leaves the call to the law, is asked once more, by the loop.
            let value = match run(&mut Call { vm: self, base: callee + 1 })? {
                Answer::Done => Some(self.heap.stack.pop()),
                Answer::Eval => {
                    self.evaluate_top()?;
                    Some(self.heap.stack.pop())
                }
                Answer::Call(count) => Some(self.run_top(count)?),
                Answer::Again | Answer::Law => None,
            };
            if let Some(value) = value {
                self.heap.stack.truncate(callee);
                return Ok(value);
            }
            self.heap.stack.truncate(callee + count + 1);
        }
        let value = self.run_from(|vm, at| {
            let again = vm.heap.stack.top();
            vm.push_again(callee, callee + count + 1)?;
            match jet {
                Some(jet) => vm.call_jet(again, count, jet, at),
                None => Ok(NextStep::Call(again)),
            }
        })?;
        self.heap.stack.truncate(callee);
        Ok(value)
    }

    /// Why compiled code stopped at its limit.
    pub(crate) fn limit_error(&self) -> EvalError {
        // A request may have been taken back since compiled code saw it; it has left all the same.
        let asked = self.heap.interrupt.is_due() || !self.native_stack_is_full();
        if asked { EvalError::Interrupted } else { EvalError::StackOverflow }
    }

    /// Takes the value on top apart for compiled code: see [`crate::native::Helper::Parts`].
    pub(crate) fn native_parts(&mut self) -> Result<u64, EvalError> {
        let from = self.heap.stack.top() - 1;
        let branch = self.push_parts(ReflectTargets { pin: 0, law: 1, app: 2, nat: 3 })?;
        let parts = self.heap.stack.top_from(from).to_vec();
        self.heap.stack.truncate(from);
        self.set_parts(&parts);
        Ok(u64::from(branch))
    }

    /// Runs the loop until the value is there that the step `start` begins with. What is on the
    /// stack stays there.
    pub(super) fn run_from(
        &mut self,
        start: impl FnOnce(&mut Vm, &mut CodePosition) -> Result<NextStep, EvalError>,
    ) -> Result<Word, EvalError> {
        self.on_native_stack(|vm| {
            if !vm.heap.stack.has_room(64) {
                return Err(EvalError::StackOverflow);
            }
            vm.push_mark(FrameKind::Exit);
            let mut at = CodePosition::new(&vm.evaluator.idle);
            vm.evaluator.nesting += 1;
            let first = start(vm, &mut at);
            let result = vm.run_loop(first, &mut at);
            vm.evaluator.nesting -= 1;
            result
        })
    }

    fn run_loop(
        &mut self,
        first: Result<NextStep, EvalError>,
        at: &mut CodePosition,
    ) -> Result<Word, EvalError> {
        let mut next = match first {
            Ok(next) => next,
            Err(error) => self.unwind(error)?,
        };
        loop {
            // Taken apart at once: a result in a variable would be copied at every step.
            next = match self.step(next, at) {
                Ok(NextStep::Exit(value)) => return Ok(value),
                Ok(next) => next,
                Err(error) => self.unwind(error)?,
            };
        }
    }

    /// Evaluates a word, to normal form if so asked. What is on the stack stays there.
    pub(crate) fn run(&mut self, word: Word, normalise: bool) -> Result<Word, EvalError> {
        self.run_from(|vm, _| {
            if normalise {
                frame::push_kind(&mut vm.heap.stack, FrameKind::Normal);
            }
            Ok(NextStep::Eval(word))
        })
    }
}
