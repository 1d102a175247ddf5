//! The interpreter.

use crate::heap::Heap;
use crate::{Stop, Val, Vm};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) struct Evaluator {
    interrupt: Arc<AtomicBool>,
}

impl Evaluator {
    pub(crate) fn new() -> Evaluator {
        Evaluator { interrupt: Arc::default() }
    }

    pub(crate) fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    pub(crate) fn forget_dead(&mut self, heap: &mut Heap) {
        heap.dead_pools.clear();
    }
}

impl Vm {
    /// Evaluates a value to its outermost shape.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn eval(&mut self, val: &Val) -> Result<Val, Stop> {
        Ok(val.clone())
    }

    /// Evaluates a value to normal form.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn force(&mut self, val: &Val) -> Result<Val, Stop> {
        Ok(val.clone())
    }

    /// Applies a function to arguments and evaluates the result to its outermost shape.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn apply(&mut self, function: &Val, args: &[Val]) -> Result<Val, Stop> {
        let app = self.app(function, args)?;
        self.eval(&app)
    }
}
