//! Time limits of evaluations: one thread interrupts the evaluations that exceed theirs.
//!
//! A limit counts the CPU time of the evaluating thread. That time grows at most as fast as the
//! monotonic time, so the watchdog's thread sleeps until a limit can be exceeded at the earliest,
//! reads the CPU time of the evaluating thread, and sleeps again if the evaluation has time left: a
//! process that was stopped loses nothing. Only the deadline of a shutdown is a time by the
//! monotonic clock.
//!
//! The thread sleeps without a timer while nothing is watched.
//! When a watch ends, the thread is not notified: the timer may wake it once without work to do,
//! which is cheaper than a message for each evaluation.
//!
//! Lock order: `deadlines` is the only lock, and no other is taken while it is held except a
//! clock's.

use crate::clock::{Clock, CpuClockId};
use crate::error::SystemError;
use crossbeam_channel::{Receiver, Sender, bounded, never, select};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the thread sleeps at least while an evaluation that has not exceeded its limit is
/// watched. An evaluation may exceed its limit by as much.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// Why a watched evaluation was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interruption {
    /// It exceeded its time limit.
    TimeLimit,
    /// It was still running at the deadline of the machine's shutdown.
    Shutdown,
}

/// A running evaluation.
struct Watched {
    /// The clock of the evaluating thread.
    cpu_clock: CpuClockId,
    /// When that clock exceeds the limit. None if there is no limit.
    cpu_deadline: Option<Duration>,
    /// The monotonic time at which the limit can be exceeded at the earliest. None if it cannot be
    /// exceeded.
    check_at: Option<Instant>,
    /// The interrupt flag of the evaluation's runtime.
    flag: Arc<AtomicBool>,
    /// Why the flag was set, if it was.
    interrupted: Option<Interruption>,
}

impl Watched {
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
    watched: BTreeMap<u64, Watched>,
    next_number: u64,
    /// When every evaluation is to be over.
    shutdown: Option<Instant>,
    /// The timer that the thread sleeps until.
    wakes_at: Option<Instant>,
}

impl Deadlines {
    /// Interrupts the evaluations whose time is over. Returns when to look at the others.
    fn interrupt_expired(&mut self, clock: &dyn Clock) -> Option<Instant> {
        let now = clock.instant();
        let shutdown = self.shutdown;
        let mut earliest = None;
        for watched in self.watched.values_mut().filter(|watched| watched.interrupted.is_none()) {
            watched.interrupted = if shutdown.is_some_and(|at| at <= now) {
                Some(Interruption::Shutdown)
            } else if watched.has_exceeded_limit(clock, now) {
                Some(Interruption::TimeLimit)
            } else {
                earliest = [earliest, shutdown, watched.check_at].into_iter().flatten().min();
                continue;
            };
            watched.flag.store(true, Ordering::SeqCst);
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

    /// Sets `flag` when the calling thread has used more CPU time than `limit` from now on, unless
    /// the watch is finished before. Without a limit, only a shutdown sets the flag.
    pub(crate) fn watch(&self, flag: &Arc<AtomicBool>, limit: Option<Duration>) -> Watch<'_> {
        let cpu_clock = CpuClockId::of_current_thread();
        let used = limit.and_then(|_| self.clock.cpu_time(cpu_clock));
        let cpu_deadline = limit.zip(used).and_then(|(limit, used)| used.checked_add(limit));
        let check_at = limit.and_then(|limit| self.clock.instant().checked_add(limit));
        let mut deadlines = self.deadlines.lock();
        let number = deadlines.next_number;
        deadlines.next_number += 1;
        let flag = Arc::clone(flag);
        let watched = Watched { cpu_clock, cpu_deadline, check_at, flag, interrupted: None };
        deadlines.watched.insert(number, watched);
        let is_earliest =
            check_at.is_some_and(|at| deadlines.wakes_at.is_none_or(|wakes_at| at < wakes_at));
        let wake = deadlines.shutdown.is_some() || is_earliest;
        drop(deadlines);
        if wake {
            self.wake();
        }
        Watch { watchdog: self, number }
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
        let earliest = {
            let mut deadlines = deadlines.lock();
            deadlines.wakes_at = deadlines.interrupt_expired(clock);
            deadlines.wakes_at
        };
        let timer = earliest.map_or_else(never, |at| clock.timer(at));
        select! {
            recv(wakes) -> wake => if wake.is_err() { return },
            recv(timer) -> _ => {}
        }
    }
}

/// The watch over one evaluation.
pub(crate) struct Watch<'w> {
    watchdog: &'w Watchdog,
    number: u64,
}

impl Watch<'_> {
    /// Ends the watch when the evaluation has ended, and returns why it was interrupted, if it was.
    /// Clears the flag, so that an interruption that came too late does not hit the next
    /// evaluation.
    pub(crate) fn finish(self) -> Option<Interruption> {
        let mut deadlines = self.watchdog.deadlines.lock();
        let watched = deadlines.watched.remove(&self.number)?;
        watched.interrupted.inspect(|_| watched.flag.store(false, Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests;
