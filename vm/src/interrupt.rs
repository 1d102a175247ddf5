//! [`Interrupt`]: a request, made by another thread, that what runs should stop.

use crate::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The request to stop, as those see it who may have to. Whoever stops clears it.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// The flag that another thread sets.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether somebody asked to stop; clears the request.
    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }

    /// Asks again: for one who saw the request, but is not the one to stop.
    pub(crate) fn pass_on(&self, stop: &Stop) {
        if matches!(stop, Stop::Interrupted) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Ends with [`Stop::Interrupted`] if somebody asked for it.
    #[inline(always)]
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.is_due() { Err(Stop::Interrupted) } else { Ok(()) }
    }
}
