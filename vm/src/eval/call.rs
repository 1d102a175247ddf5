//! Calls: applying a function to arguments.
//!
//! The function is on the stack at index `callee`, its arguments above it up to the top. Too few
//! arguments make an app; surplus arguments are moved into an Apply frame. With exactly as many as
//! its arity, a law runs; for an operation or jet the demanded arguments are evaluated first, one
//! after the other, with a Call frame that keeps the others.

use super::fetch::CodePosition;
use super::frame::{self, FrameKind};
use super::next_step::{NextStep, is_false};
use super::operations::operation_demands;
use crate::jet::{ArgDemand, ControlForm, Jet, JetAnswer, JetCall, JetCode, NativeJet};
use crate::vm::Vm;
use plan::raw::layout::EXTRA_MAX;
use plan::raw::{ObjectLayout, Word, WordKind, bar, pin, shape, tree};
use plan::{EvalError, Ref};

use ArgDemand::{Lazy, Normal};

/// The operation of the crash for a fallback that is forbidden: the text `deopt`.
const DEOPT: u64 = u64::from_le_bytes(*b"deopt\0\0\0");

/// The largest number of arguments in an Apply frame. A call of a value moves the arguments that
/// are left, so that they move a bounded number of times if each value takes a few of them.
const APPLY_FRAME_LIMIT: usize = 64;

impl Vm {
    /// Calls the function at stack index `callee`.
    #[inline(always)]
    pub(super) fn call(
        &mut self,
        mut callee: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        if self.heap.interrupt.is_pending() {
            self.obey_interrupt()?;
        }
        loop {
            let mut function = self.heap.stack.get(callee);
            if function.is_thunk() {
                function = self.heap.resolve(function);
                self.heap.stack.set(callee, function);
            }
            let count = self.heap.stack.top() - callee - 1;
            if function.kind() == WordKind::Pin
                && self.heap.header(function).extra() == count as u64
                && let Some(next) = self.call_pin(function, callee, count, at)?
            {
                return Ok(next);
            }
            match function.kind() {
                WordKind::Thunk => {
                    frame::push_number(&mut self.heap.stack, count);
                    frame::push_kind(&mut self.heap.stack, FrameKind::Apply);
                    return Ok(NextStep::Eval(function));
                }
                WordKind::App if self.expand(function, callee, count)? => continue,
                _ => {}
            }
            let arity = shape::arity(&self.heap, function);
            if arity > count as u64 {
                return self.return_partial(count, arity);
            }
            if arity < count as u64 {
                callee = self.move_extra_arguments(callee, arity as usize)?;
            }
            if let Some(next) = self.call_saturated(function, callee, arity as usize, at)? {
                return Ok(next);
            }
        }
    }

    /// Replaces the app at stack index `callee`, below `count` values, by its function and
    /// arguments. If the app takes more arguments than these, does nothing and returns false.
    #[inline(always)]
    fn expand(&mut self, app: Word, callee: usize, count: usize) -> Result<bool, EvalError> {
        let (header, head) = (self.heap.header(app), self.heap.load(app, 0));
        if head.kind() != WordKind::App && header.extra() < EXTRA_MAX {
            if header.extra() > count as u64 {
                return Ok(false);
            }
            if !self.heap.stack.has_room(header.size() + 8) {
                return Err(EvalError::StackOverflow);
            }
            self.heap.stack.set(callee, head);
            self.heap.memory.insert_payload(callee + 1, app, 1, header.size() - 1);
            return Ok(true);
        }
        if shape::arity(&self.heap, app) > count as u64 {
            return Ok(false);
        }
        let (_, applied) = shape::spine(&self.heap, app);
        if !self.heap.stack.has_room(applied + 8) {
            return Err(EvalError::StackOverflow);
        }
        shape::expand(&mut self.heap, count);
        Ok(true)
    }

