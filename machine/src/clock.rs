//! Sources of time: the operating system's clocks, and a manual clock for tests.
//!
//! A machine needs two kinds of time. *Wall time* is what `%time` reports; it may be set, and then
//! jumps. *Monotonic time* measures durations: time limits, pauses, how long an event took. Both
//! come from one [`Clock`], so a test that injects a [`ManualClock`] decides when a time limit
//! expires.

mod manual;

pub use manual::ManualClock;

use crossbeam_channel::{Receiver, after, at as at_instant};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// A source of wall time and of monotonic time.
pub trait Clock: Send + Sync {
    /// The wall time now.
    fn now(&self) -> Timestamp;

    /// Returns a channel that gets one message when the wall time reaches `at`, or earlier: the
    /// receiver reads [`now`](Clock::now) again and, if need be, sets another alarm.
    fn alarm(&self, at: Timestamp) -> Receiver<Instant>;

    /// The monotonic time now. It never goes backwards, and setting the wall time does not change
    /// it.
    fn instant(&self) -> Instant;

    /// Returns a channel that gets one message when the monotonic time reaches `at`, never earlier.
    fn timer(&self, at: Instant) -> Receiver<Instant>;
}

/// The operating system's clocks.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

/// The longest sleep of an alarm. Setting the system's wall time is noticed after this time at
/// most.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn alarm(&self, at: Timestamp) -> Receiver<Instant> {
        let left = Duration::try_from(self.now().duration_until(at)).unwrap_or_default();
        after(left.min(LONGEST_SLEEP))
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self, at: Instant) -> Receiver<Instant> {
        at_instant(at)
    }
}
