//! Poisoned thunks: thunks whose evaluation ended without a value.
//!
//! A crash is part of PLAN's meaning, so the thunk keeps its operation and argument. Any other
//! error is kept as a number, because an object holds words only.

use plan::EvalError;
use plan::raw::{MAX_PARTS, Word};

const STACK_OVERFLOW: u64 = 0;
const OUT_OF_MEMORY: u64 = 1;
const INTERRUPTED: u64 = 2;
const TOO_LARGE: u64 = 3;

/// The number that an `Aborted` thunk keeps of an error; `None` for an error that it cannot be
/// poisoned with: a crash has a layout of its own, and a loop is found again by evaluating again.
pub(super) fn abort_number(error: &EvalError) -> Option<Word> {
    let number = match error {
        EvalError::Crash { .. } | EvalError::Loop => return None,
        EvalError::StackOverflow => STACK_OVERFLOW,
        EvalError::OutOfMemory => OUT_OF_MEMORY,
        // Damage is checked when an evaluation ends, so a thunk need not remember it.
        EvalError::Interrupted | EvalError::Damaged { .. } => INTERRUPTED,
        EvalError::TooLarge { .. } => TOO_LARGE,
    };
    Some(Word::direct(number))
}

/// The error for the number that an `Aborted` thunk keeps.
pub(super) fn abort_error(number: Word) -> EvalError {
    match number.raw() {
        STACK_OVERFLOW => EvalError::StackOverflow,
        OUT_OF_MEMORY => EvalError::OutOfMemory,
        TOO_LARGE => EvalError::TooLarge { parts: MAX_PARTS },
        _ => EvalError::Interrupted,
    }
}
