//! [`Evaluation`]: an evaluation that can be suspended, so that several share one [`Vm`] and its
//! heap and take turns.
//!
//! ```text
//!            ┌──────────── Progress::Suspended ◀──────────┐
//!            ▼                                            │ safepoint, suspension requested
//! begin ─▶ Evaluation ──▶ Vm::resume ──▶ interpreter, compiled code, jets
//!            │                                            │
//!            └─▶ Vm::cancel, drop          Progress::Done(value or error) ◀─┘
//! ```
//!
//! An [`InterruptHandle`](plan::InterruptHandle) requests the suspension, from any thread. The
//! evaluation is suspended at the next *safepoint*: a poll of the interrupt flag at a place that
//! may also collect, so that every live word is on the evaluation stack or in a stack map. These
//! are the calls of the interpreter, the steps of normalisation, and the polls and allocations of
//! compiled code. A jet is suspended only inside the evaluations that it starts; its own polls see
//! requests to stop, and leave a request to suspend.
//!
//! Each evaluation owns a context: a native stack (on which a [fiber](crate::native::fiber) runs
//! it), an evaluation stack, the state of the interpreter that is not on the stack, and the ends of
//! its sections of native frames. [`Vm::resume`] exchanges this context for the one in use, and
//! exchanges them back afterwards. The contexts are kept by number in the heap, its host and the
//! evaluator, where the collector visits the ones that are not in use like the one that is.
//! Compiled code reads all of it through the `Vm`, so nothing else changes. Evaluations that are
//! not begun here ([`Vm::force`] and others) run in the context of the caller, to their end: they
//! leave a request to suspend to the evaluation that is resumed next.
//!
//! # Evaluations share no thunk
//!
//! An evaluation marks the thunks that it enters as under evaluation, and one that needs such a
//! thunk reports a loop. That is right, because no evaluation meets a thunk that another one is
//! evaluating: *every object that two evaluations reach contains no thunk.*
//!
//! - Evaluations begin with values in normal form ([`Vm::begin_call`] makes sure), and the
//!   application of one to the others, which nothing else refers to.
//! - Constants of code are parts of laws, which are in normal form. The compiler adds no thunks.
//! - Everything else that an evaluation reaches was made by it. It writes references to its objects
//!   only into its own objects: thunks are its own, objects in normal form are not written to, and
//!   law slots and constants refer to code.
//! - A result, and the parts of a crash, are in normal form. Other errors refer to no value.

use crate::eval::state::EvaluatorContext;
use crate::evaluations::{EvaluationResult, EvaluationSlot};
use crate::native::fiber::{self, Fiber, Resumption};
use crate::native::stack::NativeStack;
use crate::vm::Vm;
use plan::{EvalError, Val};
use std::cell::RefCell;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// The size of the native stack of an evaluation without a compiler, whose nesting is limited.
const UNCOMPILED_STACK: usize = 8 << 20;

/// An evaluation that has begun and not ended. It makes progress in [`Vm::resume`].
///
/// Dropping it cancels it: the `Vm` unwinds it when it next begins or resumes an evaluation, or
/// when it is dropped itself. [`Vm::cancel`] unwinds it at once.
#[must_use = "an evaluation makes progress only when it is resumed"]
pub struct Evaluation {
    number: usize,
    /// Where the `Vm` finds the evaluations that were dropped.
    dropped: Rc<RefCell<Vec<usize>>>,
    has_ended: bool,
}

impl Drop for Evaluation {
    fn drop(&mut self) {
        if !self.has_ended {
            self.dropped.borrow_mut().push(self.number);
        }
    }
}

/// What [`Vm::resume`] has achieved.
#[must_use = "the evaluation may be suspended"]
pub enum Progress {
    /// The evaluation has ended, with a value in normal form or an error.
    Done(Result<Val, EvalError>),
    /// The evaluation was suspended.
    Suspended(Evaluation),
}

impl Vm {
    /// Begins the evaluation of a function applied to arguments to normal form. It runs in
    /// [`Vm::resume`]. The function and the arguments are evaluated to normal form first.
    ///
    /// # Errors
    /// Any [`EvalError`]; [`EvalError::OutOfMemory`] also if the system does not grant the address
    /// ranges of the stacks.
    pub fn begin_call(&mut self, function: &Val, args: &[Val]) -> Result<Evaluation, EvalError> {
        self.begin(function, args, |vm, function, args| {
            let call = vm.app(function, args)?;
            vm.force(&call)
        })
    }

