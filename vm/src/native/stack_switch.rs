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
    between(true, switch)
}

/// Arrives on a stack: runs a function on it, after which, or after its panic, the thread leaves it.
pub(super) fn arrived<R>(function: impl FnOnce() -> R) -> R {
    between(false, function)
}

/// Runs a function that begins and ends with a switch, or else at the other end of one.
fn between<R>(begins_switch: bool, function: impl FnOnce() -> R) -> R {
    /// Notes the opposite at the end, also after a panic.
    struct AtEnd(bool);

    impl Drop for AtEnd {
        fn drop(&mut self) {
            note(self.0);
        }
    }

    let _at_end = AtEnd(!begins_switch);
    note(begins_switch);
    function()
}

/// Notes whether the instructions that follow switch stacks.
fn note(is_in_progress: bool) {
    // A handler on this thread is what reads it.
    compiler_fence(Ordering::SeqCst);
    IN_PROGRESS.set(is_in_progress);
    compiler_fence(Ordering::SeqCst);
}
