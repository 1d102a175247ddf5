//! Where the interpreter and compiled code call each other.

use super::code::Branches;
use super::fetch::Position;
use super::frame::{self, FrameKind};
use super::run::Next;
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
    /// A law that has been called often lies, itself or pinned, at `place`: its compiled code, if
    /// there is some by now. The law's slot is set to it, so that this is asked no more.
    #[cold]
    pub(super) fn compiled(&mut self, place: usize, pool: u32) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        let code = Rc::clone(self.evaluator.code(pool));
        code.calls.set(self.heap.host.native.threshold.saturating_sub(LOOK_AGAIN));
        let pinned = self.heap.stack.get(place).kind() == Kind::Pin;
        let entry = code.compiled[usize::from(pinned)].get_or_init(CodeEntry::default).clone();
        if !code.is_requested.get() {
            let function = self.heap.handle(self.heap.stack.get(place));
            let args = self.heap.stack.top_from(place + 1).iter();
            let args: Vec<Val> =
                args.map(|word| self.heap.handle(self.heap.resolve(*word))).collect();
            let is_accepted = self.request_code(&function, &args, entry.clone());
            code.is_requested.set(is_accepted);
            self.heap.host.pools.tie_compiled(is_accepted.then(|| (code.pool, entry.clone())));
        }
        let entry = entry.address()?;
        let function = self.heap.stack.get(place);
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
    pub(super) fn decoded_of(&self, entry: usize) -> Option<u32> {
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

    /// Calls the compiled code of the law at `place` with what lies above it.
    #[inline(never)]
    pub(super) fn call_compiled(&mut self, entry: usize, place: usize) -> Result<Next, EvalError> {
        let count = self.heap.stack.top() - place - 1;
        // The arguments are read at once, before anything can be pushed in their place.
        let args = self.heap.stack.top_from(place + 1).as_ptr().cast::<u64>();
        self.heap.stack.truncate(place);
        let bits = self.enter_native(entry, args, count)?;
        Ok(self.after_native(bits))
    }

    /// Evaluates a thunk whose code is compiled.
    #[inline(never)]
    pub(super) fn enter_compiled_thunk(
        &mut self,
        thunk: Word,
        entry: usize,
    ) -> Result<Next, EvalError> {
        if !self.heap.stack.has_room(16) {
            return Err(EvalError::StackOverflow);
        }
        // The code reads what the thunk captured before anything is allocated; that lies where
        // `entered` does not write.
        let outer = self.push_update(thunk, Word::ZERO);
        self.entered(thunk, outer);
        let bits = self.enter_native(entry, (&raw const thunk).cast::<u64>(), 1)?;
        Ok(self.after_native(bits))
    }

    fn after_native(&self, bits: u64) -> Next {
        if bits == PENDING {
            Next::Call(self.pending_call())
        } else {
            Next::Give(Word::from_bits(bits))
        }
    }

    /// Evaluates the call that `push` puts on the stack.
    pub(crate) fn run_call(
        &mut self,
        push: impl FnOnce(&mut Vm) -> Result<(), EvalError>,
    ) -> Result<Word, EvalError> {
        self.run_from(|vm, _| {
            let place = vm.heap.stack.top();
            push(vm)?;
            Ok(Next::Call(place))
        })
    }

    /// Evaluates the call of a function that lies on top of the stack, with `count` arguments, and
    /// drops it. Compiled code that takes just these is entered at once.
    pub(crate) fn run_top(&mut self, count: usize) -> Result<Word, EvalError> {
        let place = self.heap.stack.top() - count - 1;
        let mut call = place;
        if let Some(entry) = self.entry_at(place, count) {
            let args = self.heap.stack.top_from(place + 1).as_ptr().cast::<u64>();
            let bits = self.enter_native(entry, args, count)?;
            if bits != PENDING {
                self.heap.stack.truncate(place);
                return Ok(Word::from_bits(bits));
            }
            call = self.pending_call();
        }
        let end = self.heap.stack.top();
        let value = self.run_call(|vm| vm.push_again(call, end))?;
        self.heap.stack.truncate(place);
        Ok(value)
    }

    /// The compiled code of the law at `place`, itself and not a pin, if it takes so many arguments
    /// and is to run compiled now.
    fn entry_at(&self, place: usize, count: usize) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        let law = self.heap.resolve(self.heap.stack.get(place));
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
        let place = self.heap.stack.top() - count - 1;
        let jet = self.jets.of_pin(&self.heap, self.heap.stack.get(place));
        if let Some(jet) = jet {
            self.jets.called(jet);
        }
        if let Some(JetCode::Native(run)) = jet.map(|jet| self.jets.get(jet).code) {
            // A jet may have replaced its arguments, so its answer counts; only one that is to be asked
            // again, or leaves the call to the law, is asked once more, by the loop.
            let value = match run(&mut Call { vm: self, base: place + 1 })? {
                Answer::Done => Some(self.heap.stack.pop()),
                Answer::Eval => {
                    self.evaluate_top()?;
                    Some(self.heap.stack.pop())
                }
                Answer::Call(count) => Some(self.run_top(count)?),
                Answer::Again | Answer::Law => None,
            };
            if let Some(value) = value {
                self.heap.stack.truncate(place);
                return Ok(value);
            }
            self.heap.stack.truncate(place + count + 1);
        }
        let value = self.run_from(|vm, at| {
            let again = vm.heap.stack.top();
            vm.push_again(place, place + count + 1)?;
            match jet {
                Some(jet) => vm.call_jet(again, count, jet, at),
                None => Ok(Next::Call(again)),
            }
        })?;
        self.heap.stack.truncate(place);
        Ok(value)
    }

    /// Why compiled code stopped at its limit.
    pub(crate) fn beyond_limit(&self) -> EvalError {
        // A request may have been taken back since compiled code saw it; it has left all the same.
        let asked = self.heap.interrupt.is_due() || !self.native_stack_is_full();
        if asked { EvalError::Interrupted } else { EvalError::StackOverflow }
    }

    /// Takes the value on top apart for compiled code: see [`crate::native::Helper::Parts`].
    pub(crate) fn native_parts(&mut self) -> Result<u64, EvalError> {
        let from = self.heap.stack.top() - 1;
        let branch = self.push_parts(Branches { pin: 0, law: 1, app: 2, nat: 3 })?;
        let parts = self.heap.stack.top_from(from).to_vec();
        self.heap.stack.truncate(from);
        self.set_parts(&parts);
        Ok(u64::from(branch))
    }

    /// Runs the loop until the value is there that the step `start` begins with. What is on the
    /// stack stays there.
    pub(super) fn run_from(
        &mut self,
        start: impl FnOnce(&mut Vm, &mut Position) -> Result<Next, EvalError>,
    ) -> Result<Word, EvalError> {
        self.on_native_stack(|vm| {
            if !vm.heap.stack.has_room(64) {
                return Err(EvalError::StackOverflow);
            }
            vm.push_mark(FrameKind::Exit);
            let mut at = Position::new(&vm.evaluator.idle);
            vm.evaluator.nesting += 1;
            let first = start(vm, &mut at);
            let result = vm.go_on(first, &mut at);
            vm.evaluator.nesting -= 1;
            result
        })
    }

    fn go_on(
        &mut self,
        first: Result<Next, EvalError>,
        at: &mut Position,
    ) -> Result<Word, EvalError> {
        let mut next = match first {
            Ok(next) => next,
            Err(stop) => self.unwind(stop)?,
        };
        loop {
            // Taken apart at once: a result in a variable would be copied at every step.
            next = match self.step(next, at) {
                Ok(Next::Exit(value)) => return Ok(value),
                Ok(next) => next,
                Err(stop) => self.unwind(stop)?,
            };
        }
    }

    /// Evaluates a word, to normal form if so asked. What is on the stack stays there.
    pub(crate) fn run(&mut self, word: Word, normalise: bool) -> Result<Word, EvalError> {
        self.run_from(|vm, _| {
            if normalise {
                frame::push_kind(&mut vm.heap.stack, FrameKind::Normal);
            }
            Ok(Next::Eval(word))
        })
    }
}
