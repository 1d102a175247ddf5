//! Time limits for evaluations.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interrupts the evaluations of a runtime that take too long, from a thread that checks the
/// deadline twice per millisecond.
pub(crate) struct TimeLimit {
    deadline: Arc<Mutex<Option<Instant>>>,
    interrupt: Arc<AtomicBool>,
}

fn lock(deadline: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    deadline.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TimeLimit {
    /// A limit for the runtime with this interrupt flag.
    pub(crate) fn new(interrupt: Arc<AtomicBool>) -> TimeLimit {
        let limit = TimeLimit { deadline: Arc::default(), interrupt };
        let (deadline, interrupt) = (Arc::clone(&limit.deadline), Arc::clone(&limit.interrupt));
        std::thread::spawn(move || {
            // The thread ends when the last `TimeLimit` with this deadline is dropped.
            while Arc::strong_count(&deadline) > 1 {
                std::thread::sleep(Duration::from_micros(500));
                // The lock is held until the flag is set. Otherwise `run` could clear the flag
                // between the check and the store.
                let deadline = lock(&deadline);
                if deadline.is_some_and(|deadline| deadline < Instant::now()) {
                    interrupt.store(true, Ordering::Relaxed);
                }
            }
        });
        limit
    }

    /// Runs an evaluation, and interrupts it when `time` is over.
    pub(crate) fn run<T>(&self, time: Duration, evaluate: impl FnOnce() -> T) -> T {
        *lock(&self.deadline) = Some(Instant::now() + time);
        let result = evaluate();
        // While this thread holds the lock, the other thread cannot set the flag again.
        let mut deadline = lock(&self.deadline);
        *deadline = None;
        self.interrupt.store(false, Ordering::Relaxed);
        result
    }
}
