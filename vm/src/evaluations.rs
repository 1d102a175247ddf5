//! [`Evaluations`]: the table of the evaluations of a runtime that can be suspended.

use crate::eval::state::EvaluatorContext;
use crate::native::fiber::{Fiber, SuspensionPoint};
use crate::native::stack::NativeStack;
use plan::{EvalError, Val};
use std::cell::RefCell;
use std::rc::Rc;

/// The result of an evaluation; an error is a panic.
pub(crate) type EvaluationResult = std::thread::Result<Result<Val, EvalError>>;

/// A context that evaluations use, one after the other.
pub(crate) struct EvaluationSlot<T> {
    pub(crate) native_stack: Rc<NativeStack>,
    /// The state of the evaluator that is not in use.
    pub(crate) evaluator: EvaluatorContext,
    /// The evaluation. `None` while it runs, and if there is none.
    pub(crate) fiber: Option<Fiber<T, EvaluationResult>>,
}

/// The evaluations of a runtime `T` that can be suspended.
pub(crate) struct Evaluations<T> {
    /// By number. The evaluation stacks and native contexts have the same numbers.
    pub(crate) slots: Vec<EvaluationSlot<T>>,
    /// The slots without an evaluation.
    pub(crate) free: Vec<usize>,
    /// Evaluations that were dropped and have not been cancelled yet.
    pub(crate) dropped: Rc<RefCell<Vec<usize>>>,
    /// Where the running evaluation can be suspended. `None` if it cannot.
    pub(crate) point: Option<SuspensionPoint<T>>,
    /// Whether the running evaluation is being cancelled.
    pub(crate) is_cancelled: bool,
    /// Whether work that cannot be suspended has taken a request to suspend. The evaluation that is
    /// resumed next obeys it.
    pub(crate) owes_suspension: bool,
    /// If not 0: an evaluation is suspended at every safepoint with a multiple of this number.
    pub(crate) interval: u32,
    /// The number of safepoints since the last suspension, with an interval.
    pub(crate) safepoints: u32,
}

impl<T> Default for Evaluations<T> {
    fn default() -> Evaluations<T> {
        Evaluations {
            slots: Vec::new(),
            free: Vec::new(),
            dropped: Rc::default(),
            point: None,
            is_cancelled: false,
            owes_suspension: false,
            interval: 0,
            safepoints: 0,
        }
    }
}

impl<T> Evaluations<T> {
    /// Whether no evaluation has begun yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
