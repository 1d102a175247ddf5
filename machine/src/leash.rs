//! How another thread ends an evaluation for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Shared by a worker's thread and whoever may end the worker.
#[derive(Default)]
pub(crate) struct Leash {
    ended: AtomicBool,
    interrupt: OnceLock<Arc<AtomicBool>>,
}

impl Leash {
    /// Makes known how the worker's evaluations are interrupted.
    pub(crate) fn attach(&self, interrupt: Arc<AtomicBool>) {
        let interrupt = self.interrupt.get_or_init(|| interrupt);
        // `end` may have found nothing to set: it sets its mark before it looks, and this looks
        // for the mark after there is something to set, so one of the two sees the other.
        if self.is_ended() {
            interrupt.store(true, Ordering::SeqCst);
        }
    }

    /// Ends the worker: what it evaluates is interrupted, and it is to begin nothing more.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(interrupt) = self.interrupt.get() {
            interrupt.store(true, Ordering::SeqCst);
        }
    }

    /// Whether the worker has been ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}
