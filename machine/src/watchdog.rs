//! Time limits of evaluations: one thread interrupts the evaluations that exceed theirs.
//!
//! A limit counts the CPU time of the evaluating thread. That time grows at most as fast as the
//! monotonic time, so the watchdog's thread sleeps until a limit can be exceeded at the earliest,
//! reads the CPU time of the evaluating thread, and sleeps again if the evaluation has time left: a
//! process that was stopped loses nothing. Only the deadline of a shutdown is a time by the
//! monotonic clock.
//!
//! An evaluation that can be suspended is watched while it runs, in *slices*: its watch is paused
//! in between, so its limit counts only its own CPU time. A slice may have an end, by the monotonic
//! clock, at which the thread requests that the evaluation is suspended.
//!
//! The thread sleeps without a timer while nothing is watched.
//! When a watch ends, the thread is not notified: the timer may wake it once without work to do,
//! which is cheaper than a message for each evaluation. A timer stays set when the evaluation that
//! it was set for has ended, so that short evaluations, one after the other, do not each set one.
//!
//! Lock order: `deadlines` is the only lock, and no other is taken while it is held except a
//! clock's.

use crate::clock::{Clock, ThreadCpuClock};
use crate::error::SystemError;
use crossbeam_channel::{Receiver, Sender, bounded, never, select};
use parking_lot::Mutex;
use plan::{InterruptHandle, Map};
use std::cell::Cell;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the thread sleeps at least while an evaluation that has not exceeded its limit is
/// watched. An evaluation may exceed its limit by as much.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// How old a reading of a thread's CPU clock may be. A reading costs a system call, and most
/// evaluations take a few microseconds. An evaluation may exceed its limit by as much.
const READING_AGE: Duration = Duration::from_millis(1);

/// The most threads whose readings are kept. Threads that have ended may be among them.
const MOST_READINGS: usize = 256;

/// Why a watched evaluation was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interruption {
    /// It exceeded its time limit.
    TimeLimit,
    /// It was still running at the deadline of the machine's shutdown.
    Shutdown,
}

/// An evaluation.
struct Watched {
    /// The clock of the evaluating thread.
    cpu_clock: ThreadCpuClock,
    /// The CPU time that the evaluation may still use when it is resumed. None if there is no
    /// limit.
    cpu_left: Option<Duration>,
    /// Whether the evaluation is suspended.
    is_paused: bool,
    /// When the thread's clock exceeds the limit. None if there is no limit.
    cpu_deadline: Option<Duration>,
    /// The monotonic time at which the limit can be exceeded at the earliest. None if it cannot be
    /// exceeded.
    check_at: Option<Instant>,
    /// When the evaluation is to be suspended.
    suspend_at: Option<Instant>,
    interrupt: InterruptHandle,
    /// Why the evaluation was interrupted, if it was.
    interrupted: Option<Interruption>,
}

impl Watched {
    /// Starts to count the CPU time of the calling thread, which has used at most `used`.
    fn begin(&mut self, used: Option<Duration>, now: Instant, slice: Option<Duration>) {
        self.is_paused = false;
        self.cpu_deadline = self.cpu_left.zip(used).and_then(|(left, used)| used.checked_add(left));
        self.check_at = self.cpu_left.and_then(|left| now.checked_add(left));
        self.suspend_at = slice.and_then(|slice| now.checked_add(slice));
    }

    /// Stops counting.
    fn pause(&mut self, clock: &dyn Clock) {
        self.is_paused = true;
        if let Some(deadline) = self.cpu_deadline {
            let used = clock.cpu_time(self.cpu_clock);
            self.cpu_left = used.map(|used| deadline.saturating_sub(used)).or(self.cpu_left);
        }
        if self.interrupted.is_some() {
            // The request must not hit the evaluation that runs next.
            self.interrupt.withdraw_stop();
        }
    }

    /// Requests a suspension if the slice has ended.
    fn end_slice(&mut self, now: Instant) {
        if self.suspend_at.is_some_and(|at| at <= now) {
            self.suspend_at = None;
            self.interrupt.request_suspension();
        }
    }

    /// Whether the evaluation has exceeded its limit. If not, sets when to look again.
    fn has_exceeded_limit(&mut self, clock: &dyn Clock, now: Instant) -> bool {
        let (Some(check_at), Some(deadline)) = (self.check_at, self.cpu_deadline) else {
            return false;
        };
        if now < check_at {
            return false;
        }
        // The clock of a thread that has ended cannot be read.
        let left = clock.cpu_time(self.cpu_clock).map(|used| deadline.saturating_sub(used));
        self.check_at = left.and_then(|left| now.checked_add(left.max(SHORTEST_SLEEP)));
        left == Some(Duration::ZERO)
    }
}

#[derive(Default)]
struct Deadlines {
    watched: Map<u64, Watched>,
    next_number: u64,
    /// The last readings of the threads' CPU clocks, and when they were made.
    readings: Map<ThreadCpuClock, (Instant, Duration)>,
    /// When every evaluation is to be over.
    shutdown: Option<Instant>,
    /// The timers that the thread sleeps until.
    wakes_at: WakeTimes,
}