    /// Returns the app of a function of that arity to too few arguments.
    fn return_partial(&mut self, count: usize, arity: u64) -> Result<NextStep, EvalError> {
        shape::make_partial(&mut self.heap, count, arity)?;
        Ok(NextStep::Return(self.heap.stack.pop()))
    }

    /// Moves the arguments beyond `arity` into Apply frames below the call. Returns the new stack
    /// index of the function.
    fn move_extra_arguments(&mut self, callee: usize, arity: usize) -> Result<usize, EvalError> {
        let stack = &mut self.heap.stack;
        let extra = stack.top() - callee - 1 - arity;
        let size = extra + 3 * extra.div_ceil(APPLY_FRAME_LIMIT);
        if !stack.has_room(size + 8) {
            return Err(EvalError::StackOverflow);
        }
        stack.open_gap(callee, size);
        let from = stack.top() - extra;
        // The frame of the first arguments is on top.
        let mut end = callee + size;
        for start in (0..extra).step_by(APPLY_FRAME_LIMIT) {
            let count = APPLY_FRAME_LIMIT.min(extra - start);
            stack.set(end - 1, Word::direct(FrameKind::Apply as u64));
            stack.set(end - 2, Word::direct(count as u64));
            end -= 2 + count;
            for index in 0..count {
                let arg = stack.get(from + start + index);
                stack.set(end + index, arg);
            }
            end -= 1;
        }
        stack.truncate(from);
        Ok(callee + size)
    }

    /// Calls a function with exactly as many arguments as its arity. `None` if `callee` holds
    /// another function now, which is to be called.
    #[inline(always)]
    fn call_saturated(
        &mut self,
        function: Word,
        callee: usize,
        arity: usize,
        at: &mut CodePosition,
    ) -> Result<Option<NextStep>, EvalError> {
        match function.kind() {
            WordKind::Law => self.enter_law(function, callee, at).map(Some),
            WordKind::Pin => {
                if let Some(next) = self.call_pin(function, callee, arity, at)? {
                    return Ok(Some(next));
                }
                let item = pin::item(&self.heap, function);
                if self.is_self_law(item) {
                    self.heap.stack.truncate(callee);
                    return Ok(Some(NextStep::Return(function)));
                }
                self.heap.stack.set(callee, item);
                Ok(None)
            }
            WordKind::Nat | WordKind::Big => {
                self.evaluate_operation_arguments(callee, arity, 0).map(Some)
            }
            _ => {
                let result = self.call_data(function, callee)?;
                self.heap.stack.truncate(callee);
                Ok(Some(result))
            }
        }
    }

    /// Calls a pin with exactly as many arguments as its arity, if its item is an ordinary law.
    #[inline(always)]
    fn call_pin(
        &mut self,
        pin: Word,
        callee: usize,
        count: usize,
        at: &mut CodePosition,
    ) -> Result<Option<NextStep>, EvalError> {
        let item = self.heap.load(pin, 0);
        if item.kind() != WordKind::Law {
            return Ok(None);
        }
        match self.jet_of_pin(pin) {
            Some(jet) => {
                self.jets.count_call(jet);
                self.evaluate_jet_arguments(callee, count, 0, jet, at).map(Some)
            }
            None => self.enter_law(item, callee, at).map(Some),
        }
    }

    /// Runs a law that is, itself or as its pin, at stack index `callee`.
    #[inline(always)]
    fn enter_law(
        &mut self,
        law: Word,
        callee: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        let pinned = self.heap.stack.get(callee) != law;
        let slot = self.slot_of(law, pinned)?;
        let pool = if slot.is_native() {
            match self.interpreted_pool(slot.address()) {
                Some(pool) => pool,
                None => return self.call_compiled(slot.address(), callee),
            }
        } else {
            slot.code_parts().0
        };
        let code = self.evaluator.code(pool);
        let calls = code.calls.get().wrapping_add(1);
        code.calls.set(calls);
        if calls >= self.heap.host.native.threshold
            && let Some(entry) = self.compiled(callee, pool)
        {
            return self.call_compiled(entry, callee);
        }
        at.go(self.evaluator.code(pool), 0, callee);
        if !self.heap.stack.has_room(at.depth() + 8) {
            return Err(EvalError::StackOverflow);
        }
        Ok(NextStep::Run)
    }

