//! Time limits of evaluations: one thread interrupts the evaluations that exceed theirs.
//!
//! The thread sleeps until the earliest deadline, and without a timer while nothing is watched.
//! When a watch ends, the thread is not notified: the timer may wake it once without work to do,
//! which is cheaper than a message for each evaluation.
//!
//! Lock order: `deadlines` is the only lock, and no other is taken while it is held except a
//! clock's.

use crate::clock::Clock;
use crate::error::SystemError;
use crossbeam_channel::{Receiver, Sender, bounded, never, select};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
    /// None if the limit is too far away for the clock.
    deadline: Option<Instant>,
    /// The interrupt flag of the evaluation's runtime.
    flag: Arc<AtomicBool>,
    /// Why the flag was set, if it was.
    interrupted: Option<Interruption>,
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
    /// Interrupts the evaluations whose deadline is over. Returns the earliest deadline of the
    /// others.
    fn interrupt_expired(&mut self, now: Instant) -> Option<Instant> {
        let shutdown = self.shutdown;
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        let mut earliest = None;
        for watched in self.watched.values_mut().filter(|watched| watched.interrupted.is_none()) {
            watched.interrupted = if is_over(shutdown) {
                Some(Interruption::Shutdown)
            } else if is_over(watched.deadline) {
                Some(Interruption::TimeLimit)
            } else {
                earliest = [earliest, shutdown, watched.deadline].into_iter().flatten().min();
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
    /// Starts a watchdog that measures in the monotonic time of `clock`. Its thread ends when it is
    /// dropped.
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

    /// Sets `flag` after `limit`, unless the watch is finished before.
    pub(crate) fn watch(&self, flag: &Arc<AtomicBool>, limit: Duration) -> Watch<'_> {
        let mut deadlines = self.deadlines.lock();
        let number = deadlines.next_number;
        deadlines.next_number += 1;
        let deadline = self.clock.instant().checked_add(limit);
        let watched = Watched { deadline, flag: Arc::clone(flag), interrupted: None };
        deadlines.watched.insert(number, watched);
        let is_earliest =
            deadline.is_some_and(|at| deadlines.wakes_at.is_none_or(|wakes_at| at < wakes_at));
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
            deadlines.wakes_at = deadlines.interrupt_expired(clock.instant());
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
