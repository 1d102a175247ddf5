//! Sampling: [`Vm::start_sampling`] finds out in which laws CPU time goes, or memory.
//!
//! ```text
//! timer: SIGPROF ─┐                       ┌─▶ stack_table ─▶ resolve ─▶ SampledProfile
//! heap: a sample  ├─▶ sampler ─▶ capture ─┘   raw_stacks      laws
//! is due         ─┘             raw_stack
//! ```
//!
//! A timer sends the evaluating thread a signal as it uses CPU time, between any two instructions. So samples are not taken at safepoints only, which would charge the time of a law
//! without calls to the law that calls next. The handler copies words into a table that was
//! allocated before: addresses in compiled code, numbers of pools, the number of a jet. When the
//! profile ends, these are resolved to laws. Until then nothing that a word refers to is freed,
//! because the collector keeps all code while samples are taken.
//!
//! The weight of a sample is the CPU time since the one before, so late or lost signals move no
//! weight to other threads or to idle time. What remains as bias:
//!
//! - Linux checks the timer at its clock tick (4 ms at 250 Hz), so there are at most that many
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
mod raw_stack;
mod resolve;
#[allow(unsafe_code, reason = "reads the runtime that a signal interrupted")]
pub(crate) mod sampler;
#[cfg(not(miri))]
#[allow(unsafe_code, reason = "reads the registers that the kernel passes to a handler")]
mod signal_context;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64", not(miri)))]
#[allow(unsafe_code, reason = "sets the processor's trap flag, and handles its signal")]
mod stack_switch_tests;
mod stack_table;
#[cfg(not(miri))]
#[allow(unsafe_code, reason = "makes timers, and sends signals to a thread")]
mod thread_timer;
#[cfg(not(miri))]
#[allow(unsafe_code, reason = "handles a signal, and walks the frames of Rust")]
mod timer;
#[cfg(miri)]
#[path = "no_timer.rs"]
mod timer;

use self::capture::capture;
use self::sampler::{ActiveSampling, EvaluationScope, Sampler};
use self::timer::{SamplingTimer, TimedSampler};
use crate::jet::JetCode;
use crate::sampling_steps::note_sampling_step;
use crate::vm::Vm;
use plan::Ref;
use profile::SampledProfile;
use profile::sampled::SampledResource;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// How a profile is sampled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SamplingOptions {
    /// CPU time: a sample after each interval of this length, as far as the kernel's clock tick allows.
    CpuTime(Duration),
    /// Allocation: a sample about once in each interval of this number of bytes.
    Allocation(usize),
}

impl Default for SamplingOptions {
    /// CPU time, every millisecond.
    fn default() -> SamplingOptions {
        SamplingOptions::CpuTime(Duration::from_millis(1))
    }
}

/// The samples of a profile that has ended.
pub struct TakenSamples {
    sampler: Rc<Sampler<Vm>>,
    /// How long the profile lasted, in nanoseconds.
    elapsed: u64,
    rest: u64,
}

impl TakenSamples {
    /// The CPU time since the last sample, or the beginning, in nanoseconds; 0 if allocation is sampled.
    pub fn rest(&self) -> u64 {
        self.rest
    }

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
        let sampler = Rc::new(Sampler::new(resource, capture, self.jet_functions()));
        let timer = match options {
            SamplingOptions::CpuTime(period) => {
                let target: Rc<dyn TimedSampler> = sampler.clone();
                Some(SamplingTimer::start(target, period)?)
            }
            SamplingOptions::Allocation(bytes) => {
                let sampler = Rc::clone(&sampler);
                self.on_allocation(bytes, move |bytes| sampler.take_sample(bytes, None));
                None
            }
        };
        self.heap.host.pools.keep_all(true);
        self.sampling = Some(ActiveSampling { timer, sampler });
        Ok(())
    }

    /// Whether a profile is being taken.
    pub fn is_sampling(&self) -> bool {
        self.sampling.is_some()
    }

    /// Ends the profile, and returns its samples. None if there is none.
    pub fn stop_sampling(&mut self) -> Option<TakenSamples> {
        let ActiveSampling { timer, sampler } = self.sampling.take()?;
        drop(timer);
        if sampler.resource == SampledResource::Allocation {
            self.remove_allocation_hook();
        }
        self.heap.host.pools.keep_all(false);
        let elapsed = sampler.start.elapsed().as_nanos() as u64;
        let rest = sampler.unsampled_time();
        Some(TakenSamples { sampler, elapsed, rest })
    }

    /// Lets samples read the runtime until the scope is dropped, if a profile is being taken. The
    /// caller keeps the runtime where it is until then.
    #[inline(always)]
    pub(crate) fn begin_sampled_evaluation(&mut self) -> Option<EvaluationScope<Vm>> {
        note_sampling_step();
        if self.sampling.is_none() { None } else { self.begin_scope() }
    }

    #[cold]
    #[allow(unsafe_code, reason = "promises that the runtime stays where it is")]
    fn begin_scope(&mut self) -> Option<EvaluationScope<Vm>> {
        let sampler = Rc::clone(&self.sampling.as_ref()?.sampler);
        if sampler.is_idle() {
            // What a panic may have left.
            self.evaluator.forget_runs();
        }
        // SAFETY: the two callers, methods of the runtime, borrow it for longer than the scope.
        Some(unsafe { EvaluationScope::new(sampler, self) })
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