    /// Runs the law of the pin at stack index `callee`, whose jet does not handle the arguments
    /// above it.
    pub(super) fn run_law_of_jet(
        &mut self,
        callee: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        if self.jets.observes_fallbacks() && self.report_fallback(callee) {
            // A call of a nat that is not an operation normalises its argument, the row, and
            // crashes.
            let count = self.heap.stack.top() - callee;
            self.heap.reserve(1 + count)?;
            let row = self.heap.allocate_popped(ObjectLayout::Row, 0, count);
            self.heap.stack.push(Word::direct(DEOPT));
            self.heap.stack.push(row);
            return Ok(NextStep::Call(callee));
        }
        let law = pin::item(&self.heap, self.heap.stack.get(callee));
        self.enter_law(law, callee, at)
    }

    /// Reports a call that is left to the law. Returns whether the call crashes instead.
    #[cold]
    fn report_fallback(&self, callee: usize) -> bool {
        let stack = &self.heap.stack;
        let Some(jet) = self.jet_of_pin(self.heap.stack.get(callee)) else {
            return false;
        };
        let args = (callee + 1..stack.top()).map(|at| Ref::new(stack.get(at), &self.heap));
        self.jets.record_fallback(jet, &args.collect::<Vec<_>>())
    }

    /// Whether this is a law that returns itself: a row constructor or the empty row. Its pin
    /// returns the pin.
    fn is_self_law(&self, word: Word) -> bool {
        word.kind() == WordKind::Cow || word.kind() == WordKind::Row && self.heap.size(word) == 0
    }

    /// Runs a law that is stored as data: a constructor, row, bar, set or table.
    fn call_data(&mut self, function: Word, callee: usize) -> Result<NextStep, EvalError> {
        Ok(match function.kind() {
            WordKind::Cow => NextStep::Return(function),
            WordKind::Row => match tree::len(&self.heap, function) {
                0 => NextStep::Return(function),
                width => NextStep::Return(Word::cow(width as u64)),
            },
            WordKind::Bar => {
                let Some(bytes) = Ref::new(function, &self.heap).as_bar() else {
                    unreachable!("a bar has bytes")
                };
                if bytes.is_empty() {
                    return Ok(NextStep::Eval(self.heap.resolve(self.heap.stack.get(callee + 1))));
                }
                self.heap.stack.push(function);
                NextStep::Return(bar::bar_body(&mut self.heap)?)
            }
            WordKind::Set => NextStep::Return(tree::row_of_items(&mut self.heap, function)?),
            WordKind::Tab => {
                let keys = self.heap.load(function, 0);
                NextStep::Return(tree::row_of_items(&mut self.heap, keys)?)
            }
            kind => unreachable!("a {kind:?} is not data"),
        })
    }

    // Arguments of operations and jets.

    /// The index of the argument of the operation or jet at stack index `callee` that is evaluated
    /// in that step. A jet declares its order; operations evaluate from the first, except that
    /// operation 0 evaluates a law's arity before its name, because an arity of 0 crashes whatever
    /// the name is.
    pub(super) fn argument_of_step(&self, callee: usize, step: usize) -> usize {
        let function = self.heap.stack.get(callee);
        match function.kind() {
            WordKind::Pin => match self.jet_of_pin(function) {
                Some(jet) => self.jets.get(jet).nth(step),
                None => unreachable!("only the pin of a jet waits for arguments"),
            },
            _ if function == Word::ZERO && step < 2 => 1 - step,
            _ => step,
        }
    }