/// When the watchdog's thread looks at the evaluations again.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct WakeTimes {
    /// For the limits and the shutdown.
    limit: Option<Instant>,
    /// For the ends of slices.
    slice: Option<Instant>,
}

impl WakeTimes {
    /// The earlier of each two times.
    fn or_earlier(self, other: WakeTimes) -> WakeTimes {
        let earlier = |a: Option<Instant>, b| a.into_iter().chain(b).min();
        WakeTimes {
            limit: earlier(self.limit, other.limit),
            slice: earlier(self.slice, other.slice),
        }
    }

    /// The times that are still to come.
    fn after(self, now: Instant) -> WakeTimes {
        let to_come = |at: Option<Instant>| at.filter(|at| *at > now);
        WakeTimes { limit: to_come(self.limit), slice: to_come(self.slice) }
    }
}

impl Deadlines {
    /// The most CPU time that a thread can have used by now: its clock grows at most as fast as the
    /// monotonic time. None if the clock cannot be read.
    fn cpu_time_at_most(
        &mut self,
        clock: &dyn Clock,
        thread: ThreadCpuClock,
        now: Instant,
    ) -> Option<Duration> {
        if let Some((at, used)) = self.readings.get(&thread)
            && let Some(since) = now.checked_duration_since(*at)
            && since <= READING_AGE
        {
            return Some(*used + since);
        }
        if self.readings.len() >= MOST_READINGS {
            self.readings.clear();
        }
        let used = clock.cpu_time(thread)?;
        self.readings.insert(thread, (now, used));
        Some(used)
    }

    /// Interrupts the evaluations whose time is over. Returns when to look at the others.
    fn interrupt_expired(&mut self, clock: &dyn Clock) -> WakeTimes {
        let now = clock.instant();
        let shutdown = self.shutdown;
        let mut earliest = WakeTimes::default();
        let running = |watched: &&mut Watched| watched.interrupted.is_none() && !watched.is_paused;
        for watched in self.watched.values_mut().filter(running) {
            watched.interrupted = if shutdown.is_some_and(|at| at <= now) {
                Some(Interruption::Shutdown)
            } else if watched.has_exceeded_limit(clock, now) {
                Some(Interruption::TimeLimit)
            } else {
                watched.end_slice(now);
                let limits = [earliest.limit, shutdown, watched.check_at];
                earliest.limit = limits.into_iter().flatten().min();
                let slices = [earliest.slice, watched.suspend_at];
                earliest.slice = slices.into_iter().flatten().min();
                continue;
            };
            watched.interrupt.request_stop();
        }
        earliest
    }
}

/// Watches evaluations. See the module's overview.
pub(crate) struct Watchdog {
    clock: Arc<dyn Clock>,
    deadlines: Arc<Mutex<Deadlines>>,
    /// Wakes the thread. Dropping it ends the thread.
    waker: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts a watchdog that measures by `clock`. Its thread ends when it is dropped.
    ///
    /// # Errors
    /// The system refuses to start the thread.
    pub(crate) fn start(clock: &Arc<dyn Clock>) -> Result<Watchdog, SystemError> {
        let clock = Arc::clone(clock);
        let deadlines = Arc::<Mutex<Deadlines>>::default();
        // One message is enough: it makes the thread look at all deadlines.
        let (waker, wakes) = bounded(1);
        let (thread_clock, thread_deadlines) = (Arc::clone(&clock), Arc::clone(&deadlines));
        let thread = thread::Builder::new()
            .name("pallas-watchdog".into())
            .spawn(move || run(&*thread_clock, &thread_deadlines, &wakes))
            .map_err(SystemError::new("start a thread"))?;
        Ok(Watchdog { clock, deadlines, waker: Some(waker), thread: Some(thread) })
    }

