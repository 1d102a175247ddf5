//! The timers of one driver thread.

use crate::clock::Clock;
use crate::mailbox::Doorbell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When which driver is to be looked at.
#[derive(Default)]
pub(super) struct DriverTimers {
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    /// The time at which a clock that wakes the thread does so.
    wakes_at: Option<Instant>,
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

    /// How long the thread with this doorbell may sleep by the system's clock. None: until it is
    /// woken. A clock that wakes threads rings when the earliest timer is due.
    pub(super) fn sleep(
        &mut self,
        clock: &dyn Clock,
        doorbell: &Arc<Doorbell>,
    ) -> Option<Duration> {
        let Reverse((earliest, _)) = *self.due.peek()?;
        let time = clock.sleep_until(earliest);
        if time.is_none() && self.wakes_at != Some(earliest) {
            self.wakes_at = Some(earliest);
            let doorbell = Arc::clone(doorbell);
            clock.wake_at(earliest, Arc::new(move || doorbell.ring()));
        }
        time
    }
}
