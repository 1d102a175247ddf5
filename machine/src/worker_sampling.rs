//! [`WorkerSampling`]: profiles of the workers that have a runtime of their own, which are jobs, and
//! drivers whose calls take long.
//!
//! Such a worker may compute for hours, and its thread takes no messages meanwhile. So a profile that
//! begins or ends requests that the evaluations under way are suspended, at their next safepoint. The
//! thread then begins or ends the samples of its runtime, and resumes the evaluation. While no profile
//! is being taken, an evaluation pays for its registration, and nothing else.
//!
//! Lock order: the lock of the workers, then that of a profile's parts.

use crossbeam_channel::Sender;
use parking_lot::Mutex;
use plan::{EvalError, InterruptHandle, Map, Val};
use profile::SampledProfile;
use std::mem;
use std::sync::Arc;
use vm::{Evaluation, Progress, SamplingOptions, Vm};

/// The parts of a profile that come from workers.
struct WorkerProfile {
    options: SamplingOptions,
    parts: Mutex<ProfileParts>,
}

enum ProfileParts {
    /// The profile is being taken. What the runtimes that have ended meanwhile have sampled.
    Kept(Option<SampledProfile>),
    /// The profile has ended: where the parts go that are still missing.
    Sent(Sender<SampledProfile>),
}

impl WorkerProfile {
    /// Adds what a runtime has sampled.
    fn add(&self, part: SampledProfile) {
        match &mut *self.parts.lock() {
            ProfileParts::Kept(Some(parts)) => parts.merge(part),
            ProfileParts::Kept(parts) => *parts = Some(part),
            ProfileParts::Sent(profiles) => {
                // The client may have gone.
                let _ = profiles.try_send(part);
            }
        }
    }

    /// Sends the parts that there are; the others follow as their runtimes end them.
    fn end(&self, profiles: &Sender<SampledProfile>) {
        let parts = &mut *self.parts.lock();
        if let ProfileParts::Kept(Some(kept)) =
            mem::replace(parts, ProfileParts::Sent(profiles.clone()))
        {
            let _ = profiles.try_send(kept);
        }
    }
}

/// The evaluations under way, and the profile that is being taken.
#[derive(Default)]
struct SampledWorkers {
    profile: Option<Arc<WorkerProfile>>,
    /// By number.
    evaluations: Map<u64, InterruptHandle>,
    next_number: u64,
}

impl SampledWorkers {
    /// Has each evaluation suspended, so that its thread looks at the profile.
    fn suspend_all(&self) {
        self.evaluations.values().for_each(InterruptHandle::request_suspension);
    }
}

/// See the module's overview.
#[derive(Default)]
pub(crate) struct WorkerSampling(Mutex<SampledWorkers>);

impl WorkerSampling {
    /// Begins a profile.
    pub(crate) fn begin(&self, options: SamplingOptions) {
        let workers = &mut *self.0.lock();
        let parts = Mutex::new(ProfileParts::Kept(None));
        workers.profile = Some(Arc::new(WorkerProfile { options, parts }));
        workers.suspend_all();
    }

    /// Ends the profile that is being taken, and sends its parts.
    pub(crate) fn end(&self, profiles: &Sender<SampledProfile>) {
        let workers = &mut *self.0.lock();
        if let Some(profile) = workers.profile.take() {
            profile.end(profiles);
        }
        workers.suspend_all();
    }

    /// Registers an evaluation, until the result is dropped.
    fn register(self: &Arc<Self>, interrupt: InterruptHandle) -> RegisteredEvaluation {
        let workers = &mut *self.0.lock();
        let number = workers.next_number;
        workers.next_number += 1;
        workers.evaluations.insert(number, interrupt);
        RegisteredEvaluation { sampling: Arc::clone(self), number }
    }
}

struct RegisteredEvaluation {
    sampling: Arc<WorkerSampling>,
    number: u64,
}

impl Drop for RegisteredEvaluation {
    fn drop(&mut self) {
        self.sampling.0.lock().evaluations.remove(&self.number);
    }
}

/// Evaluates in the runtime of a worker, which takes samples while a profile is being taken.
pub(crate) struct RuntimeSampler {
    sampling: Arc<WorkerSampling>,
    /// The name of the frame around all stacks.
    part: &'static str,
    /// The profile that the runtime takes samples for.
    profile: Option<Arc<WorkerProfile>>,
}

impl RuntimeSampler {
    /// For a runtime of that part of the machine.
    pub(crate) fn new(sampling: &Arc<WorkerSampling>, part: &'static str) -> RuntimeSampler {
        RuntimeSampler { sampling: Arc::clone(sampling), part, profile: None }
    }

    /// Runs an evaluation of the runtime, which `begin` begins, to its end.
    pub(crate) fn evaluate(
        &mut self,
        vm: &mut Vm,
        begin: impl FnOnce(&mut Vm) -> Result<Evaluation, EvalError>,
    ) -> Result<Val, EvalError> {
        let _registered = self.sampling.register(vm.interrupt_handle());
        self.align(vm);
        let mut evaluation = begin(vm)?;
        loop {
            match vm.resume(evaluation) {
                Progress::Done(result) => return result,
                Progress::Suspended(suspended) => evaluation = suspended,
            }
            self.align(vm);
        }
    }

