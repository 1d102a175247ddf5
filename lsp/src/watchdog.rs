//! [`EvaluationWatchdog`]: ends evaluations that nobody waits for any more, or that take too long.
//!
//! The interrupt flag of a runtime is cleared when a block begins. An interrupt that comes a moment
//! before would be lost, so the watchdog repeats it until the step has ended.

use sire::EvaluationInterrupt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often an interrupt is repeated.
const REPEAT_INTERVAL: Duration = Duration::from_millis(5);

/// A step of an analysis that is running.
struct RunningStep {
    /// The file that is analysed.
    path: PathBuf,
    handle: EvaluationInterrupt,
    deadline: Option<Instant>,
    /// Whether an edit of the file makes the step useless.
    ends_with_edit: bool,
    is_cancelled: bool,
}

#[derive(Default)]
struct WatchState {
    step: Option<RunningStep>,
    /// Whether all steps are to end.
    is_closed: bool,
}

#[derive(Default)]
struct SharedWatch {
    state: Mutex<WatchState>,
    changed: Condvar,
}

/// Ends evaluations. Clones are handles of the same watchdog.
#[derive(Clone)]
pub(crate) struct EvaluationWatchdog {
    shared: Arc<SharedWatch>,
}

impl EvaluationWatchdog {
    /// Starts the watchdog.
    ///
    /// # Errors
    ///
    /// If its thread cannot be started.
    pub(crate) fn start() -> std::io::Result<EvaluationWatchdog> {
        let shared: Arc<SharedWatch> = Arc::default();
        let watched = Arc::clone(&shared);
        thread::Builder::new().name("watchdog".into()).spawn(move || watch(&watched))?;
        Ok(EvaluationWatchdog { shared })
    }

    fn state(&self) -> MutexGuard<'_, WatchState> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch a step, which ends after `limit` at the latest.
    pub(crate) fn begin(
        &self,
        path: &Path,
        handle: &EvaluationInterrupt,
        limit: Option<Duration>,
        ends_with_edit: bool,
    ) {
        handle.clear();
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let (path, handle) = (path.to_owned(), handle.clone());
        let step = RunningStep { path, handle, deadline, ends_with_edit, is_cancelled: false };
        self.state().step = Some(step);
        self.shared.changed.notify_all();
    }

    /// Returns whether the step that is watched was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        let state = self.state();
        state.is_closed || state.step.as_ref().is_some_and(|step| step.is_cancelled)
    }

    /// Ends the watch of a step.
    pub(crate) fn end(&self) {
        self.state().step = None;
    }

    /// Cancels the step, if it analyses this file and an edit makes it useless.
    pub(crate) fn cancel(&self, path: &Path) {
        let mut state = self.state();
        if let Some(step) = &mut state.step
            && step.path == path
            && step.ends_with_edit
        {
            step.is_cancelled = true;
            self.shared.changed.notify_all();
        }
    }

    /// Returns whether all steps are to end.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Cancels this step and all later ones, and ends the watchdog.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.shared.changed.notify_all();
    }
}

fn watch(shared: &SharedWatch) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let is_closed = state.is_closed;
        let mut wait = None;
        if let Some(step) = &state.step {
            let left = step.deadline.map(|deadline| deadline.duration_since(Instant::now()));
            if step.is_cancelled || is_closed {
                step.handle.cancel();
                wait = Some(REPEAT_INTERVAL);
            } else if left.is_some_and(|left| left.is_zero()) {
                step.handle.end_by_time_limit();
                wait = Some(REPEAT_INTERVAL);
            } else {
                wait = left;
            }
        } else if is_closed {
            return;
        }
        state = match wait {
            None => shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                let waited = shared.changed.wait_timeout(state, wait);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}
