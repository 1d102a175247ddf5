//! Calls of devices that do not exist, of one driver: each is answered 0, and a driver that calls
//! again and again gets its answers later and later.
//!
//! Without the delay, a driver that repeats such a call would occupy a processor for as long as the
//! machine runs. A PLAN value cannot tell the delay from a slow device.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// This many calls in a row are answered at once.
const PROMPT_CALLS: u32 = 8;
/// The delay of the answer to the first call after those. Each further delay is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(1);
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// A call that comes this long after the one before it begins a new row of calls.
const QUIET_TIME: Duration = Duration::from_secs(10);
/// The most device names of one driver that are reported.
const REPORTED_NAMES: usize = 16;

/// The calls of one driver that wait for their answer, which is 0.
#[derive(Default)]
pub(crate) struct UnknownDevices {
    reported: HashSet<Vec<u8>>,
    /// Calls in a row, each within [`QUIET_TIME`] of the one before.
    calls: u32,
    last_call: Option<Instant>,
    /// The keys of the delayed calls, by due time and serial number.
    delayed: BTreeMap<(Instant, u64), u64>,
}

/// A call of a device that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DelayedCall {
    pub(crate) key: u64,
    pub(crate) serial: u64,
}

impl UnknownDevices {
    /// Returns whether a call of the device `name` is to be reported: each name is, once.
    pub(crate) fn is_new(&mut self, name: &[u8]) -> bool {
        self.reported.len() < REPORTED_NAMES && self.reported.insert(name.to_vec())
    }

    /// Adds a call, made at the time `now`. Its answer is due at once or after a delay: at the time
    /// that is returned.
    pub(crate) fn add(&mut self, call: DelayedCall, now: Instant) -> Instant {
        let is_first = self.last_call.is_none_or(|last| now.duration_since(last) > QUIET_TIME);
        self.calls = if is_first { 0 } else { self.calls.saturating_add(1) };
        self.last_call = Some(now);
        let delay = match self.calls.checked_sub(PROMPT_CALLS) {
            None => Duration::ZERO,
            Some(doublings) => {
                FIRST_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_DELAY)
            }
        };
        self.delayed.insert((now + delay, call.serial), call.key);
        now + delay
    }

    /// Removes a call whose answer is due at the time `now`. The driver may have cancelled it.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<DelayedCall> {
        let first = self.delayed.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, serial), key) = first.remove_entry();
        Some(DelayedCall { key, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delay of a call at the time `now`.
    fn delay(unknown: &mut UnknownDevices, now: Instant, serial: u64) -> Duration {
        let due = unknown.add(DelayedCall { key: 5, serial }, now);
        assert_eq!(unknown.take_due(due), Some(DelayedCall { key: 5, serial }));
        assert_eq!(unknown.take_due(due + LONGEST_DELAY), None);
        due - now
    }

    #[test]
    fn the_delay_grows_to_a_second_and_ends_when_the_driver_is_quiet() {
        let mut unknown = UnknownDevices::default();
        let mut now = Instant::now();
        let delays: Vec<u128> = (0..20)
            .map(|serial| {
                let delay = delay(&mut unknown, now, serial);
                now += delay;
                delay.as_millis()
            })
            .collect();
        assert_eq!(delays[..8], [0; 8]);
        assert_eq!(delays[8..], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000]);
        now += QUIET_TIME + Duration::from_nanos(1);
        assert_eq!(delay(&mut unknown, now, 20), Duration::ZERO);
    }

    #[test]
    fn each_name_is_reported_once_and_not_more_than_sixteen() {
        let mut unknown = UnknownDevices::default();
        assert!(unknown.is_new(b"a") && unknown.is_new(b"b"));
        assert!(!unknown.is_new(b"a") && !unknown.is_new(b"b"));
        let reported = (0..100_u8).filter(|byte| unknown.is_new(&[*byte])).count();
        assert_eq!(reported, REPORTED_NAMES - 2);
    }
}