    /// Evaluates the arguments that an operation or jet demands, from that step on, then runs it.
    pub(super) fn evaluate_arguments(
        &mut self,
        callee: usize,
        count: usize,
        step: usize,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        let function = self.heap.stack.get(callee);
        if function.kind() != WordKind::Pin {
            return self.evaluate_operation_arguments(callee, count, step);
        }
        match self.jet_of_pin(function) {
            Some(jet) => self.evaluate_jet_arguments(callee, count, step, jet, at),
            None => unreachable!("only the pin of a jet waits for arguments"),
        }
    }

    /// Evaluates the arguments that a jet demands, from that step on, then runs it.
    fn evaluate_jet_arguments(
        &mut self,
        callee: usize,
        count: usize,
        step: usize,
        jet: u32,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        // Only these fields: a reference to the declaration would borrow the runtime.
        let Jet { order, demands, .. } = *self.jets.get(jet);
        for step in step..count {
            let index = order.get(step).copied().unwrap_or(step);
            let demand = demands[index];
            if let Some(next) = self.demand(callee + 1 + index, demand) {
                self.push_argument_frame(count, step, demand, next);
                return Ok(next);
            }
        }
        self.call_jet(callee, count, jet, at)
    }

    /// Evaluates the arguments that an operation demands, from that step on, then runs it.
    fn evaluate_operation_arguments(
        &mut self,
        callee: usize,
        count: usize,
        step: usize,
    ) -> Result<NextStep, EvalError> {
        let function = self.heap.stack.get(callee);
        let operation = function.as_direct();
        let demands = operation_demands(operation);
        for step in step..demands.len() {
            let index = self.argument_of_step(callee, step);
            if operation == Some(0) && step == 1 && is_false(self.heap.stack.get(callee + 2)) {
                return Err(self.crash(Word::ZERO, Word::ZERO));
            }
            if let Some(next) = self.demand(callee + 1 + index, demands[index]) {
                self.push_argument_frame(count, step, demands[index], next);
                return Ok(next);
            }
        }
        self.operate(callee, operation)
    }

    /// The step, if any, that evaluates the value in a stack slot as far as demanded.
    #[inline(always)]
    fn demand(&mut self, slot: usize, demand: ArgDemand) -> Option<NextStep> {
        if demand == Lazy {
            return None;
        }
        let mut word = self.heap.stack.get(slot);
        if word.is_thunk() {
            word = self.heap.resolve(word);
            if word.is_thunk() {
                return Some(NextStep::Eval(word));
            }
            self.heap.stack.set(slot, word);
        }
        (demand == Normal && !self.heap.is_normal(word)).then_some(NextStep::Normalise(word))
    }

    /// Pushes the frame that continues with the arguments when `next` has evaluated that of this
    /// step.
    fn push_argument_frame(
        &mut self,
        count: usize,
        step: usize,
        demand: ArgDemand,
        next: NextStep,
    ) {
        frame::push_number(&mut self.heap.stack, count);
        frame::push_number(&mut self.heap.stack, step);
        frame::push_kind(&mut self.heap.stack, FrameKind::Call);
        if demand == Normal && matches!(next, NextStep::Eval(_)) {
            frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
        }
    }

    /// Runs a jet's native function with the `count` arguments from stack index `base` to the top,
    /// and checks that the stack holds what its answer refers to: the evaluator relies on that.
    #[inline(always)]
    pub(crate) fn run_native_jet(
        &mut self,
        run: NativeJet,
        base: usize,
        count: usize,
    ) -> Result<JetAnswer, EvalError> {
        let answer = run(&mut JetCall { vm: self, base })?;
        let needed = match answer {
            JetAnswer::Done | JetAnswer::Eval => 1,
            JetAnswer::Call(args) => args.saturating_add(1),
            JetAnswer::Again | JetAnswer::Law => count,
        };
        // The methods of `JetCall` never drop below the base.
        assert!(self.heap.stack.top() - base >= needed, "the jet dropped what it answers with");
        Ok(answer)
    }

