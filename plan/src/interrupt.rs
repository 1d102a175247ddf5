//! [`Interrupt`]: a request to stop the work on a heap, made by another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The work was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// A request to stop, as the running work sees it. The work that stops clears it.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Returns the flag, which another thread sets to request a stop.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Returns whether a stop was requested, and clears the request.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }

    /// Returns whether a stop was requested, and leaves the request for other work on the heap.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Repeats the request: for code that saw it and cannot stop the evaluation.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Fails if a stop was requested, and clears the request.
    ///
    /// # Errors
    /// [`Interrupted`].
    #[inline(always)]
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_due() { Err(Interrupted) } else { Ok(()) }
    }
}
