//! Time limits of evaluations: one thread that interrupts those that run over.
//!
//! It sleeps until the earliest deadline, and for good while nothing is watched. A watch that is
//! ended stays no longer; its deadline may still wake the thread once, for nothing.

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
    watches: BTreeMap<(Instant, u64), Arc<AtomicBool>>,
    next: u64,
    /// When everything is to be over.
    hurry: Option<Instant>,
    closing: bool,
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
            while let Some(entry) = state.watches.first_entry().filter(|it| it.key().0 <= now) {
                entry.remove().store(true, Ordering::SeqCst);
            }
            state = match state.watches.first_key_value() {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some((&(deadline, _), _)) => {
                    let waited = self.changed.wait_timeout(state, deadline - now);
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
        let limited = Instant::now() + limit;
        let deadline = state.hurry.map_or(limited, |hurry| hurry.min(limited));
        let key = (deadline, state.next);
        state.next += 1;
        state.watches.insert(key, Arc::clone(interrupt));
        let is_first = state.watches.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(state);
        if is_first {
            self.shared.changed.notify_one();
        }
        Watch { watchdog: self, interrupt: Arc::clone(interrupt), key }
    }

    /// Ends all evaluations, those to come as well, that still run after that time.
    pub(crate) fn hurry(&self, within: Duration) {
        let mut state = self.shared.lock();
        let latest = Instant::now() + within;
        let latest = state.hurry.map_or(latest, |hurry| hurry.min(latest));
        state.hurry = Some(latest);
        // The keys change, and watches know theirs: a watch that finds its own gone was overrun or
        // moved here, which `end` tells apart by looking at the interrupt.
        let watches = std::mem::take(&mut state.watches);
        for ((deadline, number), interrupt) in watches {
            state.watches.insert((deadline.min(latest), number), interrupt);
        }
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
