//! Where the calls of one driver run: in the runtime that it shares with others, or in a private
//! one.

use crate::settings::DriverSettings;
use std::time::Duration;

/// This many long calls in a row move a driver to a private runtime.
const MAX_LONG_CALLS: u8 = 4;

/// The policy of one driver. It affects where and when a call runs, never its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    is_private: bool,
    /// Long calls in a row in the shared runtime.
    long_calls: u8,
    /// Short calls in a row in a private runtime.
    short_calls: u32,
    /// How many short calls in a row return the driver to the shared runtime.
    return_after: u32,
    /// A call that takes longer is long.
    long_call: Duration,
}

impl Placement {
    /// The policy of a driver that starts in the shared runtime.
    pub(super) fn new(settings: &DriverSettings) -> Placement {
        let DriverSettings { return_after, long_call, .. } = *settings;
        Placement { is_private: false, long_calls: 0, short_calls: 0, return_after, long_call }
    }

    /// Whether the next call runs in a private runtime.
    pub(super) fn is_private(self) -> bool {
        self.is_private
    }

    /// Moves the driver to a private runtime, because a call or the state is too large for the
    /// shared one.
    pub(super) fn move_to_private(&mut self) {
        self.is_private = true;
        self.long_calls = 0;
        self.short_calls = 0;
    }

    /// Counts a call that has ended in the shared runtime.
    pub(super) fn count_shared_call(&mut self, took: Duration) {
        self.long_calls = if took > self.long_call { self.long_calls + 1 } else { 0 };
        if self.long_calls >= MAX_LONG_CALLS {
            self.move_to_private();
        }
    }

    /// Counts a call that has ended in a private runtime. Returns whether the driver is to return
    /// to the shared runtime, if its state is small.
    pub(super) fn count_private_call(&mut self, took: Duration) -> bool {
        self.short_calls =
            if took > self.long_call { 0 } else { self.short_calls.saturating_add(1) };
        self.short_calls >= self.return_after
    }

    /// Moves the driver back to the shared runtime.
    pub(super) fn move_to_shared(&mut self) {
        self.is_private = false;
        self.short_calls = 0;
    }

    /// Keeps the driver in its private runtime, because its state is large. The next attempt to
    /// move it back comes after twice as many calls.
    pub(super) fn stay_private(&mut self) {
        self.short_calls = 0;
        self.return_after = self.return_after.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_millis(6);

    fn placement(return_after: u32) -> Placement {
        Placement::new(&DriverSettings { return_after, ..DriverSettings::default() })
    }

    #[test]
    fn long_calls_in_a_row_move_a_driver_and_short_ones_return_it() {
        let mut placement = placement(3);
        for took in [LONG, LONG, LONG, SHORT, LONG, LONG, LONG] {
            placement.count_shared_call(took);
            assert!(!placement.is_private());
        }
        placement.count_shared_call(LONG);
        assert!(placement.is_private());
        let is_over = [SHORT, SHORT, LONG, SHORT, SHORT, SHORT]
            .map(|took| placement.count_private_call(took));
        assert_eq!(is_over, [false, false, false, false, false, true]);
        placement.move_to_shared();
        assert!(!placement.is_private());
    }

    #[test]
    fn a_large_state_is_looked_at_less_and_less_often() {
        let mut placement = placement(2);
        placement.move_to_private();
        for calls in [2, 4, 8] {
            assert!((1..calls).all(|_| !placement.count_private_call(SHORT)));
            assert!(placement.count_private_call(SHORT));
            placement.stay_private();
        }
    }
}
