//! The values of cheap thunks, for compiled code that was written for evaluated values.
//!
//! Compiled code computes a value at once if the values that it depends on are evaluated, and makes a thunk
//! otherwise. A thunk that the interpreter made before there was compiled code would so make thunks of all that
//! depends on it: the items of a row, those of the next row, and so on. So compiled code asks for the thunk's
//! value first, which the interpreter finds [cheaply](crate::eval) or not at all.

use crate::vm::Vm;
use plan::EvalError;
use plan::raw::Word;

/// After this number of instructions of the interpreter that came to nothing, in attempts in a row, attempts
/// pause.
const WASTE_LIMIT: u32 = 2048;
/// The number of attempts that are skipped in a pause.
const PAUSE: u32 = 256;

/// How attempts to find a cheap value went.
#[derive(Default)]
pub(super) struct CheapAttempts {
    /// The number of instructions in the attempts that came to nothing since one that did not.
    wasted: u32,
    /// The number of attempts that are still to be skipped.
    paused: u32,
}

impl CheapAttempts {
    /// Whether an attempt is to be made.
    fn is_due(&mut self) -> bool {
        let is_due = self.paused == 0;
        self.paused = self.paused.saturating_sub(1);
        is_due
    }

    fn note(&mut self, instructions: u32, succeeded: bool) {
        self.wasted = if succeeded { 0 } else { self.wasted + instructions };
        if self.wasted > WASTE_LIMIT {
            *self = CheapAttempts { wasted: 0, paused: PAUSE };
        }
    }
}

/// The value of a thunk if that is cheap, else the thunk.
pub(super) fn cheap_value(vm: &mut Vm, word: u64) -> Result<u64, EvalError> {
    if !vm.heap.host.native.cheap_attempts.is_due() {
        return Ok(word);
    }
    let (value, instructions) = vm.cheap_value(Word::from_bits(word))?;
    vm.heap.host.native.cheap_attempts.note(instructions, !value.is_thunk());
    Ok(value.raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_pause_after_much_work_for_nothing() {
        let mut attempts = CheapAttempts::default();
        for attempt in 0..1000 {
            assert!(attempts.is_due());
            attempts.note(WASTE_LIMIT, attempt % 2 == 1);
        }
        attempts.note(0, true);
        for _ in 0..=WASTE_LIMIT {
            assert!(attempts.is_due());
            attempts.note(1, false);
        }
        let skipped = (0..).take_while(|_| !attempts.is_due()).count();
        assert_eq!(skipped, PAUSE as usize);
    }
}
