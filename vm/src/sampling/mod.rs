//! Sampling: [`Vm::start_sampling`] finds out in which laws CPU time goes, or memory.
//!
//! ```text
//! timer: SIGPROF ─┐                          ┌─▶ stack_table ─▶ resolve ─▶ SampledProfile
//! heap: a sample  ├─▶ Sampler ─▶ capture ────┘   words           laws
//! is due         ─┘              words
//! ```
//!
//! A timer that counts the CPU time of the evaluating thread sends it a signal, between any two
//! instructions. So samples are not taken at safepoints only, which would charge the time of a law
//! without calls to the law that calls next. The handler copies words into a table that was
//! allocated before: addresses in compiled code, numbers of pools, the number of a jet. When the
//! profile ends, these are resolved to laws. Until then nothing that a word refers to is freed,
//! because the collector keeps all code while samples are taken.
//!
//! The weight of a sample is the CPU time since the one before, so late or lost signals move no
//! weight to other threads or to idle time. What remains as bias:
//!
//! - The kernel checks the timer at its clock tick (4 ms at 250 Hz), so there are at most that many
//!   samples in a second.
//! - Laws that were inlined into compiled code, and laws that were left by a tail call, have no
//!   frame. Compiled jets are part of the law that calls them.
//! - In the first instructions of a compiled function its caller is missing. In the instructions
//!   between a change of the interpreter's position and that of its stack, the innermost law is one
//!   step old.
//!
//! Allocation is sampled where the slow path of an allocation finds that a sample is due (see
//! [`plan::Heap::on_allocation`]), which compiled code and the interpreter take at their next
//! allocation. Its weight is what was allocated since the one before.
//!
//! A runtime without a sampler has no timer, and eden has no early end. What it pays is one pointer
//! that each run of the interpreter's loop stores, and one test in each call of [`Vm::eval`].

mod capture;
mod resolve;
mod stack_table;
#[cfg(all(target_os = "linux", not(miri)))]
#[allow(unsafe_code, reason = "handles a signal, and makes timers")]
mod timer;
#[cfg(not(all(target_os = "linux", not(miri))))]
#[path = "no_timer.rs"]
mod timer;

use self::capture::{MachineRegisters, RawStack, capture};
use self::stack_table::StackTable;
use self::timer::SamplingTimer;
use crate::jet::JetCode;
use crate::vm::Vm;
use plan::Ref;
use profile::SampledProfile;
use profile::sampled::SampledResource;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How a profile is sampled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SamplingOptions {
    /// CPU time, with a sample after each so much of it, as far as the kernel's clock tick allows.
    CpuTime(Duration),
    /// Allocation, with a sample for about each so many bytes.
    Allocation(usize),
}

impl Default for SamplingOptions {
    /// CPU time, every millisecond.
    fn default() -> SamplingOptions {
        SamplingOptions::CpuTime(Duration::from_millis(1))
    }
}

/// Where the samples of a runtime go. It has one address, which the signal handler knows.
pub(crate) struct Sampler {
    resource: SampledResource,
    /// The runtime, while an evaluation runs in it; null at other times, when it may be moved.
    vm: Cell<*const Vm>,
    /// The addresses at which the native functions of jets begin, ascending, and the jets.
    jets: Vec<(usize, u32)>,
    /// Only samples borrow it until the end of the profile, and one sample at a time is taken.
    table: RefCell<StackTable>,
    /// The CPU time of the thread at the last sample, in nanoseconds.
    last: Cell<u64>,
    /// The weight of samples outside of evaluations.
    outside: Cell<u64>,
    /// When the profile began.
    start: Instant,
}

impl Sampler {
    /// Records a sample. `registers` are those of the code that a signal interrupted; none if the
    /// sample is taken by a call. Allocates nothing, and takes no lock.
    fn take_sample(&self, weight: u64, registers: Option<&MachineRegisters>) {
        let vm = self.vm.get();
        if vm.is_null() {
            self.outside.set(self.outside.get() + weight);
            return;
        }
        // A sample that is taken while another one is would be one within the handler.
        let Ok(mut table) = self.table.try_borrow_mut() else { return };
        let mut stack = RawStack::new();
        #[allow(unsafe_code, reason = "reads the runtime that the signal interrupted")]
        // SAFETY: an `EvaluationScope` borrows the runtime that the pointer leads to, on this thread,
        // so it is neither moved nor dropped. Nothing is written through the reference; what the
        // interrupted code has not written yet is read as it was before, and `capture` checks what
        // it finds.
        let vm = unsafe { &*vm };
        let kind = capture(vm, &self.jets, registers, &mut stack);
        table.add(kind, &stack, weight);
    }

