//! [`EvalError`]: why an evaluation, or other work on values, ended without a result.

use crate::heap::{HeapFull, Val};
use crate::interrupt::Interrupted;
use crate::pinspace::DamagedPin;
use std::sync::Arc;

/// Why an evaluation ended without a value.
///
/// PLAN code can catch a crash only; the other errors end the evaluation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EvalError {
    /// A law called a nat that is not an operation, with this argument (in normal form).
    #[error("the evaluation crashed")]
    Crash {
        /// The nat that was called.
        op: Val,
        /// The argument, in normal form.
        arg: Val,
    },
    /// A value is needed to compute itself.
    #[error("the evaluation loops: a value is needed to compute itself")]
    Loop,
    /// The evaluation needs more stack than
    /// [`HeapOptions::max_stack`](crate::HeapOptions::max_stack).
    #[error("the evaluation needs more stack than it may use")]
    StackOverflow,
    /// The live data exceeds [`HeapOptions::max_heap`](crate::HeapOptions::max_heap).
    #[error("the evaluation needs more memory than it may use")]
    OutOfMemory,
    /// A value that is hashed or printed shares its parts so much that writing it out would not
    /// end.
    #[error("the value is too large: written out, it has more than {parts} parts")]
    TooLarge {
        /// The largest number of parts that is allowed.
        parts: u64,
    },
    /// Another thread requested a stop.
    #[error("interrupted")]
    Interrupted,
    /// A pin that was read is damaged. The heap must not be used any more.
    #[error("{0}")]
    Damaged(Arc<DamagedPin>),
}

impl From<HeapFull> for EvalError {
    fn from(_: HeapFull) -> EvalError {
        EvalError::OutOfMemory
    }
}

impl From<Interrupted> for EvalError {
    fn from(_: Interrupted) -> EvalError {
        EvalError::Interrupted
    }
}

impl From<Arc<DamagedPin>> for EvalError {
    fn from(damaged: Arc<DamagedPin>) -> EvalError {
        EvalError::Damaged(damaged)
    }
}
