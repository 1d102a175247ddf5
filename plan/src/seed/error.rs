//! Why a value was not saved, and why bytes were not loaded.

use crate::error::EvalError;
use crate::heap::HeapFull;

/// Why a value was not saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SaveError {
    /// A part of it is not evaluated; an evaluator must normalise it first.
    #[error("the value cannot be saved: it is not in normal form")]
    NotNormal,
    /// It has more than 2^32 - 2 distinct parts.
    #[error("the value cannot be saved: it has too many parts")]
    TooLarge,
    /// The value to save as a germ is not a pin.
    #[error("the value cannot be saved as a germ: it is not a pin")]
    NotAPin,
    /// A pin in it cannot be hashed: see [`EvalError::TooLarge`].
    #[error("the value cannot be saved: a pin in it, written out, has more than {parts} parts")]
    PinTooLarge {
        /// The largest number of parts that is allowed.
        parts: u64,
    },
    /// Another thread requested a stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<EvalError> for SaveError {
    fn from(error: EvalError) -> SaveError {
        match error {
            EvalError::TooLarge { parts } => SaveError::PinTooLarge { parts },
            _ => SaveError::Interrupted,
        }
    }
}

/// Why bytes are not a value.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a seed, at byte {offset}: {problem}")]
pub struct LoadError {
    /// The position of the problem, in bytes from the start of the input.
    pub offset: usize,
    /// The problem.
    pub problem: LoadProblem,
}

/// Why bytes are not a seed or a germ.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadProblem {
    /// The input's length is not a multiple of 8.
    #[error("the input is not a whole number of 8-byte words")]
    NotWholeWords,
    /// The input is shorter than its counts say.
    #[error("the input ends within its {0}")]
    Truncated(&'static str),
    /// The input is longer than its counts say.
    #[error("bytes follow the end of the value")]
    TrailingData,
    /// The input has no reference, and so no value.
    #[error("the input has no nat, hole or fragment, and so no value")]
    Empty,
    /// The number of holes differs from the number of pins given to fill them.
    #[error("it has {holes} holes, but {given} pins were given to fill them")]
    HoleCount {
        /// The number of holes in the input.
        holes: u64,
        /// The number of pins that were given.
        given: usize,
    },
    /// The value given to fill a hole is not a pin.
    #[error("the value for hole {0} is not a pin")]
    NotAPin(usize),
    /// A big nat with fewer than two limbs, or whose highest limb is 0.
    #[error("a big nat has leading zeroes or fits one word")]
    NotBig,
    /// A reference to a later or nonexistent part.
    #[error("it refers to part {reference}, but only {known} parts come before")]
    BadReference {
        /// The number of the part.
        reference: u64,
        /// The number of parts before it.
        known: usize,
    },
    /// A law whose name or arity is not a nat, or whose arity is 0.
    #[error("a law needs nats as its name and arity, and an arity above 0")]
    NotALaw,
    /// A function with all its arguments, which is not a value.
    #[error("a function with all its arguments is not a value")]
    NotNormal,
    /// The value exceeds the limits of heap or stack.
    #[error("{0}")]
    Eval(EvalError),
}

impl From<HeapFull> for LoadProblem {
    fn from(full: HeapFull) -> LoadProblem {
        LoadProblem::Eval(full.into())
    }
}

impl From<EvalError> for LoadProblem {
    fn from(error: EvalError) -> LoadProblem {
        LoadProblem::Eval(error)
    }
}
