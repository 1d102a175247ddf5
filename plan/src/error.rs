//! [`EvalError`]: why work on values ended without a result.

use crate::heap::{HeapFull, Val};
use crate::interrupt::Interrupted;
use crate::pinspace::attached::DamagedPin;
use std::sync::Arc;

/// Why an evaluation ended without a value.
///
/// Only a crash is PLAN's own and can be caught by PLAN; the others end the evaluation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EvalError {
    /// The law called a nat that is not an operation, with this argument (in normal form).
    #[error("the evaluation crashed")]
    Crash {
        /// The nat that was called.
        op: Val,
        /// What it was called with.
        arg: Val,
    },
    /// A value was needed to compute itself.
    #[error("the evaluation loops: a value is needed to compute itself")]
    Loop,
    /// The evaluation went deeper than the stack may grow.
    #[error("the evaluation needs more stack than it may use")]
    StackOverflow,
    /// The evaluation's live data outgrew the heap.
    #[error("the evaluation needs more memory than it may use")]
    OutOfMemory,
    /// A value was to be written out, to be hashed or printed, that shares its parts so much that
    /// it would never end.
    #[error("the value is too large: written out, it has more than {parts} parts")]
    TooLarge {
        /// How many parts it may have.
        parts: u64,
    },
    /// Somebody asked for it to stop.
    #[error("interrupted")]
    Interrupted,
    /// A pin that it needed is not what was written. Nothing that the heap holds is to be used any more.
    #[error(
        "the pin at {place} is damaged: its bytes are not those that were written; check the disk, \
         and the store with `pallas check`, and restore the file from a copy"
    )]
    Damaged {
        /// Where the pin is: file and offset, if it is in one.
        place: Arc<str>,
    },
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

impl From<DamagedPin> for EvalError {
    fn from(damaged: DamagedPin) -> EvalError {
        EvalError::Damaged { place: damaged.place }
    }
}
