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
use std::time::{Duration, Instant, SystemTime};

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

/// Returns a time as a timestamp. A time outside of the years -9999 to 9999, which a clock may be
/// set to, becomes the nearest one inside.
fn timestamp(time: SystemTime) -> Timestamp {
    let is_late = time > SystemTime::UNIX_EPOCH;
    let nearest = if is_late { Timestamp::MAX } else { Timestamp::MIN };
    Timestamp::try_from(time).unwrap_or(nearest)
}

/// The operating system's clocks.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

/// The longest sleep of an alarm. Setting the system's wall time is noticed after this time at
/// most.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_to_any_time_gives_a_timestamp() {
        let year = Duration::from_secs(366 * 24 * 3600);
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(timestamp(epoch + Duration::from_secs(7)).as_second(), 7);
        assert_eq!(timestamp(epoch - Duration::from_secs(7)).as_second(), -7);
        assert_eq!(timestamp(epoch + 9000 * year), Timestamp::MAX);
        assert_eq!(timestamp(epoch - 13_000 * year), Timestamp::MIN);
        // Deadlines and texts are made of such times.
        for time in [Timestamp::MAX, Timestamp::MIN] {
            assert!(Duration::try_from(time.duration_until(Timestamp::MAX)).is_ok());
            assert!(!format!("{time:.9}").is_empty());
        }
    }
}
