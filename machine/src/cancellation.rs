//! Cancelling a worker from another thread.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to end a worker, shared by the threads that evaluate the worker and the worker pool.
///
/// Cancelling is final: it interrupts the evaluation under way, and the worker begins no other.
#[derive(Default)]
pub(crate) struct CancellationToken {
    cancelled: AtomicBool,
    /// The interrupt flag of the runtime that evaluates the worker now. `cancel` sets the flag under
    /// the lock, so that it never interrupts the evaluation of another worker in this runtime.
    interrupt: Mutex<Option<Arc<AtomicBool>>>,
}

impl CancellationToken {
    /// Registers the interrupt flag of the runtime in which an evaluation of the worker begins.
    /// Returns false if the worker has been cancelled: the evaluation must not begin.
    pub(crate) fn begin_evaluation(&self, interrupt: Arc<AtomicBool>) -> bool {
        let registered = &mut *self.interrupt.lock();
        let may_begin = !self.is_cancelled();
        if may_begin {
            *registered = Some(interrupt);
        }
        may_begin
    }

    /// Removes the interrupt flag when the evaluation has ended, and clears it if the worker was
    /// cancelled meanwhile, so that it does not interrupt the next evaluation in the runtime.
    pub(crate) fn end_evaluation(&self) {
        let interrupt = self.interrupt.lock().take();
        if let Some(interrupt) = interrupt.filter(|_| self.is_cancelled()) {
            interrupt.store(false, Ordering::SeqCst);
        }
    }

    /// Cancels the worker. Does not wait for it.
    pub(crate) fn cancel(&self) {
        let registered = self.interrupt.lock();
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(interrupt) = &*registered {
            interrupt.store(true, Ordering::SeqCst);
        }
    }

    /// Whether the worker has been cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_interrupts_the_evaluation_under_way_and_no_other() {
        let flag = Arc::new(AtomicBool::new(false));
        let is_set = || flag.load(Ordering::SeqCst);
        let (ended, running) = (CancellationToken::default(), CancellationToken::default());
        assert!(ended.begin_evaluation(Arc::clone(&flag)));
        ended.end_evaluation();
        assert!(running.begin_evaluation(Arc::clone(&flag)));
        ended.cancel();
        assert!(!is_set(), "the runtime evaluates another worker");
        running.cancel();
        assert!(is_set() && running.is_cancelled());
        running.end_evaluation();
        assert!(!is_set(), "the next evaluation in the runtime is not interrupted");
        assert!(!running.begin_evaluation(flag), "cancelling is final");
    }
}
