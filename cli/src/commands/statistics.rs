//! The cost of a session, for benchmarks: one line, `PALLAS_STATISTICS: name=number ...`.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};
use vm::Vm;

/// The environment variable that turns this on, and the start of the line.
const NAME: &str = "PALLAS_STATISTICS";

/// The counters at the start of the measurement.
pub(super) struct Measurement {
    start: Instant,
    cpu: Duration,
    thread: Duration,
    heap: plan::HeapStatistics,
    compiler: jit::JitStatistics,
}

impl Measurement {
    /// Starts measuring, if the environment variable is set.
    pub(super) fn start(vm: &Vm) -> Option<Measurement> {
        std::env::var_os(NAME).map(|_| Measurement {
            start: Instant::now(),
            cpu: cpu_time(ClockId::ProcessCPUTime),
            thread: cpu_time(ClockId::ThreadCPUTime),
            heap: vm.statistics(),
            compiler: jit::statistics(),
        })
    }

    /// The line with the costs since the start: times in nanoseconds, sizes in bytes.
    pub(super) fn line(self, vm: &Vm) -> String {
        let elapsed = self.start.elapsed();
        let cpu = cpu_time(ClockId::ProcessCPUTime).saturating_sub(self.cpu);
        let thread = cpu_time(ClockId::ThreadCPUTime).saturating_sub(self.thread);
        let (heap, compiler) = (vm.statistics(), jit::statistics());
        let bytes = |after: u64, before: u64| u128::from(8 * (after - before));
        let count = |after: usize, before: usize| (after - before) as u128;
        let counts = [
            ("elapsed", elapsed.as_nanos()),
            ("cpu", cpu.as_nanos()),
            ("thread", thread.as_nanos()),
            ("allocated", bytes(heap.allocated, self.heap.allocated)),
            ("copied", bytes(heap.copied, self.heap.copied)),
            ("minor", u128::from(heap.minor - self.heap.minor)),
            ("major", u128::from(heap.major - self.heap.major)),
            ("laws", count(compiler.laws, self.compiler.laws)),
            ("loaded", count(compiler.loaded, self.compiler.loaded)),
            ("refused", count(compiler.refused, self.compiler.refused)),
            ("building", (compiler.building - self.compiler.building).as_nanos()),
            ("compiling", (compiler.compiling - self.compiler.compiling).as_nanos()),
            ("code", count(compiler.code, self.compiler.code)),
        ];
        let counts: String =
            counts.iter().map(|(name, count)| format!(" {name}={count}")).collect();
        format!("{NAME}:{counts}")
    }
}

/// The CPU time of all threads of this process, or of the current thread, by clock.
fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
