//! [`CheapAttempts`]: when compiled code may ask for the [values of cheap thunks](super::cheap_values).

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
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.paused == 0;
        self.paused = self.paused.saturating_sub(1);
        is_due
    }

    /// Notes an attempt, and the number of instructions in it.
    pub(super) fn note(&mut self, instructions: u32, succeeded: bool) {
        self.wasted = if succeeded { 0 } else { self.wasted + instructions };
        if self.wasted > WASTE_LIMIT {
            *self = CheapAttempts { wasted: 0, paused: PAUSE };
        }
    }
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
