//! Cancelling a worker from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A request to stop a worker, shared by the worker's thread and the worker pool.
///
/// Cancelling is final: it interrupts the evaluation under way, and the worker begins no other.
#[derive(Default)]
pub(crate) struct CancellationToken {
    cancelled: AtomicBool,
    interrupt: OnceLock<Arc<AtomicBool>>,
}

impl CancellationToken {
    /// Registers the interrupt flag of the worker's runtime. The worker's thread calls this once,
    /// before its first evaluation.
    pub(crate) fn set_interrupt(&self, interrupt: Arc<AtomicBool>) {
        let interrupt = self.interrupt.get_or_init(|| interrupt);
        // `cancel` may have run before there was a flag to set. It stores `cancelled` before it
        // reads `interrupt`, and this function reads `cancelled` after it stores `interrupt`, so at
        // least one of the two sees the other's store.
        if self.is_cancelled() {
            interrupt.store(true, Ordering::SeqCst);
        }
    }

    /// Cancels the worker. Does not wait for it.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(interrupt) = self.interrupt.get() {
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
    fn cancelling_interrupts_in_either_order() {
        let (before, after) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let token = CancellationToken::default();
        token.set_interrupt(Arc::clone(&before));
        assert!(!token.is_cancelled() && !before.load(Ordering::SeqCst));
        token.cancel();
        assert!(token.is_cancelled() && before.load(Ordering::SeqCst));

        let token = CancellationToken::default();
        token.cancel();
        token.set_interrupt(Arc::clone(&after));
        assert!(after.load(Ordering::SeqCst));
    }
}
