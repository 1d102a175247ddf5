//! Time limits of evaluations: one thread that interrupts those that run over.
//!
//! It sleeps until the earliest deadline, and for good while nothing is watched. The deadline of a
//! watch that has ended may still wake it once, for nothing.

use crate::error::SystemError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Why a watched evaluation was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overrun {
    /// It took longer than its limit.
    Limit,
    /// The machine is to stop.
    Hurry,
}

#[derive(Default)]
struct State {
    /// When each watched evaluation is to be over, and how it is told.
    watches: BTreeMap<u64, (Instant, Arc<AtomicBool>)>,
    next: u64,
    /// When everything is to be over.
    hurry: Option<Instant>,
    /// When the thread wakes up by itself, while it sleeps.
    wakes_at: Option<Instant>,
    closing: bool,
}

impl State {
    /// Interrupts what is overdue; gives the next deadline.
    fn interrupt_overdue(&mut self, now: Instant) -> Option<Instant> {
        let latest = self.hurry;
        let due = |deadline: Instant| latest.map_or(deadline, |latest| deadline.min(latest));
        for (_, (_, interrupt)) in self.watches.extract_if(.., |_, (at, _)| due(*at) <= now) {
            interrupt.store(true, Ordering::SeqCst);
        }
        self.watches.values().map(|(deadline, _)| due(*deadline)).min()
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.closing {
            let now = Instant::now();
            state.wakes_at = state.interrupt_overdue(now);
            state = match state.wakes_at {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let waited = self.changed.wait_timeout(state, next.duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// Watches evaluations. See the module's overview.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts its thread, which ends when this is dropped.
    pub(crate) fn start() -> Result<Watchdog, SystemError> {
        let shared = Arc::new(Shared::default());
        let running = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("pallas-watchdog".into())
            .spawn(move || running.run())
            .map_err(SystemError::new("start a thread"))?;
        Ok(Watchdog { shared, thread: Some(thread) })
    }

    /// Sets `interrupt` after `limit`, unless the watch is ended before.
    pub(crate) fn watch(&self, interrupt: &Arc<AtomicBool>, limit: Duration) -> Watch<'_> {
        let mut state = self.shared.lock();
        let number = state.next;
        state.next += 1;
        let deadline = Instant::now() + limit;
        state.watches.insert(number, (deadline, Arc::clone(interrupt)));
        let wake = state.hurry.is_some() || state.wakes_at.is_none_or(|at| deadline < at);
        drop(state);
        if wake {
            self.shared.changed.notify_one();
        }
        Watch { watchdog: self, interrupt: Arc::clone(interrupt), number }
    }

    /// Ends all evaluations, those to come as well, that still run after that time.
    pub(crate) fn hurry(&self, within: Duration) {
        let latest = Instant::now() + within;
        let mut state = self.shared.lock();
        state.hurry = Some(state.hurry.map_or(latest, |hurry| hurry.min(latest)));
        drop(state);
        self.shared.changed.notify_one();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could be lost.
            let _ = thread.join();
        }
    }
}

/// An evaluation that is watched.
pub(crate) struct Watch<'w> {
    watchdog: &'w Watchdog,
    interrupt: Arc<AtomicBool>,
    number: u64,
}

impl Watch<'_> {
    /// The evaluation is over: whether and why it was interrupted. The interrupt is cleared, so
    /// that one that came too late does not meet the next evaluation.
    pub(crate) fn end(self) -> Option<Overrun> {
        let mut state = self.watchdog.shared.lock();
        if state.watches.remove(&self.number).is_some() {
            return None;
        }
        self.interrupt.store(false, Ordering::SeqCst);
        let hurried = state.hurry.is_some_and(|latest| latest <= Instant::now());
        Some(if hurried { Overrun::Hurry } else { Overrun::Limit })
    }
}