    /// Begins an evaluation as [`Vm::begin_call`] does. A crash is that of law order: see
    /// [`Vm::call_in_order`].
    ///
    /// # Errors
    /// The same as those of [`Vm::begin_call`].
    pub fn begin_call_in_order(
        &mut self,
        function: &Val,
        args: &[Val],
    ) -> Result<Evaluation, EvalError> {
        self.begin(function, args, Vm::call_in_order)
    }

    fn begin(
        &mut self,
        function: &Val,
        args: &[Val],
        evaluate: impl FnOnce(&mut Vm, &Val, &[Val]) -> Result<Val, EvalError> + 'static,
    ) -> Result<Evaluation, EvalError> {
        self.cancel_dropped();
        let function = self.force(function)?;
        let args = args.iter().map(|arg| self.force(arg)).collect::<Result<Vec<Val>, _>>()?;
        let number = match self.evaluations.free.pop() {
            Some(number) => number,
            None => self.add_slot().map_err(|_| EvalError::OutOfMemory)?,
        };
        let slot = &mut self.evaluations.slots[number];
        let stack = Rc::clone(&slot.native_stack);
        slot.fiber = Some(Fiber::new(stack, move |vm: &mut Vm, point, resumption| {
            vm.evaluations.point = Some(point);
            if resumption == Resumption::Cancel {
                return Ok(Err(EvalError::Interrupted));
            }
            catch_unwind(AssertUnwindSafe(|| evaluate(vm, &function, &args)))
        }));
        let dropped = Rc::clone(&self.evaluations.dropped);
        Ok(Evaluation { number, dropped, has_ended: false })
    }

    /// Adds a context for evaluations, and returns its number.
    fn add_slot(&mut self) -> std::io::Result<usize> {
        let max_stack = self.heap.memory.options().max_stack;
        let is_compiling = self.has_native_stack();
        let size = if is_compiling { max_stack } else { UNCOMPILED_STACK };
        let native_stack = Rc::new(NativeStack::new(size)?);
        let number = self.heap.memory.add_stack()?;
        self.add_native_context(is_compiling.then(|| Rc::clone(&native_stack)));
        let evaluator = EvaluatorContext::default();
        self.evaluations.slots.push(EvaluationSlot { native_stack, evaluator, fiber: None });
        debug_assert_eq!(number + 1, self.evaluations.slots.len());
        Ok(number)
    }

    /// Runs an evaluation until it ends, or until it is suspended because an
    /// [`InterruptHandle`](plan::InterruptHandle) of this heap requested it, before or meanwhile.
    ///
    /// # Panics
    /// If the evaluation is of another `Vm`, if this `Vm` was moved since the evaluation was first
    /// resumed, or if the evaluation panics.
    pub fn resume(&mut self, mut evaluation: Evaluation) -> Progress {
        assert!(
            Rc::ptr_eq(&evaluation.dropped, &self.evaluations.dropped),
            "the evaluation is of another runtime"
        );
        self.cancel_dropped();
        match self.run_fiber(evaluation.number, Resumption::Continue) {
            None => Progress::Suspended(evaluation),
            Some(result) => {
                // The number may be that of another evaluation from now on.
                evaluation.has_ended = true;
                Progress::Done(result.unwrap_or_else(|panic| resume_unwind(panic)))
            }
        }
    }

    /// Ends an evaluation, as an interrupt does.
    pub fn cancel(&mut self, evaluation: Evaluation) {
        drop(evaluation);
        self.cancel_dropped();
    }

    /// Makes every evaluation that can be suspended suspend itself at each `interval`-th safepoint,
    /// or at none if it is 0: for tests.
    pub fn suspend_at_intervals(&mut self, interval: u32) {
        self.evaluations.interval = interval;
        self.evaluations.safepoints = 0;
        self.heap.interrupt.request_handle().clear();
    }

    /// The number of evaluations that have begun and not ended.
    pub fn evaluations(&self) -> usize {
        self.evaluations.slots.len() - self.evaluations.free.len()
    }

    /// Unwinds the evaluations that were dropped. What an evaluation owns is leaked instead if this
    /// `Vm` was moved since it was first resumed.
    pub fn cancel_dropped(&mut self) {
        loop {
            let Some(number) = self.evaluations.dropped.borrow_mut().pop() else { return };
            self.cancel_number(number);
        }
    }

