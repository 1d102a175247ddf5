//! [`LoopRun`]: a run of the interpreter's loop that has not ended.

use super::fetch::CodePosition;

/// A run of the loop. It lives in the frame of `Vm::run_from` on the native stack, and is linked to
/// the run that it is nested in, so that a signal handler finds the laws that run (`run_chain`).
pub(crate) struct LoopRun {
    pub(super) at: CodePosition,
    /// The run that this one is nested in; null if there is none.
    pub(super) outer: *const LoopRun,
}
