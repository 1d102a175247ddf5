//! A clock that a test moves.

use super::{Clock, CpuClockId};
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// A clock for tests. [`advance`](ManualClock::advance) moves its wall time, its monotonic time and
/// the CPU time of every thread together; [`stop_for`](ManualClock::stop_for) moves all but the CPU
/// time. Nothing else moves the monotonic time or the CPU time.
pub struct ManualClock {
    state: Mutex<ManualState>,
    timer_set: Condvar,
    jumps_to_alarms: bool,
}

struct ManualState {
    now: Timestamp,
    alarms: Vec<(Timestamp, Sender<Instant>)>,
    instant: Instant,
    /// Of every thread.
    cpu_time: Duration,
    timers: Vec<(Instant, Sender<Instant>)>,
}

impl ManualClock {
    /// A clock that only [`advance`](ManualClock::advance) moves.
    pub fn standing(now: Timestamp) -> ManualClock {
        let instant = Instant::now();
        let (cpu_time, alarms, timers) = (Duration::ZERO, Vec::new(), Vec::new());
        let state = ManualState { now, alarms, instant, cpu_time, timers };
        ManualClock { state: Mutex::new(state), timer_set: Condvar::new(), jumps_to_alarms: false }
    }

    /// A clock whose wall time jumps to the time of every alarm that is set, so that no thread
    /// waits.
    pub fn leaping(now: Timestamp) -> ManualClock {
        ManualClock { jumps_to_alarms: true, ..ManualClock::standing(now) }
    }

    /// Moves the clock forward, as if every thread computed for this time. Sends the messages of
    /// the alarms and timers that become due.
    pub fn advance(&self, by: Duration) {
        self.move_forward(by, by);
    }

    /// Moves the clock forward, as if the process were stopped for this time: no thread uses CPU
    /// time.
    pub fn stop_for(&self, by: Duration) {
        self.move_forward(by, Duration::ZERO);
    }

    fn move_forward(&self, by: Duration, computed: Duration) {
        let state = &mut *self.state.lock();
        state.cpu_time += computed;
        state.now = state.now.checked_add(by).unwrap_or(Timestamp::MAX);
        state.instant += by;
        let (now, instant) = (state.now, state.instant);
        let alarms = state.alarms.extract_if(.., |(at, _)| *at <= now).map(|(_, sender)| sender);
        let timers =
            state.timers.extract_if(.., |(at, _)| *at <= instant).map(|(_, sender)| sender);
        for sender in alarms.chain(timers) {
            // The receiver may have stopped waiting for another reason.
            let _ = sender.try_send(instant);
        }
    }

    /// Blocks until a timer is set that becomes due within `limit` from now, and returns how long
    /// from now that is. A test calls it to be sure that another thread has begun to wait.
    pub fn wait_for_timer(&self, limit: Duration) -> Duration {
        let mut state = self.state.lock();
        loop {
            let latest = state.instant + limit;
            if let Some(at) =
                state.timers.iter().map(|(at, _)| *at).filter(|at| *at <= latest).min()
            {
                return at - state.instant;
            }
            self.timer_set.wait(&mut state);
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().now
    }

    fn alarm(&self, at: Timestamp) -> Receiver<Instant> {
        let state = &mut *self.state.lock();
        if self.jumps_to_alarms {
            state.now = state.now.max(at);
        }
        let (sender, receiver) = bounded(1);
        if at <= state.now {
            // The channel is new and has room for one message.
            let _ = sender.try_send(state.instant);
        } else {
            state.alarms.push((at, sender));
        }
        receiver
    }

    fn instant(&self) -> Instant {
        self.state.lock().instant
    }

    fn timer(&self, at: Instant) -> Receiver<Instant> {
        let state = &mut *self.state.lock();
        let (sender, receiver) = bounded(1);
        if at <= state.instant {
            // The channel is new and has room for one message.
            let _ = sender.try_send(state.instant);
        } else {
            state.timers.push((at, sender));
            self.timer_set.notify_all();
        }
        receiver
    }

    fn cpu_time(&self, _: CpuClockId) -> Option<Duration> {
        Some(self.state.lock().cpu_time)
    }
}
