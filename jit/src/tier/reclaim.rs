//! Which code is dead: notices from runtimes to the linking thread.
//!
//! A runtime that ends, and a runtime whose laws are gone, leave a notice here. The linking
//! thread frees the code when it next has something to do.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use vm::native::EntryCell;

/// The count of notices so far.
static NOTICES: AtomicUsize = AtomicUsize::new(0);
/// The entry cells of laws that are gone, for which a notice waits.
static DEAD_LAWS: Mutex<Vec<EntryCell>> = Mutex::new(Vec::new());
/// Whether the region was full at the last attempt, and no notice has come since.
static FULL: AtomicBool = AtomicBool::new(false);

/// Is alive as long as its runtime. The runtime owns the only strong reference; units hold weak
/// ones.
#[derive(Default)]
pub(super) struct RuntimeToken;

impl Drop for RuntimeToken {
    fn drop(&mut self) {
        notify();
    }
}

fn notify() {
    NOTICES.fetch_add(1, Ordering::Release);
    FULL.store(false, Ordering::Relaxed);
}

/// Leaves a notice that laws are gone, by their entry cells.
pub(super) fn note_dead_laws(laws: Vec<EntryCell>) {
    DEAD_LAWS.lock().extend(laws);
    notify();
}

/// The count of notices so far. If it has not changed, no more code is dead.
pub(super) fn notices() -> usize {
    NOTICES.load(Ordering::Acquire)
}

/// Takes the entry cells of laws that are gone.
pub(super) fn take_dead_laws() -> Vec<EntryCell> {
    std::mem::take(&mut *DEAD_LAWS.lock())
}

/// Notes that the region is full.
pub(super) fn note_full() {
    FULL.store(true, Ordering::Relaxed);
}

/// Whether the region is full, so that a unit that is built now could not be linked.
pub(super) fn is_full() -> bool {
    FULL.load(Ordering::Relaxed)
}
