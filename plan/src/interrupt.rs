//! [`Interrupt`]: a request by another thread that the work on a heap should stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The work was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// A request to stop, as the running work sees it. Who stops clears it.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// The flag that another thread sets.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether the flag was set; clears it.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }

    /// Sets the flag again: for work that saw it, but cannot stop itself.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Fails if the flag was set.
    ///
    /// # Errors
    /// [`Interrupted`].
    #[inline(always)]
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_due() { Err(Interrupted) } else { Ok(()) }
    }
}
