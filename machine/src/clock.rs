//! Sources of time: the operating system's clocks, and a manual clock for tests.
//!
//! A machine needs three kinds of time. *Wall time* is what `%time` reports; it may be set, and
//! then jumps. *Monotonic time* measures durations: pauses, how long an event took. *CPU time* is
//! what a thread has computed; time limits are limits of CPU time, so that an evaluation is not
//! ended because the process was stopped or other processes had the processor. All come from one
//! [`Clock`], so a test that injects a [`ManualClock`] decides when a time limit expires.

mod manual;

pub use manual::ManualClock;
pub use plan::platform::ThreadCpuClock;

use crossbeam_channel::{Receiver, after, at as at_instant};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A source of wall time, of monotonic time, and of the CPU time of threads.
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

    /// A [`timer`](Clock::timer) for the end of a slice of an evaluation, after which another one has
    /// its turn. A clock for tests keeps such timers apart.
    fn slice_timer(&self, at: Instant) -> Receiver<Instant> {
        self.timer(at)
    }

    /// How long a thread that waits for the monotonic time `at` may sleep by the system's clock. None:
    /// the thread is woken by [`wake_at`](Clock::wake_at) instead.
    fn sleep_until(&self, at: Instant) -> Option<Duration> {
        Some(at.saturating_duration_since(self.instant()))
    }

    /// Calls `wake` when the monotonic time reaches `at`, if [`sleep_until`](Clock::sleep_until)
    /// returns no time.
    fn wake_at(&self, at: Instant, wake: Arc<dyn Fn() + Send + Sync>) {
        drop((at, wake));
    }

    /// The CPU time that a thread has used. None if the thread has ended. The CPU time of a thread
    /// grows at most as fast as the monotonic time.
    fn cpu_time(&self, clock: ThreadCpuClock) -> Option<Duration>;
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

    fn cpu_time(&self, clock: ThreadCpuClock) -> Option<Duration> {
        clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn used(clock: ThreadCpuClock) -> Duration {
        SystemClock.cpu_time(clock).expect("the thread runs")
    }

    #[test]
    fn the_cpu_time_of_a_thread_is_what_it_computes() {
        let own = ThreadCpuClock::of_current_thread();
        let before = used(own);
        // Another thread reads the clock, while this one computes.
        thread::scope(|scope| {
            let reader = scope.spawn(|| while used(own) < before + Duration::from_millis(20) {});
            while !reader.is_finished() {
                std::hint::black_box(used(own));
            }
        });
        assert!(used(own) >= before + Duration::from_millis(20));
    }

    #[test]
    fn a_thread_that_waits_uses_no_cpu_time() {
        let (to_thread, inbox) = crossbeam_channel::bounded::<()>(0);
        let (sender, waiting) = crossbeam_channel::bounded(0);
        let thread = thread::spawn(move || {
            sender.send(ThreadCpuClock::of_current_thread()).expect("the test waits");
            let _ = inbox.recv();
        });
        let clock = waiting.recv().expect("the thread runs");
        let own = ThreadCpuClock::of_current_thread();
        let before = (used(own), used(clock));
        while used(own) < before.0 + Duration::from_millis(200) {}
        assert!(used(clock) < before.1 + Duration::from_millis(100));
        drop(to_thread);
        thread.join().expect("it ends");
        // The system may keep the thread for a moment after `join`.
        while SystemClock.cpu_time(clock).is_some() {
            thread::yield_now();
        }
    }

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
