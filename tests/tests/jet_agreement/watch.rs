//! A time limit for evaluations.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interrupts evaluations that take too long, by a thread that looks twice a millisecond.
pub(crate) struct Watch {
    deadline: Arc<Mutex<Option<Instant>>>,
    interrupt: Arc<AtomicBool>,
}

fn lock(deadline: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    deadline.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Watches over evaluations that this flag interrupts.
    pub(crate) fn new(interrupt: Arc<AtomicBool>) -> Watch {
        let watch = Watch { deadline: Arc::default(), interrupt };
        let (deadline, interrupt) = (Arc::clone(&watch.deadline), Arc::clone(&watch.interrupt));
        std::thread::spawn(move || {
            // It ends with the last of those who set the deadline.
            while Arc::strong_count(&deadline) > 1 {
                std::thread::sleep(Duration::from_micros(500));
                // Held until the flag is raised, or it might be raised after it was cleared.
                let deadline = lock(&deadline);
                if deadline.is_some_and(|deadline| deadline < Instant::now()) {
                    interrupt.store(true, Ordering::Relaxed);
                }
            }
        });
        watch
    }

    /// Runs an evaluation, and interrupts it when its time is over.
    pub(crate) fn limit<T>(&self, time: Duration, evaluate: impl FnOnce() -> T) -> T {
        *lock(&self.deadline) = Some(Instant::now() + time);
        let result = evaluate();
        // While the lock is held, the other thread does not raise the flag again.
        let mut deadline = lock(&self.deadline);
        *deadline = None;
        self.interrupt.store(false, Ordering::Relaxed);
        result
    }
}
