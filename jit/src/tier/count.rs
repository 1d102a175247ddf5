//! What compiling has cost this process, all runtimes together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What compiling has cost. See [`statistics`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Statistics {
    /// Laws that have been compiled.
    pub laws: u64,
    /// Those that could not be.
    pub refused: u64,
    /// What threads that evaluate spent on building units, in processor time like the next.
    pub building: Duration,
    /// What compiling threads spent on stubs, and on the way from units to published code.
    pub compiling: Duration,
    /// Machine code, in bytes, stubs included.
    pub code: u64,
}

static LAWS: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);
static BUILDING: AtomicU64 = AtomicU64::new(0);
static COMPILING: AtomicU64 = AtomicU64::new(0);
static CODE: AtomicU64 = AtomicU64::new(0);

/// What compiling has cost this process so far.
pub fn statistics() -> Statistics {
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Statistics {
        laws: read(&LAWS),
        refused: read(&REFUSED),
        building: Duration::from_nanos(read(&BUILDING)),
        compiling: Duration::from_nanos(read(&COMPILING)),
        code: read(&CODE),
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

/// Counts a unit that was compiled, or refused, and the bytes of code that this added.
pub(super) fn compiled(since: Duration, is_law: bool, code: usize) {
    if is_law { &LAWS } else { &REFUSED }.fetch_add(1, Ordering::Relaxed);
    add(&COMPILING, since);
    CODE.fetch_add(code as u64, Ordering::Relaxed);
}