    /// Records a sample of CPU time.
    #[cfg(all(target_os = "linux", not(miri)))]
    fn take_time_sample(&self, registers: &MachineRegisters) {
        let now = timer::thread_cpu_time();
        let weight = now.saturating_sub(self.last.replace(now));
        self.take_sample(weight, Some(registers));
    }
}

/// The samples that a runtime takes.
pub(crate) struct ActiveSampling {
    sampler: Rc<Sampler>,
    /// Sends the signals, if time is sampled. It is dropped before the sampler.
    timer: Option<SamplingTimer>,
}

/// The samples of a profile that has ended.
pub struct TakenSamples {
    sampler: Rc<Sampler>,
    /// How long the profile lasted, in nanoseconds.
    elapsed: u64,
}

impl TakenSamples {
    /// Finds the laws of the samples. Call it before the runtime evaluates or collects anything: laws
    /// that are dead by then are missing, or others are named in their place. `place` finds where a
    /// law with that name and value is defined.
    pub fn resolve(
        self,
        vm: &Vm,
        place: impl FnMut(&str, Ref<'_>) -> Option<String>,
    ) -> SampledProfile {
        vm.resolve_samples(&self.sampler, self.elapsed, place)
    }
}

/// The right of samples to read a runtime, as long as an evaluation runs in it.
pub(crate) struct EvaluationScope {
    sampler: Rc<Sampler>,
    outer: *const Vm,
}

impl Drop for EvaluationScope {
    fn drop(&mut self) {
        self.sampler.vm.set(self.outer);
    }
}

impl Vm {
    /// Begins a profile of what this runtime evaluates on this thread. Code and constants of dead
    /// laws are kept until it ends. A profile that is being taken is dropped.
    ///
    /// # Errors
    /// If the system has no timer for it, if another runtime of this thread samples CPU time, or if
    /// something else in the process handles SIGPROF.
    pub fn start_sampling(&mut self, options: SamplingOptions) -> io::Result<()> {
        drop(self.stop_sampling());
        let resource = match options {
            SamplingOptions::CpuTime(_) => SampledResource::CpuTime,
            SamplingOptions::Allocation(_) => SampledResource::Allocation,
        };
        let sampler = Rc::new(Sampler {
            resource,
            vm: Cell::new(std::ptr::null()),
            jets: self.jet_functions(),
            table: RefCell::new(StackTable::new()),
            last: Cell::new(timer::thread_cpu_time()),
            outside: Cell::new(0),
            start: Instant::now(),
        });
        let timer = match options {
            SamplingOptions::CpuTime(period) => Some(SamplingTimer::start(&sampler, period)?),
            SamplingOptions::Allocation(bytes) => {
                let sampler = Rc::clone(&sampler);
                self.on_allocation(bytes, move |bytes| sampler.take_sample(bytes, None));
                None
            }
        };
        self.heap.host.pools.keep_all(true);
        self.sampling = Some(ActiveSampling { sampler, timer });
        Ok(())
    }

    /// Whether a profile is being taken.
    pub fn is_sampling(&self) -> bool {
        self.sampling.is_some()
    }

    /// Ends the profile, and returns its samples. None if there is none.
    pub fn stop_sampling(&mut self) -> Option<TakenSamples> {
        let ActiveSampling { sampler, timer } = self.sampling.take()?;
        drop(timer);
        if sampler.resource == SampledResource::Allocation {
            self.remove_allocation_hook();
        }
        self.heap.host.pools.keep_all(false);
        let elapsed = sampler.start.elapsed().as_nanos() as u64;
        Some(TakenSamples { sampler, elapsed })
    }

    /// Lets samples read the runtime until the scope is dropped, if a profile is being taken. The
    /// caller keeps the runtime where it is until then.
    #[inline(always)]
    pub(crate) fn begin_sampled_evaluation(&mut self) -> Option<EvaluationScope> {
        if self.sampling.is_none() { None } else { self.begin_scope() }
    }

    #[cold]
    fn begin_scope(&mut self) -> Option<EvaluationScope> {
        let sampler = Rc::clone(&self.sampling.as_ref()?.sampler);
        if sampler.vm.get().is_null() {
            // What a panic may have left.
            self.evaluator.forget_runs();
        }
        let outer = sampler.vm.replace(self);
        Some(EvaluationScope { sampler, outer })
    }

    /// The native functions of jets, by address.
    fn jet_functions(&self) -> Vec<(usize, u32)> {
        let mut functions: Vec<(usize, u32)> = (self.jets.numbered())
            .filter_map(|(number, jet)| match jet.code {
                JetCode::Native(run) => Some((run as usize, number)),
                JetCode::Control(_) => None,
            })
            .collect();
        functions.sort_unstable();
        functions.dedup_by_key(|(address, _)| *address);
        functions
    }
}

#[cfg(test)]
mod tests;
