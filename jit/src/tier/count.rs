//! What compiling has done and cost in this process, all runtimes together.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What compiling has done and cost. See [`statistics`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Statistics {
    /// Laws that have been given code.
    pub laws: usize,
    /// Those that could not be.
    pub refused: usize,
    /// Units that were compiled, or refused on the way.
    pub compiled: usize,
    /// Units whose code was found on disk.
    pub loaded: usize,
    /// Files found on disk that hold no such code.
    pub rejected: usize,
    /// Units whose code was freed.
    pub freed: usize,
    /// Bytes of code that are in use, stubs included.
    pub bytes: usize,
    /// Bytes of code that were ever put in place, stubs included.
    pub code: usize,
    /// What threads that evaluate spent on building units, in processor time like the next.
    pub building: Duration,
    /// What compiling threads spent on stubs, and on the way from units to published code.
    pub compiling: Duration,
}

/// A number of [`Statistics`].
#[derive(Clone, Copy)]
pub(super) enum Count {
    Laws,
    Refused,
    Compiled,
    Loaded,
    Rejected,
    Freed,
    Bytes,
    Code,
}

static COUNTS: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];
static BUILDING: AtomicU64 = AtomicU64::new(0);
static COMPILING: AtomicU64 = AtomicU64::new(0);

impl Count {
    pub(super) fn add(self, number: usize) {
        COUNTS[self as usize].fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn set(self, number: usize) {
        COUNTS[self as usize].store(number, Ordering::Relaxed);
    }

    fn get(self) -> usize {
        COUNTS[self as usize].load(Ordering::Relaxed)
    }
}

/// What compiling has done and cost in this process so far.
pub fn statistics() -> Statistics {
    let time = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
    Statistics {
        laws: Count::Laws.get(),
        refused: Count::Refused.get(),
        compiled: Count::Compiled.get(),
        loaded: Count::Loaded.get(),
        rejected: Count::Rejected.get(),
        freed: Count::Freed.get(),
        bytes: Count::Bytes.get(),
        code: Count::Code.get(),
        building: time(&BUILDING),
        compiling: time(&COMPILING),
    }
}

/// The processor time that this thread has had.
pub(super) fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn add(count: &AtomicU64, since: Duration) {
    let spent = now().saturating_sub(since);
    count.fetch_add(spent.as_nanos() as u64, Ordering::Relaxed);
}

/// Counts the time that building a unit took.
pub(super) fn built(since: Duration) {
    add(&BUILDING, since);
}

/// Counts the time that a compiling thread took to begin.
pub(super) fn begun(since: Duration) {
    add(&COMPILING, since);
}

/// Counts a unit whose code was put in its place, or refused, and the bytes that this took.
pub(super) fn published(since: Duration, is_law: bool, code: usize) {
    if is_law { Count::Laws } else { Count::Refused }.add(1);
    add(&COMPILING, since);
    Count::Code.add(code);
}
