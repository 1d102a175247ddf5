//! The timers of one driver thread: one channel for the earliest, a heap for all.

use crate::clock::Clock;
use crossbeam_channel::{Receiver, never};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// When which driver is to be looked at.
pub(super) struct DriverTimers {
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    /// The clock's timer that was set last, and its time.
    set: Option<(Instant, Receiver<Instant>)>,
    never: Receiver<Instant>,
}

impl Default for DriverTimers {
    fn default() -> DriverTimers {
        DriverTimers { due: BinaryHeap::new(), set: None, never: never() }
    }
}

impl DriverTimers {
    /// Adds a timer of the driver with this number.
    pub(super) fn add(&mut self, at: Instant, worker: u64) {
        self.due.push(Reverse((at, worker)));
    }

    /// Whether there is no timer.
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Removes a timer that is due at the time `now`, and returns its driver.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<u64> {
        let Reverse((at, worker)) = *self.due.peek()?;
        if at > now {
            return None;
        }
        self.due.pop();
        Some(worker)
    }

    /// A channel that gets a message when the earliest timer is due.
    pub(super) fn channel(&mut self, clock: &dyn Clock) -> &Receiver<Instant> {
        let Some(Reverse((earliest, _))) = self.due.peek() else { return &self.never };
        let set = match self.set.take() {
            Some(set) if set.0 == *earliest => set,
            _ => (*earliest, clock.timer(*earliest)),
        };
        &self.set.insert(set).1
    }
}
