//! Counters of what compilation has done and cost in this process, for all runtimes together.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What compilation has done and cost. See [`statistics`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct JitStatistics {
    /// Laws that got code.
    pub laws: usize,
    /// Laws that could not be compiled.
    pub refused: usize,
    /// Units that went through the compiler, with success or without.
    pub compiled: usize,
    /// Units whose code was found on disk.
    pub loaded: usize,
    /// Files found on disk that do not hold the code they should.
    pub rejected: usize,
    /// Units whose code was freed.
    pub freed: usize,
    /// Bytes of code in use, stubs included.
    pub bytes: usize,
    /// Bytes of code published since the start, stubs included.
    pub code: usize,
    /// Processor time that evaluating threads spent on building units.
    pub building: Duration,
    /// Processor time of the compiling and linking threads for stubs and units, up to published code.
    pub compiling: Duration,
}

/// A counter of [`JitStatistics`].
#[derive(Clone, Copy)]
pub(super) enum JitCounter {
    Laws,
    Refused,
    Compiled,
    Loaded,
    Rejected,
    Freed,
    Bytes,
    Code,
}

static COUNTERS: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];
/// Times in nanoseconds.
static BUILDING: AtomicU64 = AtomicU64::new(0);
static COMPILING: AtomicU64 = AtomicU64::new(0);

impl JitCounter {
    pub(super) fn add(self, number: usize) {
        COUNTERS[self as usize].fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn set(self, number: usize) {
        COUNTERS[self as usize].store(number, Ordering::Relaxed);
    }

    fn get(self) -> usize {
        COUNTERS[self as usize].load(Ordering::Relaxed)
    }
}

/// What compilation has done and cost in this process so far.
pub fn statistics() -> JitStatistics {
    let time = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
    JitStatistics {
        laws: JitCounter::Laws.get(),
        refused: JitCounter::Refused.get(),
        compiled: JitCounter::Compiled.get(),
        loaded: JitCounter::Loaded.get(),
        rejected: JitCounter::Rejected.get(),
        freed: JitCounter::Freed.get(),
        bytes: JitCounter::Bytes.get(),
        code: JitCounter::Code.get(),
        building: time(&BUILDING),
        compiling: time(&COMPILING),
    }
}

/// The processor time of this thread so far.
pub(super) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn add_time(total: &AtomicU64, start: Duration) {
    let spent = thread_time().saturating_sub(start);
    total.fetch_add(spent.as_nanos() as u64, Ordering::Relaxed);
}

/// A unit that is compiled, or was loaded, and linked; or that was refused.
#[derive(Clone, Copy, Debug)]
pub struct UnitReport<'a> {
    /// The name of the law that the unit is for.
    pub law: &'a str,
    /// When the compiler, or the search for kept code, began.
    pub start: Instant,
    /// Whether its code was published; false if the unit was refused.
    pub is_published: bool,
    /// Bytes of code.
    pub bytes: usize,
}

type UnitHook = Box<dyn Fn(&UnitReport<'_>) + Send + Sync>;

static UNIT_HOOK: OnceLock<UnitHook> = OnceLock::new();

/// Sets the hook that the linking thread calls after each unit. Only the first call in a process has
/// an effect.
pub fn on_unit(hook: impl Fn(&UnitReport<'_>) + Send + Sync + 'static) {
    // A later call changes nothing.
    let _ = UNIT_HOOK.set(Box::new(hook));
}

/// The hook for units, if there is one.
pub(super) fn unit_hook() -> Option<&'static UnitHook> {
    UNIT_HOOK.get()
}

/// Counts the time since `start` that an evaluating thread spent on building a unit.
pub(super) fn note_build(start: Duration) {
    add_time(&BUILDING, start);
}

/// Counts the time since `start` that a thread spent on stubs, or on a unit that is not done yet.
pub(super) fn note_compiling(start: Duration) {
    add_time(&COMPILING, start);
}

/// Counts a unit whose code was published, or that was refused; the time since `start` that this took;
/// and the bytes of code.
pub(super) fn note_unit(start: Duration, is_published: bool, bytes: usize) {
    if is_published { JitCounter::Laws } else { JitCounter::Refused }.add(1);
    add_time(&COMPILING, start);
    JitCounter::Code.add(bytes);
}
