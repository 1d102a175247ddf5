//! Calls between the interpreter and compiled code.
//!
//! # Safety
//!
//! Addresses of code come from [`EntryCell`] or from code words of laws and thunks, which hold only
//! addresses that an entry held. They are live code for as many arguments as the law's arity, or
//! for one thunk (see `native::enter`). All evaluations start in [`Vm::run_from`], which runs on
//! the native stack.

use super::code::ReflectTargets;
use super::fetch::CodePosition;
use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::jet::{JetAnswer, JetCode};
use crate::native::{EntryCell, PARAMETERS_MAX, PENDING};
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::layout::LAW_CODE;
use plan::raw::{ObjectLayout, Word, WordKind, is_frozen, pin};
use std::rc::Rc;

/// The number of calls after which the entry of a law that is being compiled is checked again.
const RECHECK_INTERVAL: u32 = 64;

/// The most parts that are looked at to normalise a value without the interpreter's loop: a bound for
/// the recursion.
const NORMALISED_PARTS: u32 = 64;

impl Vm {
    /// The address of the compiled code of the law, or pin of one, at stack index `callee`, which
    /// has been called often; `None` if it is not compiled yet. Requests compilation if necessary.
    /// The address is stored in the law's code slot, so that later calls find it there.
    #[inline(never)]
    pub(super) fn compiled(&mut self, callee: usize, pool: u32) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        // Every call of a frozen law comes here, also the calls that a jet leaves to its law. The
        // entry of that jet's pin is the code that calls the jet.
        let function = self.heap.stack.get(callee);
        if is_frozen(function.address())
            && (function.kind() != WordKind::Pin || self.jet_of_pin(function).is_none())
            && let Some(entry) = self.entry_of(function)
        {
            return Some(entry);
        }
        let code = Rc::clone(self.evaluator.code(pool));
        code.calls.set(self.heap.host.native.threshold.saturating_sub(RECHECK_INTERVAL));
        let pinned = self.heap.stack.get(callee).kind() == WordKind::Pin;
        let entry = code.compiled[usize::from(pinned)].get_or_init(EntryCell::default).clone();
        if !code.is_requested.get() {
            let is_accepted = self.request_code_of_law(callee, &code, false, entry.clone());
            code.is_requested.set(is_accepted);
        }
        let entry = entry.address()?;
        let function = self.heap.stack.get(callee);
        let law = if pinned { pin::item(&self.heap, function) } else { function };
        if is_frozen(law.address()) {
            // Its slot cannot be written to, so each call checks the entry.
            code.calls.set(self.heap.host.native.threshold - 1);
            if !pinned || self.jet_of_pin(function).is_none() {
                self.heap.host.native.set_entry_of_frozen(function, entry);
            }
            return Some(entry);
        }
        self.evaluator.decoded.insert(entry, pool);
        self.heap.store_raw(law, LAW_CODE, Word::native(entry, pinned).raw());
        Some(entry)
    }

    /// The pool of the law whose slot holds that compiled code, if laws must run interpreted now.
    #[inline(always)]
    pub(super) fn interpreted_pool(&self, entry: usize) -> Option<u32> {
        if !self.evaluator.in_law_order {
            return None;
        }
        self.evaluator.decoded.get(&entry).copied()
    }

    /// The entry of a law's compiled code for calls of the law itself or of its pin. `None` if the
    /// law has been compiled for the other kind of call, or cannot be decoded.
    pub(crate) fn law_entry(&mut self, law: Word, pinned: bool) -> Option<EntryCell> {
        let mut slot = self.heap.load(law, LAW_CODE);
        if slot.is_direct() {
            slot = self.slot_of(law, pinned).ok()?;
        }
        let pool = if slot.is_native() {
            let fits = slot.is_native_of_pin() == pinned;
            *self.evaluator.decoded.get(&slot.address()).filter(|_| fits)?
        } else {
            slot.code_parts().0
        };
        let code = self.evaluator.code(pool);
        Some(code.compiled[usize::from(pinned)].get_or_init(EntryCell::default).clone())
    }

    /// The address of the compiled code of the jet whose pin this is. `None` if it is not compiled
    /// yet; then requests compilation, unless that was done before.
    pub(crate) fn jet_entry(&mut self, pin: Word) -> Option<usize> {
        let law = pin::item(&self.heap, pin);
        if self.evaluator.in_law_order || law.kind() != WordKind::Law {
            return None;
        }
        let slot = self.slot_of(law, true).ok()?;
        let pool = if slot.is_native() {
            *self.evaluator.decoded.get(&slot.address())?
        } else {
            slot.code_parts().0
        };
        let code = Rc::clone(self.evaluator.code(pool));
        let entry = code.compiled_jet.get_or_init(EntryCell::default).clone();
        if !code.is_jet_requested.get() {
            let function = self.heap.handle(pin);
            let is_accepted = self.request_code_of_jet(&function, entry.clone());
            code.is_jet_requested.set(is_accepted);
            self.heap.host.pools.tie_compiled(is_accepted.then(|| (code.pool, entry.clone())));
        }
        entry.address()
    }

    /// Calls the compiled code of the law at stack index `callee` with the arguments above it.
    #[inline(never)]
    pub(super) fn call_compiled(
        &mut self,
        entry: usize,
        callee: usize,
    ) -> Result<NextStep, EvalError> {
        let count = self.heap.stack.top() - callee - 1;
        // The code reads the arguments first, before anything can be pushed over them.
        let args = self.heap.stack.top_from(callee + 1).as_ptr().cast::<u64>();
        self.heap.stack.truncate(callee);
        let before = self.heap.young_collections();
        // SAFETY: the law has this code, and its `count` arguments are at `args`.
        let bits = unsafe { self.enter_native(entry, args, count) }?;
        self.count_collections(before, callee);
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
        // The code reads the captured values before anything is allocated, and `mark_entered` does
        // not overwrite them.
        let outer = self.push_update(thunk, Word::ZERO);
        self.mark_entered(thunk, outer);
        let (before, base) = (self.heap.young_collections(), self.heap.stack.top());
        // SAFETY: the thunk has this code, whose one argument is the thunk.
        let bits = unsafe { self.enter_native(entry, (&raw const thunk).cast::<u64>(), 1) }?;
        self.count_collections(before, base);
        Ok(self.step_after_native(bits))
    }

    /// Evaluates the value on top of the stack in place, for a jet that returns the error if that fails.
    /// A thunk of compiled code is entered without a run of the interpreter's loop.
    pub(crate) fn evaluate_top_for_jet(&mut self) -> Result<(), EvalError> {
        let top = self.heap.stack.top() - 1;
        let thunk = self.heap.resolve(self.heap.stack.get(top));
        if let Some(entry) = self.entry_of_thunk(thunk) {
            let value = self.run_compiled_thunk(thunk, entry)?;
            self.heap.stack.set(top, value);
            return Ok(());
        }
        self.evaluate_top()
    }

    /// The address of the code of a thunk that can be entered here: it is compiled, and the evaluation runs
    /// on the native stack.
    #[inline(always)]
    pub(super) fn entry_of_thunk(&self, thunk: Word) -> Option<usize> {
        if !thunk.is_thunk() || self.heap.header(thunk).layout() != ObjectLayout::ThunkCode {
            return None;
        }
        let code = self.heap.load(thunk, 0);
        let is_possible = code.is_native()
            && self.is_on_native_stack()
            && !self.native_stack_is_full()
            && self.heap.stack.has_room(64);
        is_possible.then(|| code.address())
    }

    /// Evaluates a thunk with the code that [`Vm::entry_of_thunk`] returned. An error leaves the thunk's
    /// Update frame, which the handler of the error unwinds.
    pub(super) fn run_compiled_thunk(
        &mut self,
        thunk: Word,
        entry: usize,
    ) -> Result<Word, EvalError> {
        self.heap.stack.push(thunk);
        self.heap.stack.push(Word::ZERO);
        self.push_mark(FrameKind::Update);
        self.mark_entered(thunk, None);
        let base = self.heap.stack.top();
        // SAFETY: the thunk has this code, whose one argument is the thunk.
        let bits = unsafe { self.enter_native(entry, (&raw const thunk).cast::<u64>(), 1) }?;
        let value = if bits == PENDING {
            let (call, end) = (self.pending_call(), self.heap.stack.top());
            let value = self.run_call(|vm| vm.push_again(call, end))?;
            self.heap.stack.truncate(base);
            value
        } else {
            Word::from_bits(bits)
        };
        self.heap.stack.pop();
        self.pop_mark();
        let frame = self.heap.stack.top() - 2;
        let thunk = self.heap.stack.get(frame);
        self.heap.stack.truncate(frame);
        self.heap.update(thunk, value);
        Ok(value)
    }

    fn step_after_native(&self, bits: u64) -> NextStep {
        if bits == PENDING {
            NextStep::Call(self.pending_call())
        } else {
            NextStep::Return(Word::from_bits(bits))
        }
    }

    /// Evaluates the call that `push` pushes on the stack.
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

    /// Evaluates the call on top of the stack, a function with `count` arguments above it, and
    /// drops it. Compiled code of that arity is entered directly.
    pub(crate) fn run_top(&mut self, count: usize) -> Result<Word, EvalError> {
        let callee = self.heap.stack.top() - count - 1;
        let mut call = callee;
        if let Some(entry) = self.expand_to_entry(callee, count) {
            let args = self.heap.stack.top_from(callee + 1);
            let (count, args) = (args.len(), args.as_ptr().cast::<u64>());
            // SAFETY: `expand_to_entry` found the code of a function of that many arguments, which
            // are at `args`.
            let bits = unsafe { self.enter_native(entry, args, count) }?;
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

    /// The address of the code of the function at stack index `callee`, if it is compiled, takes
    /// just the `count` arguments above it, and may run compiled now. An app is replaced by its
    /// function and arguments.
    fn expand_to_entry(&mut self, callee: usize, count: usize) -> Option<usize> {
        if self.evaluator.in_law_order {
            return None;
        }
        let function = self.heap.resolve(self.heap.stack.get(callee));
        let is_object = matches!(function.kind(), WordKind::Law | WordKind::Pin | WordKind::App);
        if !is_object || self.heap.header(function).extra() != count as u64 {
            return None;
        }
        if function.kind() != WordKind::App {
            return self.entry_of(function);
        }
        let (head, held) = (self.heap.load(function, 0), self.heap.size(function) - 1);
        if held + count > PARAMETERS_MAX || !self.heap.stack.has_room(held + 8) {
            return None;
        }
        let entry = self.entry_of(head)?;
        self.heap.stack.set(callee, head);
        self.heap.memory.insert_payload(callee + 1, function, 1, held);
        Some(entry)
    }

    /// The address of the code of a law or pin, if it is compiled for calls of just that.
    fn entry_of(&self, function: Word) -> Option<usize> {
        let is_pin = function.kind() == WordKind::Pin;
        if !is_pin && function.kind() != WordKind::Law {
            return None;
        }
        if is_frozen(function.address()) {
            return self.heap.host.native.entry_of_frozen(function);
        }
        let law = match is_pin.then(|| self.jet_of_pin(function)) {
            Some(Some(jet)) => return self.heap.host.native.entry_of_jet(jet),
            Some(None) => pin::item(&self.heap, function),
            None => function,
        };
        if law.kind() != WordKind::Law {
            return None;
        }
        let slot = self.heap.load(law, LAW_CODE);
        (slot.is_native() && slot.is_native_of_pin() == is_pin).then(|| slot.address())
    }

    /// Pushes copies of the words between two stack indices.
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

    /// Evaluates the call on top of the stack, a jet's pin with `count` arguments above it that are
    /// evaluated as the jet demands, and drops it.
    pub(crate) fn run_jet(&mut self, count: usize) -> Result<Word, EvalError> {
        let callee = self.heap.stack.top() - count - 1;
        let jet = self.jet_of_pin(self.heap.stack.get(callee));
        if let Some(jet) = jet {
            self.jets.count_call(jet);
        }
        if let Some(JetCode::Native(run)) = jet.map(|jet| self.jets.get(jet).code) {
            // The jet may have overwritten its arguments, so its answer must be used. Only if it
            // answers `Again` or `Law` does the interpreter's loop repeat the call.
            let answer = match self.run_native_jet(run, callee + 1, count) {
                Ok(answer) => answer,
                Err(error) => return Err(self.record_jet(self.heap.stack.get(callee), error)),
            };
            let value = match answer {
                JetAnswer::Done => Some(self.heap.stack.pop()),
                JetAnswer::Eval => {
                    self.evaluate_top()?;
                    Some(self.heap.stack.pop())
                }
                JetAnswer::Call(count) => Some(self.run_top(count)?),
                JetAnswer::Again | JetAnswer::Law => None,
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

    /// Takes the value on top apart for compiled code: see
    /// [`Helper::Parts`](crate::native::Helper::Parts).
    pub(crate) fn native_parts(&mut self) -> Result<u64, EvalError> {
        let from = self.heap.stack.top() - 1;
        let branch = self.push_parts(ReflectTargets { pin: 0, law: 1, app: 2, nat: 3 })?;
        let parts = self.heap.stack.top_from(from).to_vec();
        self.heap.stack.truncate(from);
        self.set_parts(&parts);
        Ok(u64::from(branch))
    }

    /// Runs the interpreter's loop from the step that `start` returns until that step's value is
    /// computed. The words on the stack stay there.
    pub(super) fn run_from(
        &mut self,
        start: impl FnOnce(&mut Vm, &mut CodePosition) -> Result<NextStep, EvalError>,
    ) -> Result<Word, EvalError> {
        self.on_native_stack(|vm| {
            if !vm.heap.stack.has_room(64) {
                return Err(EvalError::StackOverflow);
            }
            vm.push_mark(FrameKind::Exit);
            let mut run = vm.evaluator.new_run();
            vm.evaluator.enter_run(&run);
            vm.evaluator.nesting += 1;
            let first = start(vm, &mut run.at);
            let result = vm.run_loop(first, &mut run.at);
            vm.evaluator.nesting -= 1;
            vm.evaluator.leave_run(&run);
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
            // The result is matched directly, because a variable would be copied at every step.
            next = match self.step(next, at) {
                Ok(NextStep::Exit(value)) => return Ok(value),
                Ok(next) => next,
                Err(error) => self.unwind(error)?,
            };
        }
    }

    /// Evaluates a word, to normal form if `normalise` is set. The words on the stack stay there.
    pub(crate) fn run(&mut self, word: Word, normalise: bool) -> Result<Word, EvalError> {
        if normalise && self.normalise_evaluated(word, &mut NORMALISED_PARTS.clone()) {
            return Ok(word);
        }
        self.run_from(|vm, _| {
            if normalise {
                frame::push_kind(&mut vm.heap.stack, FrameKind::Normal);
            }
            Ok(NextStep::Eval(word))
        })
    }
}
