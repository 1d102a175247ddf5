//! Where the time comes from: the system, or a test.

use crossbeam_channel::{Receiver, Sender, after, bounded};
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A source of wall time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// A channel that gets one message when that time has come, or earlier: whoever receives it
    /// looks at the clock again.
    fn alarm(&self, at: Timestamp) -> Receiver<Instant>;
}

/// The system's clock.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

/// The longest sleep, so that a clock that is set is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn alarm(&self, at: Timestamp) -> Receiver<Instant> {
        let left = Duration::try_from(self.now().duration_until(at)).unwrap_or_default();
        after(left.min(LONGEST_SLEEP))
    }
}

/// A clock for tests. It stands still until it is moved, or until somebody sleeps if it leaps.
pub struct ManualClock {
    state: Mutex<ManualState>,
    leaps: bool,
}

struct ManualState {
    now: Timestamp,
    alarms: Vec<(Timestamp, Sender<Instant>)>,
}

impl ManualClock {
    /// A clock that only [`advance`](ManualClock::advance) moves.
    pub fn standing(now: Timestamp) -> ManualClock {
        ManualClock { state: Mutex::new(ManualState { now, alarms: Vec::new() }), leaps: false }
    }

    /// A clock that jumps to any time that somebody wants to sleep until.
    pub fn leaping(now: Timestamp) -> ManualClock {
        ManualClock { leaps: true, ..ManualClock::standing(now) }
    }

    /// Moves the clock forward, and wakes those who slept until then.
    pub fn advance(&self, by: Duration) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.checked_add(by).unwrap_or(Timestamp::MAX);
        let now = state.now;
        for (_, alarm) in state.alarms.extract_if(.., |(at, _)| *at <= now) {
            // The sleeper may have been woken by something else and be gone.
            let _ = alarm.try_send(Instant::now());
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn alarm(&self, at: Timestamp) -> Receiver<Instant> {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.leaps {
            state.now = state.now.max(at);
        }
        let (sender, receiver) = bounded(1);
        if at <= state.now {
            // Room for one message was just made.
            let _ = sender.try_send(Instant::now());
        } else {
            state.alarms.push((at, sender));
        }
        receiver
    }
}
