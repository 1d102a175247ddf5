//! What a session cost, for those who measure: one line, `PALLAS_STATISTICS: name=number ...`.

use std::time::{Duration, Instant};
use vm::Vm;

/// The environment variable that asks for it, and what the line begins with.
const NAME: &str = "PALLAS_STATISTICS";

/// What there was when counting began.
pub(super) struct Counting {
    start: Instant,
    cpu: Duration,
    heap: vm::Statistics,
    compiler: jit::Statistics,
}

impl Counting {
    /// Begins, if that is asked for.
    pub(super) fn start(vm: &Vm) -> Option<Counting> {
        std::env::var_os(NAME).map(|_| Counting {
            start: Instant::now(),
            cpu: cpu_time(),
            heap: vm.statistics(),
            compiler: jit::statistics(),
        })
    }

    /// What has been spent since.
    pub(super) fn end(self, vm: &Vm) -> String {
        let elapsed = self.start.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        let (heap, compiler) = (vm.statistics(), jit::statistics());
        let bytes = |after: u64, before: u64| u128::from(8 * (after - before));
        let counts = [
            ("elapsed", elapsed.as_nanos()),
            ("cpu", cpu.as_nanos()),
            ("allocated", bytes(heap.allocated, self.heap.allocated)),
            ("copied", bytes(heap.copied, self.heap.copied)),
            ("minor", u128::from(heap.minor - self.heap.minor)),
            ("major", u128::from(heap.major - self.heap.major)),
            ("laws", u128::from(compiler.laws - self.compiler.laws)),
            ("refused", u128::from(compiler.refused - self.compiler.refused)),
            ("building", (compiler.building - self.compiler.building).as_nanos()),
            ("compiling", (compiler.compiling - self.compiler.compiling).as_nanos()),
            ("code", u128::from(compiler.code - self.compiler.code)),
        ];
        let counts: String =
            counts.iter().map(|(name, count)| format!(" {name}={count}")).collect();
        format!("{NAME}:{counts}")
    }
}

/// The processor time of all threads of this process.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
