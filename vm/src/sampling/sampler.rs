//! [`Sampler`]: takes the samples of a runtime, and keeps them.
//!
//! # Safety
//!
//! The invariant: *the pointer to the runtime is null, or the runtime is borrowed on this thread, and
//! so neither moved nor dropped*. Only [`EvaluationScope`] sets it.

use super::raw_stack::{MachineRegisters, RawStack};
use super::stack_table::StackTable;
use super::timer::{self, SamplingTimer, TimedSampler};
use profile::sampled::{ExecutionKind, SampledResource};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

/// The addresses at which the native functions of jets begin, ascending, and the jets.
pub(super) type JetFunctions = Vec<(usize, u32)>;

/// Reads the stack of a runtime `T`, and says what was running. `registers` are those of the code
/// that a signal interrupted; none if it is called.
pub(super) type CaptureFunction<T> =
    fn(&T, &[(usize, u32)], registers: Option<&MachineRegisters>, &mut RawStack) -> ExecutionKind;

/// Where the samples of a runtime go. It has one address, which the signal handler knows.
pub(crate) struct Sampler<T> {
    pub(super) resource: SampledResource,
    /// The runtime, while an evaluation runs in it; null at other times, when it may be moved.
    runtime: Cell<*const T>,
    capture: CaptureFunction<T>,
    jets: JetFunctions,
    /// Only samples borrow it until the end of the profile, and one sample at a time is taken.
    pub(super) table: RefCell<StackTable>,
    /// The CPU time of the thread at the last sample, in nanoseconds.
    last: Cell<u64>,
    /// The weight of samples outside of evaluations.
    pub(super) outside: Cell<u64>,
    /// When the profile began.
    pub(super) start: Instant,
}

impl<T> Sampler<T> {
    pub(super) fn new(
        resource: SampledResource,
        capture: CaptureFunction<T>,
        jets: JetFunctions,
    ) -> Sampler<T> {
        Sampler {
            resource,
            runtime: Cell::new(std::ptr::null()),
            capture,
            jets,
            table: RefCell::new(StackTable::new()),
            last: Cell::new(timer::thread_cpu_time()),
            outside: Cell::new(0),
            start: Instant::now(),
        }
    }

    /// Whether no evaluation runs.
    pub(super) fn is_idle(&self) -> bool {
        self.runtime.get().is_null()
    }

    /// The CPU time of the thread since the last sample, in nanoseconds; 0 if allocation is sampled.
    pub(super) fn unsampled_time(&self) -> u64 {
        match self.resource {
            SampledResource::CpuTime => timer::thread_cpu_time().saturating_sub(self.last.get()),
            SampledResource::Allocation => 0,
        }
    }

    /// Records a sample. Allocates nothing, and takes no lock.
    pub(super) fn take_sample(&self, weight: u64, registers: Option<&MachineRegisters>) {
        // SAFETY: the pointer is null, or the runtime is where it says (the module's invariant).
        // Nothing is written through the reference; what the interrupted code has not written yet
        // is read as it was before, and the function checks what it finds.
        let Some(runtime) = (unsafe { self.runtime.get().as_ref() }) else {
            self.outside.set(self.outside.get() + weight);
            return;
        };
        // A sample that is taken while another one is would be one within the handler.
        let Ok(mut table) = self.table.try_borrow_mut() else { return };
        let mut stack = RawStack::new();
        let kind = (self.capture)(runtime, &self.jets, registers, &mut stack);
        table.add(kind, &stack, weight);
    }
}

impl<T> TimedSampler for Sampler<T> {
    fn take_time_sample(&self, registers: &MachineRegisters) {
        let now = timer::thread_cpu_time();
        let weight = now.saturating_sub(self.last.replace(now));
        self.take_sample(weight, Some(registers));
    }
}

/// The samples that a runtime takes.
pub(crate) struct ActiveSampling<T> {
    /// Sends the signals, if time is sampled. It is dropped before the sampler.
    pub(super) timer: Option<SamplingTimer>,
    pub(super) sampler: Rc<Sampler<T>>,
}

/// The right of samples to read a runtime, as long as an evaluation runs in it.
pub(crate) struct EvaluationScope<T> {
    sampler: Rc<Sampler<T>>,
    outer: *const T,
}

impl<T> EvaluationScope<T> {
    /// Lets samples read a runtime until the scope is dropped.
    ///
    /// # Safety
    /// The runtime is neither moved nor dropped before.
    pub(super) unsafe fn new(sampler: Rc<Sampler<T>>, runtime: *const T) -> EvaluationScope<T> {
        let outer = sampler.runtime.replace(runtime);
        EvaluationScope { sampler, outer }
    }
}

impl<T> Drop for EvaluationScope<T> {
    fn drop(&mut self) {
        self.sampler.runtime.set(self.outer);
    }
}
