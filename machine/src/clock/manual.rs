//! A clock that a test moves.

use super::{Clock, ThreadCpuClock};
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A clock for tests. [`advance`](ManualClock::advance) moves its wall time, its monotonic time and
/// the CPU time of every thread together; [`stop_for`](ManualClock::stop_for) moves all but the CPU
/// time. Nothing else moves the monotonic time or the CPU time.
pub struct ManualClock {
    state: Mutex<ManualState>,
    timer_set: Condvar,
    jumps_to_alarms: bool,
}

/// Timers, and what happens when they are due.
type TimerList = Vec<(Instant, TimerTarget)>;

enum TimerTarget {
    /// The channel gets a message.
    Channel(Sender<Instant>),
    /// The function is called.
    Wake(Arc<dyn Fn() + Send + Sync>),
}

struct ManualState {
    now: Timestamp,
    alarms: Vec<(Timestamp, Sender<Instant>)>,
    instant: Instant,
    /// Of every thread.
    cpu_time: Duration,
    timers: TimerList,
    /// Timers for the ends of slices.
    slice_timers: TimerList,
}

impl ManualClock {
    /// A clock that only [`advance`](ManualClock::advance) moves.
    pub fn standing(now: Timestamp) -> ManualClock {
        let instant = Instant::now();
        let (alarms, timers, slice_timers) = (Vec::new(), Vec::new(), Vec::new());
        let cpu_time = Duration::ZERO;
        let state = ManualState { now, alarms, instant, cpu_time, timers, slice_timers };
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
        let timers = [&mut state.timers, &mut state.slice_timers]
            .into_iter()
            .flat_map(|timers| timers.extract_if(.., |(at, _)| *at <= instant))
            .map(|(_, target)| target);
        for target in alarms.map(TimerTarget::Channel).chain(timers) {
            match target {
                // The receiver may have stopped waiting for another reason.
                TimerTarget::Channel(sender) => drop(sender.try_send(instant)),
                TimerTarget::Wake(wake) => wake(),
            }
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

impl ManualClock {
    /// Sets a timer, in one of the lists.
    fn add_timer(
        &self,
        at: Instant,
        list: fn(&mut ManualState) -> &mut TimerList,
    ) -> Receiver<Instant> {
        let state = &mut *self.state.lock();
        let (sender, receiver) = bounded(1);
        if at <= state.instant {
            // The channel is new and has room for one message.
            let _ = sender.try_send(state.instant);
        } else {
            list(state).push((at, TimerTarget::Channel(sender)));
            self.timer_set.notify_all();
        }
        receiver
    }

    /// Waits until a slice of an evaluation has begun, but at most two seconds of real time: an
    /// evaluation may end before its slice is noticed.
    pub fn wait_for_slice(&self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut state = self.state.lock();
        while state.slice_timers.is_empty() {
            if self.timer_set.wait_for(&mut state, PATIENCE).timed_out() {
                return;
            }
        }
    }

    /// Moves the clock to the end of each slice of an evaluation as soon as the slice has begun,
    /// until `is_enough` returns true: so evaluations take turns, whatever time they take.
    pub fn end_slices_until(&self, is_enough: impl Fn() -> bool) {
        /// How often `is_enough` is asked while no slice begins.
        const INTERVAL: Duration = Duration::from_millis(1);
        while !is_enough() {
            let mut state = self.state.lock();
            if state.slice_timers.is_empty() {
                self.timer_set.wait_for(&mut state, INTERVAL);
            }
            let first = state.slice_timers.iter().map(|(at, _)| *at).min();
            let left = first.map(|at| at.saturating_duration_since(state.instant));
            drop(state);
            if let Some(left) = left {
                self.advance(left);
            }
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
        self.add_timer(at, |state| &mut state.timers)
    }

    fn slice_timer(&self, at: Instant) -> Receiver<Instant> {
        self.add_timer(at, |state| &mut state.slice_timers)
    }

    fn sleep_until(&self, _: Instant) -> Option<Duration> {
        None
    }

    fn wake_at(&self, at: Instant, wake: Arc<dyn Fn() + Send + Sync>) {
        let state = &mut *self.state.lock();
        if at <= state.instant {
            wake();
        } else {
            state.timers.push((at, TimerTarget::Wake(wake)));
            self.timer_set.notify_all();
        }
    }

    fn cpu_time(&self, _: ThreadCpuClock) -> Option<Duration> {
        Some(self.state.lock().cpu_time)
    }
}
