//! Whether the thread is between two stacks.
//!
//! The tables by which the unwinder finds a caller are not exact at the instructions that switch from
//! one stack to another: at some of them they say that a register holds the address of a frame when
//! it holds something else. So a signal handler may walk the frames of Rust only while
//! [`is_in_progress`] is false. Both sides of every switch mark it: the one that leaves its stack by
//! [`leaving`], the one that runs on the other stack by [`arrived`].

use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};

thread_local! {
    /// It has no destructor, so a handler may read it at any time.
    static IN_PROGRESS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is switching stacks.
pub(crate) fn is_in_progress() -> bool {
    IN_PROGRESS.get()
}

/// Leaves a stack: runs a function that switches to another one, and that returns, or panics, when
/// the thread is back.
pub(super) fn leaving<R>(switch: impl FnOnce() -> R) -> R {
    /// The return to the stack.
    struct Return;

    impl Drop for Return {
        fn drop(&mut self) {
            note_end();
        }
    }

    let _return = Return;
    note_begin();
    switch()
}

/// Arrives on a stack: runs a function on it, after which, or after its panic, the thread leaves it.
pub(super) fn arrived<R>(function: impl FnOnce() -> R) -> R {
    /// The end of what runs on the stack.
    struct Departure;

    impl Drop for Departure {
        fn drop(&mut self) {
            note_begin();
        }
    }

    let _departure = Departure;
    note_end();
    function()
}

/// Notes that the instructions that follow switch stacks.
fn note_begin() {
    IN_PROGRESS.set(true);
    // A handler on this thread is what reads it.
    compiler_fence(Ordering::SeqCst);
}

/// Notes that the stacks have been switched.
fn note_end() {
    compiler_fence(Ordering::SeqCst);
    IN_PROGRESS.set(false);
}