    /// Runs a jet whose arguments are evaluated as it demands.
    pub(super) fn call_jet(
        &mut self,
        callee: usize,
        count: usize,
        jet: u32,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        let run = match self.jets.get(jet).code {
            JetCode::Native(run) => run,
            JetCode::Control(control) => return self.control(callee, control, at),
        };
        let before = self.evaluator.jet_applications;
        let answer = match self.run_native_jet(run, callee + 1, count) {
            Ok(answer) => answer,
            Err(error) => return Err(self.record_jet(self.heap.stack.get(callee), error)),
        };
        self.count_applications(at.caller, before, callee);
        match answer {
            JetAnswer::Done => self.return_top(callee),
            JetAnswer::Call(args) => {
                let from = self.heap.stack.top() - args - 1;
                self.heap.stack.slide(callee, from);
                Ok(NextStep::Call(callee))
            }
            JetAnswer::Eval => {
                let word = self.heap.stack.peek(0);
                self.heap.stack.truncate(callee);
                Ok(NextStep::Eval(self.heap.resolve(word)))
            }
            JetAnswer::Again => Ok(self.evaluate_and_retry_jet(callee, count)),
            JetAnswer::Law => {
                self.heap.stack.truncate(callee + 1 + count);
                self.run_law_of_jet(callee, at)
            }
        }
    }

    /// Evaluates the value on top; then the jet at stack index `callee` is called again.
    pub(super) fn evaluate_and_retry_jet(&mut self, callee: usize, count: usize) -> NextStep {
        let word = self.heap.stack.peek(0);
        self.heap.stack.truncate(callee + 1 + count);
        frame::push_number(&mut self.heap.stack, count);
        frame::push_kind(&mut self.heap.stack, FrameKind::Again);
        NextStep::Eval(self.heap.resolve(word))
    }

    /// Runs a control form that was not decoded in place.
    fn control(
        &mut self,
        callee: usize,
        control: ControlForm,
        at: &mut CodePosition,
    ) -> Result<NextStep, EvalError> {
        let arg = |vm: &Vm, index: usize| vm.heap.stack.get(callee + 1 + index);
        let first = arg(self, 0);
        let chosen = match control {
            ControlForm::If => 1 + usize::from(is_false(first)),
            ControlForm::IfNot => 2 - usize::from(is_false(first)),
            ControlForm::IfZero => 1 + usize::from(first != Word::ZERO),
            ControlForm::Seq | ControlForm::DeepSeq => 1,
            ControlForm::Force => 0,
            ControlForm::Trace | ControlForm::DeepTrace => {
                let deep = self.deep_trace.as_mut().filter(|_| control == ControlForm::DeepTrace);
                if let Some(hook) = deep.or(self.trace.as_mut()) {
                    hook(Ref::new(first, &self.heap));
                }
                1
            }
            ControlForm::Try => return self.try_row(callee, at),
            ControlForm::TryExpression => {
                self.heap.stack.truncate(callee);
                self.heap.stack.push(first);
                return self.try_expression(self.evaluator.in_law_order);
            }
        };
        let word = self.heap.resolve(arg(self, chosen));
        self.heap.stack.truncate(callee);
        if matches!(control, ControlForm::Trace | ControlForm::DeepTrace) {
            self.begin_trace_span(first)?;
        }
        Ok(NextStep::Eval(word))
    }

    /// `try row` at stack index `callee`, with the row in normal form.
    fn try_row(&mut self, callee: usize, at: &mut CodePosition) -> Result<NextStep, EvalError> {
        let row = self.heap.stack.get(callee + 1);
        if row.kind() != WordKind::Row || self.heap.size(row) == 0 {
            return self.run_law_of_jet(callee, at);
        }
        if !self.heap.stack.has_room(self.try_room(row)) {
            return Err(EvalError::StackOverflow);
        }
        self.heap.stack.truncate(callee);
        self.begin_try(row, self.evaluator.in_law_order)
    }
}
