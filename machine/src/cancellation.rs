//! Cancelling a worker from another thread.

use parking_lot::Mutex;
use plan::InterruptHandle;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to end a worker, shared by the threads that evaluate the worker and the worker pool.
///
/// Cancelling is final: it interrupts the evaluation under way, and the worker begins no other.
#[derive(Default)]
pub(crate) struct CancellationToken {
    cancelled: AtomicBool,
    /// Stops what the runtime that evaluates the worker now is at. `cancel` makes the request under
    /// the lock, so that it never interrupts the evaluation of another worker in this runtime.
    interrupt: Mutex<Option<InterruptHandle>>,
}

impl CancellationToken {
    /// Registers the interrupt of the runtime in which an evaluation of the worker begins, and
    /// withdraws earlier requests. Returns false if the worker has been cancelled: the evaluation must
    /// not begin.
    pub(crate) fn begin_evaluation(&self, interrupt: InterruptHandle) -> bool {
        let registered = &mut *self.interrupt.lock();
        let may_begin = !self.is_cancelled();
        if may_begin {
            interrupt.clear();
            *registered = Some(interrupt);
        }
        may_begin
    }

    /// Removes the interrupt when the evaluation has ended, and withdraws the request if the worker was
    /// cancelled meanwhile, so that it does not interrupt the next evaluation in the runtime.
    pub(crate) fn end_evaluation(&self) {
        let interrupt = self.interrupt.lock().take();
        if let Some(interrupt) = interrupt.filter(|_| self.is_cancelled()) {
            interrupt.clear();
        }
    }

    /// Cancels the worker. Does not wait for it.
    pub(crate) fn cancel(&self) {
        let registered = self.interrupt.lock();
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(interrupt) = &*registered {
            interrupt.request_stop();
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
        let interrupt = plan::raw::Interrupt::default();
        let handle = || interrupt.request_handle();
        let is_set = || interrupt.is_requested();
        let (ended, running) = (CancellationToken::default(), CancellationToken::default());
        assert!(ended.begin_evaluation(handle()));
        ended.end_evaluation();
        assert!(running.begin_evaluation(handle()));
        ended.cancel();
        assert!(!is_set(), "the runtime evaluates another worker");
        running.cancel();
        assert!(is_set() && running.is_cancelled());
        running.end_evaluation();
        assert!(!is_set(), "the next evaluation in the runtime is not interrupted");
        assert!(!running.begin_evaluation(handle()), "cancelling is final");
    }
}
