//! The pauses of a driver that fails again and again.

use std::time::{Duration, Instant};

/// A driver that fails again within this time after it was restarted pauses before it restarts.
const BACKOFF_WINDOW: Duration = Duration::from_secs(10);
/// The first pause. Each further one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The failures of one driver.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct RestartBackoff {
    /// Failures in a row, each within [`BACKOFF_WINDOW`] of the restart before.
    failures: u32,
    last_restart: Option<Instant>,
}

impl RestartBackoff {
    /// Counts a failure at the time `now`. Returns how long the driver pauses before it restarts;
    /// None if it restarts at once.
    pub(super) fn count_failure(&mut self, now: Instant) -> Option<Duration> {
        // The time since the restart, without the pause before it: otherwise a pause as long as the
        // window would count as a time without failures.
        let is_first =
            self.last_restart.is_none_or(|last| now.duration_since(last) > BACKOFF_WINDOW);
        self.failures = if is_first { 0 } else { self.failures.saturating_add(1) };
        let doublings = self.failures.checked_sub(1)?;
        Some(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE))
    }

    /// Notes that the driver restarts at the time `now`.
    pub(super) fn restarted(&mut self, now: Instant) {
        self.last_restart = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_again_after_a_quiet_time() {
        let mut backoff = RestartBackoff::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let pause = backoff.count_failure(now).unwrap_or_default();
            pauses.push(pause.as_millis());
            now += pause;
            backoff.restarted(now);
            now += BACKOFF_WINDOW;
        }
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        now += Duration::from_nanos(1);
        assert_eq!(backoff.count_failure(now), None);
    }
}