    /// Requests a stop when the calling thread has used more CPU time than `limit` from now on, unless
    /// the watch is finished before. Without a limit, only a shutdown requests it.
    pub(crate) fn watch(&self, interrupt: &InterruptHandle, limit: Option<Duration>) -> Watch<'_> {
        let number = self.add(interrupt.clone(), limit);
        self.begin(number, None);
        Watch { watchdog: self, number, interrupt: interrupt.clone() }
    }

    /// Watches an evaluation that can be suspended, whose slices the calling thread will begin with
    /// [`SlicedWatch::begin`]. The evaluation is stopped when its slices have
    /// used more CPU time than `limit`, or at a shutdown.
    pub(crate) fn watch_slices(
        self: &Arc<Watchdog>,
        interrupt: InterruptHandle,
        limit: Option<Duration>,
    ) -> SlicedWatch {
        let number = self.add(interrupt, limit);
        SlicedWatch { watchdog: Arc::clone(self), number, is_running: Cell::new(false) }
    }

    /// Adds a watch that is paused, and returns its number.
    fn add(&self, interrupt: InterruptHandle, limit: Option<Duration>) -> u64 {
        let watched = Watched {
            cpu_clock: ThreadCpuClock::of_current_thread(),
            cpu_left: limit,
            is_paused: true,
            cpu_deadline: None,
            check_at: None,
            suspend_at: None,
            interrupt,
            interrupted: None,
        };
        let mut deadlines = self.deadlines.lock();
        let number = deadlines.next_number;
        deadlines.next_number += 1;
        deadlines.watched.insert(number, watched);
        number
    }

    /// Begins a slice of the evaluation with that number.
    fn begin(&self, number: u64, slice: Option<Duration>) {
        let now = self.clock.instant();
        let mut deadlines = self.deadlines.lock();
        let Some(Watched { cpu_clock, cpu_left, .. }) = deadlines.watched.get(&number) else {
            return;
        };
        let (thread, has_limit) = (*cpu_clock, cpu_left.is_some());
        let used = match has_limit {
            true => deadlines.cpu_time_at_most(&*self.clock, thread, now),
            false => None,
        };
        let Some(watched) = deadlines.watched.get_mut(&number) else { return };
        watched.begin(used, now, slice);
        if watched.interrupted.is_some() {
            watched.interrupt.request_stop();
        }
        let needed = WakeTimes { limit: watched.check_at, slice: watched.suspend_at };
        let wakes_at = deadlines.wakes_at;
        deadlines.wakes_at = wakes_at.or_earlier(needed);
        let must_wake = deadlines.shutdown.is_some() || deadlines.wakes_at != wakes_at;
        drop(deadlines);
        if must_wake {
            self.wake();
        }
    }

    /// Ends a watch, and returns why the evaluation was interrupted, if it was.
    fn finish(&self, number: u64) -> Option<Interruption> {
        let mut deadlines = self.deadlines.lock();
        let watched = deadlines.watched.remove(&number)?;
        watched.interrupted.inspect(|_| watched.interrupt.withdraw_stop())
    }

    /// Sets a deadline for all evaluations, including those that begin later. The earliest such
    /// deadline counts.
    pub(crate) fn shut_down_within(&self, time: Duration) {
        let latest = self.clock.instant() + time;
        let mut deadlines = self.deadlines.lock();
        deadlines.shutdown = Some(deadlines.shutdown.map_or(latest, |earlier| earlier.min(latest)));
        drop(deadlines);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            // If the channel is full, the thread is about to wake up.
            let _ = waker.try_send(());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.waker = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread loses nothing: it holds no data.
            let _ = thread.join();
        }
    }
}

/// The watchdog's thread.
fn run(clock: &dyn Clock, deadlines: &Mutex<Deadlines>, wakes: &Receiver<()>) {
    loop {
        let WakeTimes { limit, slice } = {
            let mut deadlines = deadlines.lock();
            // A timer stays set when the evaluation that it was set for has ended.
            let wakes_at = deadlines.wakes_at.after(clock.instant());
            deadlines.wakes_at = deadlines.interrupt_expired(clock).or_earlier(wakes_at);
            deadlines.wakes_at
        };
        let limit = limit.map_or_else(never, |at| clock.timer(at));
        let slice = slice.map_or_else(never, |at| clock.slice_timer(at));
        select! {
            recv(wakes) -> wake => if wake.is_err() { return },
            recv(limit) -> _ => {}
            recv(slice) -> _ => {}
        }
    }
}

/// The watch over one evaluation that runs from its beginning to its end.
pub(crate) struct Watch<'w> {
    watchdog: &'w Watchdog,
    number: u64,
    interrupt: InterruptHandle,
}

impl Watch<'_> {
    /// Ends the watch when the evaluation has ended, and returns why it was interrupted, if it was.
    /// Withdraws the request, so that an interruption that came too late does not hit the next
    /// evaluation.
    pub(crate) fn finish(self) -> Option<Interruption> {
        // Code that could not stop may have repeated the request as one without a kind.
        self.watchdog.finish(self.number).inspect(|_| self.interrupt.clear())
    }
}

/// The watch over one evaluation that can be suspended. Dropping it ends the watch.
pub(crate) struct SlicedWatch {
    watchdog: Arc<Watchdog>,
    number: u64,
    /// Whether a slice has begun and not ended.
    is_running: Cell<bool>,
}

impl SlicedWatch {
    /// Begins a slice: the calling thread evaluates now. When `length` is over, the evaluation is
    /// requested to suspend itself.
    pub(crate) fn begin(&self, length: Option<Duration>) {
        self.is_running.set(true);
        self.watchdog.begin(self.number, length);
    }

    /// Whether a slice has begun and not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.is_running.get()
    }

    /// Ends a slice: the evaluation is suspended.
    pub(crate) fn pause(&self) {
        self.is_running.set(false);
        let mut deadlines = self.watchdog.deadlines.lock();
        if let Some(watched) = deadlines.watched.get_mut(&self.number) {
            watched.pause(&*self.watchdog.clock);
        }
    }

    /// Ends the watch when the evaluation has ended, and returns why it was interrupted, if it was.
    pub(crate) fn finish(self) -> Option<Interruption> {
        self.watchdog.finish(self.number)
    }
}

impl Drop for SlicedWatch {
    fn drop(&mut self) {
        self.watchdog.finish(self.number);
    }
}

#[cfg(test)]
mod tests;