    /// Unwinds the evaluation with that number, if there is one and its frames can run.
    fn cancel_number(&mut self, number: usize) {
        // An evaluation that is cancelled ends at once: every later safepoint fails too.
        while self.has_runnable(number) && self.run_fiber(number, Resumption::Cancel).is_none() {}
    }

    /// Whether there is an evaluation with that number, which began in this `Vm` where it is now.
    fn has_runnable(&self, number: usize) -> bool {
        let fiber = &self.evaluations.slots[number].fiber;
        fiber.as_ref().is_some_and(|fiber| fiber.belongs_to(self))
    }

    /// Runs an evaluation in its context. Returns its result when it has ended.
    fn run_fiber(&mut self, number: usize, resumption: Resumption) -> Option<EvaluationResult> {
        assert!(
            self.has_runnable(number),
            "the runtime was moved while an evaluation was suspended"
        );
        let Some(mut fiber) = self.evaluations.slots[number].fiber.take() else {
            unreachable!("there is an evaluation with that number")
        };
        let is_continued = resumption == Resumption::Continue;
        let owes_suspension = is_continued && take(&mut self.evaluations.owes_suspension);
        if owes_suspension || self.evaluations.interval > 0 {
            self.heap.interrupt.request_handle().request_suspension();
        }
        let before = (self.evaluations.point.take(), self.evaluations.is_cancelled);
        self.evaluations.is_cancelled = resumption == Resumption::Cancel;
        let scope = self.begin_sampled_evaluation();
        self.exchange_context(number);
        let result = fiber.resume(self, resumption);
        self.exchange_context(number);
        drop(scope);
        (self.evaluations.point, self.evaluations.is_cancelled) = before;
        if result.is_some() {
            self.free_slot(number);
        } else {
            self.evaluations.slots[number].fiber = Some(fiber);
        }
        result
    }

    /// Exchanges the context in use for the one with that number.
    fn exchange_context(&mut self, number: usize) {
        self.heap.memory.exchange_stack(number);
        self.heap.host.native.exchange_context(number);
        self.evaluator.exchange_context(&mut self.evaluations.slots[number].evaluator);
    }

    /// Makes a context free whose evaluation has ended, and returns its memory to the system.
    fn free_slot(&mut self, number: usize) {
        self.heap.memory.clear_stack(number);
        self.evaluations.slots[number].evaluator = EvaluatorContext::default();
        self.reset_native_context(number);
        self.evaluations.free.push(number);
    }

    /// Obeys a pending request at a safepoint: suspends the evaluation until it is resumed, or
    /// fails if it is to stop.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`].
    #[cold]
    #[inline(never)]
    pub(crate) fn obey_interrupt(&mut self) -> Result<(), EvalError> {
        if !self.heap.interrupt.take_suspension() {
            return Ok(self.heap.interrupt.check()?);
        }
        if self.evaluations.is_cancelled || self.heap.spaces.has_damage() {
            self.evaluations.owes_suspension = true;
            return Err(EvalError::Interrupted);
        }
        self.evaluations.owes_suspension = self.evaluations.point.is_none();
        let Some(point) = self.evaluations.point.filter(|_| self.is_suspension_due()) else {
            return Ok(());
        };
        // SAFETY: `run_fiber` and this function keep the point of the fiber that runs, whose owner
        // is this runtime.
        let resumption = unsafe { fiber::suspend(point, self) };
        self.evaluations.point = Some(point);
        if resumption == Resumption::Cancel { Err(EvalError::Interrupted) } else { Ok(()) }
    }

    /// Counts a safepoint, if there is an interval. Whether the evaluation is to be suspended at
    /// it.
    fn is_suspension_due(&mut self) -> bool {
        let interval = self.evaluations.interval;
        if interval == 0 {
            return true;
        }
        self.heap.interrupt.request_handle().request_suspension();
        self.evaluations.safepoints = (self.evaluations.safepoints + 1) % interval;
        self.evaluations.safepoints == 0
    }
}

impl Drop for Vm {
    /// Cancels the evaluations. If the `Vm` was moved while one was suspended, what that one owned
    /// is leaked instead.
    fn drop(&mut self) {
        for number in 0..self.evaluations.slots.len() {
            self.cancel_number(number);
        }
    }
}