    /// Begins or ends the samples of the runtime, if the profile has begun or ended.
    pub(crate) fn align(&mut self, vm: &mut Vm) {
        let profile = self.sampling.0.lock().profile.clone();
        if self.profile.as_ref().map(Arc::as_ptr) == profile.as_ref().map(Arc::as_ptr) {
            return;
        }
        self.finish(vm);
        // A runtime without samples is missing in the profile.
        self.profile = profile.filter(|profile| vm.start_sampling(profile.options).is_ok());
    }

    /// Ends the samples, and adds them to the profile.
    pub(crate) fn finish(&mut self, vm: &mut Vm) {
        let Some(profile) = self.profile.take() else { return };
        if let Some(samples) = vm.stop_sampling() {
            // A job may end before its first sample.
            let rest = samples.rest();
            let mut part = samples.resolve(vm, |_, _| None).within(self.part);
            part.unknown += rest;
            profile.add(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::terms::{self, PlanExpr, arg, call, case, law, nat};
    use crossbeam_channel::bounded;
    use runtime::RuntimeBuilder;
    use std::thread;

    fn runtime() -> Vm {
        RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap").into()
    }

    /// A law that counts down from its argument.
    fn count_down() -> PlanExpr {
        law(1, case(arg(1), nat(7), arg(0)))
    }

    fn evaluate(sampler: &mut RuntimeSampler, vm: &mut Vm, function: &PlanExpr, count: u64) -> Val {
        let (function, count) = (function.value(vm), vm.nat(count));
        let call = |vm: &mut Vm| vm.begin_call(&function, std::slice::from_ref(&count));
        sampler.evaluate(vm, call).expect("it ends")
    }

    #[test]
    fn what_has_ended_before_the_profile_is_one_part_of_it() {
        let sampling = Arc::<WorkerSampling>::default();
        let (profiles, taken) = bounded(8);
        sampling.end(&profiles);
        for options in [SamplingOptions::default(), SamplingOptions::Allocation(1024)] {
            sampling.begin(options);
            for _ in 0..3 {
                let (mut vm, mut sampler) = (runtime(), RuntimeSampler::new(&sampling, "(jobs)"));
                let result = evaluate(&mut sampler, &mut vm, &count_down(), 10_000);
                assert_eq!(vm.look(&result).as_u64(), Some(7));
                assert!(vm.is_sampling());
                sampler.finish(&mut vm);
                assert!(!vm.is_sampling());
            }
            sampling.end(&profiles);
            let profile = taken.try_recv().expect("a profile");
            assert!(options != SamplingOptions::default() || profile.total() > 0);
            assert!(profile.laws.iter().any(|law| law.name == "(jobs)"));
            assert!(taken.is_empty());
        }
        // Without a profile, nothing is sampled.
        let (mut vm, mut sampler) = (runtime(), RuntimeSampler::new(&sampling, "(jobs)"));
        evaluate(&mut sampler, &mut vm, &count_down(), 10);
        assert!(!vm.is_sampling() && taken.is_empty());
        assert!(sampling.0.lock().evaluations.is_empty());
    }

    #[test]
    fn an_evaluation_without_an_end_takes_part_and_can_be_stopped() {
        let sampling = Arc::<WorkerSampling>::default();
        let endless = law(1, call(arg(0), [arg(1)]));
        let (handles, handle) = bounded(1);
        let worker = thread::spawn({
            let sampling = Arc::clone(&sampling);
            move || {
                let (mut vm, mut sampler) = (runtime(), RuntimeSampler::new(&sampling, "(jobs)"));
                let (function, argument) = (endless.value(&mut vm), vm.nat(0));
                handles.send(vm.interrupt_handle()).expect("the test waits");
                let args = std::slice::from_ref(&argument);
                let result = sampler.evaluate(&mut vm, |vm| vm.begin_call(&function, args));
                matches!(result, Err(EvalError::Interrupted)) && !vm.is_sampling()
            }
        });
        let handle = handle.recv().expect("the thread runs");
        while sampling.0.lock().evaluations.is_empty() {
            thread::yield_now();
        }
        for _ in 0..3 {
            sampling.begin(SamplingOptions::default());
            // The thread has a part of the profile as soon as it refers to it.
            let has_begun =
                || Arc::strong_count(sampling.0.lock().profile.as_ref().expect("a profile")) > 1;
            while !has_begun() {
                thread::yield_now();
            }
            let (profiles, taken) = bounded(8);
            sampling.end(&profiles);
            drop(profiles);
            assert_eq!(taken.iter().count(), 1, "then the thread has left the profile");
        }
        handle.request_stop();
        assert!(worker.join().expect("it does not panic"));
    }
}
