//! [`Interrupt`]: a request to stop or to suspend the work on a heap, made by another thread.
//!
//! Running work polls one flag. When it is set, the work looks at the kind of the request:
//!
//! - *Stop*: the work ends with [`Interrupted`]. Who has only the [flag](Interrupt::flag) can make
//!   this request.
//! - *Suspend*: the evaluator suspends the evaluation at the next safepoint (a place that may also
//!   collect). Work that is between two safepoints ignores the request, and leaves it.
//!
//! A stop through an [`InterruptHandle`] replaces a request to suspend. A stop through the flag
//! alone that coincides with a request to suspend may be taken for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The work was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

// The kinds of requests.
/// No request, or a stop that was made through the flag alone.
const NONE: u8 = 0;
const SUSPEND: u8 = 1;
const STOP: u8 = 2;

/// The flag that work polls, and the kind of the request if it was made through a handle.
#[derive(Clone, Default)]
struct InterruptState {
    flag: Arc<AtomicBool>,
    kind: Arc<AtomicU8>,
}

/// Requests to stop or to suspend, as the running work sees them. The work that obeys a request
/// clears it.
#[derive(Clone, Default)]
pub struct Interrupt(InterruptState);

/// Makes requests to stop or to suspend the work on a heap, from any thread.
#[derive(Clone)]
pub struct InterruptHandle(InterruptState);

impl Interrupt {
    /// Returns the flag, which another thread sets to request a stop.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.flag)
    }

    /// Returns a handle that makes requests.
    pub fn request_handle(&self) -> InterruptHandle {
        InterruptHandle(self.0.clone())
    }

    /// Returns whether there is a request of either kind. This is the poll at a safepoint.
    #[inline(always)]
    pub fn is_pending(&self) -> bool {
        self.0.flag.load(Ordering::Relaxed)
    }

    /// Returns whether a stop was requested, and clears the request.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        self.is_pending() && self.take_stop()
    }

    #[cold]
    fn take_stop(&self) -> bool {
        let InterruptState { flag, kind } = &self.0;
        if kind.load(Ordering::SeqCst) == SUSPEND {
            return false;
        }
        kind.store(NONE, Ordering::SeqCst);
        flag.swap(false, Ordering::SeqCst)
    }

    /// Returns whether a suspension was requested, and clears the request.
    #[cold]
    pub fn take_suspension(&self) -> bool {
        let InterruptState { flag, kind } = &self.0;
        let taken = kind.compare_exchange(SUSPEND, NONE, Ordering::SeqCst, Ordering::SeqCst);
        if taken.is_err() {
            return false;
        }
        flag.store(false, Ordering::SeqCst);
        // A request that was made in between has set the kind before the flag.
        if kind.load(Ordering::SeqCst) != NONE {
            flag.store(true, Ordering::SeqCst);
        }
        true
    }

    /// Returns whether a stop was requested, and leaves the request for other work on the heap.
    pub fn is_requested(&self) -> bool {
        self.is_pending() && self.0.kind.load(Ordering::SeqCst) != SUSPEND
    }

    /// Repeats a request to stop: for code that saw it and cannot stop the evaluation.
    pub fn set(&self) {
        self.0.flag.store(true, Ordering::Relaxed);
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

impl InterruptHandle {
    /// Requests that the work is suspended at the next safepoint, unless a stop is requested.
    pub fn request_suspension(&self) {
        let InterruptState { flag, kind } = &self.0;
        let before = kind.compare_exchange(NONE, SUSPEND, Ordering::SeqCst, Ordering::SeqCst);
        if before != Err(STOP) {
            flag.store(true, Ordering::SeqCst);
        }
    }

    /// Requests that the work stops.
    pub fn request_stop(&self) {
        self.0.kind.store(STOP, Ordering::SeqCst);
        self.0.flag.store(true, Ordering::SeqCst);
    }

    /// Withdraws a request to stop, and leaves one to suspend.
    pub fn withdraw_stop(&self) {
        let InterruptState { flag, kind } = &self.0;
        if kind.compare_exchange(STOP, NONE, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            flag.store(false, Ordering::SeqCst);
            if kind.load(Ordering::SeqCst) != NONE {
                flag.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Withdraws all requests.
    pub fn clear(&self) {
        self.0.kind.store(NONE, Ordering::SeqCst);
        self.0.flag.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_between_safepoints_leaves_a_request_to_suspend() {
        let interrupt = Interrupt::default();
        let handle = interrupt.request_handle();
        handle.request_suspension();
        assert!(interrupt.check().is_ok() && interrupt.is_pending() && !interrupt.is_requested());
        assert!(interrupt.take_suspension());
        assert!(!interrupt.is_pending() && !interrupt.take_suspension());
    }

    #[test]
    fn a_stop_replaces_a_request_to_suspend() {
        let interrupt = Interrupt::default();
        let handle = interrupt.request_handle();
        handle.request_suspension();
        handle.request_stop();
        handle.request_suspension();
        assert!(!interrupt.take_suspension() && interrupt.is_requested());
        assert_eq!(interrupt.check(), Err(Interrupted));
        assert!(!interrupt.is_pending() && interrupt.check().is_ok());
        // A stop without a handle.
        interrupt.flag().store(true, Ordering::SeqCst);
        assert!(!interrupt.take_suspension());
        assert_eq!(interrupt.check(), Err(Interrupted));
    }
}
