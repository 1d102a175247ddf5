//! Jobs: evaluations that a cog asks for, computed in parallel by a bounded pool of threads.
//!
//! The result of a job is a row in the form that the cog expects ([`JobResultForm`]). A job in which
//! a value is needed to compute itself has the result of one that runs out of CPU time. Each job has
//! a heap of its own, made for the job and dropped with it, and with it goes all memory that the job
//! has used.

use crate::cancellation::CancellationToken;
use crate::codec::{self, SeedBytes};
use crate::console::ReportOrigin;
use crate::conventions::JobResultForm;
use crate::error::SystemError;
use crate::event::InputPayload;
use crate::mailbox::Address;
use crate::message::ControlMessage;
use crate::settings::MachineSettings;
use crate::trace::{self, ConsoleMessage};
use crate::watchdog::{Interruption, Watchdog};
use crate::worker_sampling::{RuntimeSampler, WorkerSampling};
use crossbeam_channel::{Receiver, Sender, unbounded};
use plan::{EvalError, Hash, Ref, Val};
use profile::{ProfileTimer, ProfileTrack};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use vm::Vm;

/// The largest result that is written into the log, in bytes. Of a larger one the log has the hash,
/// and a replay computes the job again.
const LOGGED_RESULT_LIMIT: usize = 1 << 20;

/// A job to be computed.
pub(crate) struct JobTask {
    /// The worker's number.
    pub(crate) worker: u64,
    pub(crate) slot: u64,
    /// The row `[0 f args]`.
    pub(crate) job: SeedBytes,
    pub(crate) token: Arc<CancellationToken>,
}

/// The result row of a job.
pub(crate) struct JobResult {
    pub(crate) value: SeedBytes,
    pub(crate) hash: Hash,
}

impl JobResult {
    /// The result as an input of the cog.
    fn into_payload(self) -> InputPayload {
        if self.value.len() <= LOGGED_RESULT_LIMIT {
            InputPayload::JobResult(self.value)
        } else {
            InputPayload::JobResultHash(self.hash, Some(self.value))
        }
    }
}

/// Why a job has no result row.
#[derive(Debug)]
pub(crate) enum JobError {
    /// It was cancelled, or the machine is shutting down.
    Interrupted,
    /// It needed a damaged pin ([`EvalError::Damaged`]).
    Damaged(EvalError),
    /// The system refused a heap, or the result cannot be serialized.
    Failed,
}

/// How the evaluation of a job ended.
enum JobEnd {
    Value(Val),
    /// It called the nat `op` with `arg`.
    Crash {
        op: Val,
        arg: Val,
    },
    /// It exceeded a limit, or a value was needed to compute itself.
    Aborted,
}

/// Computes a job on this thread. Its traces are dropped.
pub(crate) fn compute(
    settings: &MachineSettings,
    job: &SeedBytes,
    form: JobResultForm,
) -> Result<JobResult, JobError> {
    let mut vm = settings.worker_runtime(None).map_err(|_| JobError::Failed)?;
    let evaluated = evaluate(&mut vm, job, Vm::call_in_order);
    conclude(&mut vm, evaluated, None, form).map(|(result, _)| result)
}

/// Makes the result row of a job from its evaluation, and from why the watchdog interrupted that,
/// if it did. Returns also how the evaluation failed, if it did.
fn conclude(
    vm: &mut Vm,
    evaluated: Result<Val, EvalError>,
    interruption: Option<Interruption>,
    form: JobResultForm,
) -> Result<(JobResult, Option<EvalError>), JobError> {
    vm.check_damage().map_err(JobError::Damaged)?;
    let (end, failure) = match evaluated {
        Ok(value) => (JobEnd::Value(value), None),
        Err(EvalError::Interrupted) if interruption != Some(Interruption::TimeLimit) => {
            return Err(JobError::Interrupted);
        }
        Err(damaged @ EvalError::Damaged { .. }) => return Err(JobError::Damaged(damaged)),
        Err(EvalError::Crash { op, arg }) => {
            let end = JobEnd::Crash { op: op.clone(), arg: arg.clone() };
            (end, Some(EvalError::Crash { op, arg }))
        }
        Err(stop) => (JobEnd::Aborted, Some(stop)),
    };
    let result = result_row(vm, &end, form).or_else(|| result_row(vm, &JobEnd::Aborted, form));
    vm.check_damage().map_err(JobError::Damaged)?;
    Ok((result.ok_or(JobError::Failed)?, failure))
}

/// Evaluates a job, whose function `call` applies to its arguments.
fn evaluate(
    vm: &mut Vm,
    job: &SeedBytes,
    call: impl FnOnce(&mut Vm, &Val, &[Val]) -> Result<Val, EvalError>,
) -> Result<Val, EvalError> {
    let job = codec::deserialize_own(vm, job)?;
    let row = vm.look(&job).as_row();
    let part = |index| row.and_then(|row| row.get(index));
    let hold = |value: Ref<'_>| vm.hold(value);
    let function = part(1).map(hold);
    let args: Vec<Val> = part(2)
        .and_then(Ref::as_row)
        .map(|args| args.iter().map(hold).collect())
        .unwrap_or_default();
    let Some(function) = function else { return Ok(vm.nat(0)) };
    if args.is_empty() {
        return Ok(function);
    }
    call(vm, &function, &args)
}

/// Makes the result row; None if it is too large.
fn result_row(vm: &mut Vm, end: &JobEnd, form: JobResultForm) -> Option<JobResult> {
    let items = match (form, end) {
        (JobResultForm::Plain, JobEnd::Value(value)) => vec![value.clone()],
        (JobResultForm::Plain, JobEnd::Crash { op, arg }) => vec![op.clone(), arg.clone()],
        (JobResultForm::Plain, JobEnd::Aborted) => Vec::new(),
        (JobResultForm::Tagged, JobEnd::Value(value)) => vec![vm.nat(1), value.clone()],
        (JobResultForm::Tagged, JobEnd::Crash { op, arg }) => {
            let crash = vm.row(&[op.clone(), arg.clone()]).ok()?;
            vec![vm.nat(0), crash]
        }
        (JobResultForm::Tagged, JobEnd::Aborted) => vec![vm.nat(0), vm.nat(0)],
    };
    let row = vm.row(&items).and_then(|row| vm.force(&row)).ok()?;
    Some(JobResult { value: codec::serialize(vm, &row).ok()?, hash: vm.hash(&row).ok()? })
}

/// The pool of threads that compute jobs. Dropping it waits until each thread has ended the job
/// that it is at.
pub(crate) struct JobPool {
    settings: Arc<MachineSettings>,
    watchdog: Arc<Watchdog>,
    form: JobResultForm,
    sampling: Arc<WorkerSampling>,
    control: Address<ControlMessage>,
    tasks: Option<Sender<JobTask>>,
    queue: Receiver<JobTask>,
    threads: Vec<JoinHandle<()>>,
}

impl JobPool {
    /// A pool that has no thread yet, and sends results in the form `form` to `control`.
    pub(crate) fn new(
        settings: &Arc<MachineSettings>,
        watchdog: &Arc<Watchdog>,
        sampling: &Arc<WorkerSampling>,
        form: JobResultForm,
        control: Address<ControlMessage>,
    ) -> JobPool {
        let (tasks, queue) = unbounded();
        let (settings, watchdog) = (Arc::clone(settings), Arc::clone(watchdog));
        let sampling = Arc::clone(sampling);
        JobPool {
            settings,
            watchdog,
            form,
            sampling,
            control,
            tasks: Some(tasks),
            queue,
            threads: Vec::new(),
        }
    }

    /// Queues a job. Starts a thread if there are fewer than the settings allow.
    pub(crate) fn submit(&mut self, task: JobTask) -> Result<(), SystemError> {
        if self.threads.len() < self.settings.jobs.max(1) {
            self.start_thread()?;
        }
        if let Some(tasks) = &self.tasks {
            // Sending cannot fail: the pool itself holds a receiver.
            let _ = tasks.send(task);
        }
        Ok(())
    }

    fn start_thread(&mut self) -> Result<(), SystemError> {
        let (settings, control) = (Arc::clone(&self.settings), self.control.clone());
        let (watchdog, queue) = (Arc::clone(&self.watchdog), self.queue.clone());
        let (form, sampling) = (self.form, Arc::clone(&self.sampling));
        let track = self.settings.track(&format!("job thread {}", self.threads.len() + 1));
        let thread = thread::Builder::new()
            .name("pallas-job".into())
            .spawn(move || {
                let _guard = ControlMessage::on_panic(&control, "a job");
                let mut sampler = RuntimeSampler::new(&sampling, "(jobs)");
                for task in queue {
                    let track = track.as_ref();
                    if let Some(message) =
                        perform(&settings, &watchdog, &mut sampler, form, track, &task)
                    {
                        // If the event loop has ended, no thread receives the result.
                        control.send(message);
                    }
                }
            })
            .map_err(SystemError::new("start a thread"))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for JobPool {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            // The thread's guard has reported a panic.
            let _ = thread.join();
        }
    }
}

/// Computes a job, and returns what the event loop is to know of it: nothing if the job was
/// cancelled.
fn perform(
    settings: &Arc<MachineSettings>,
    watchdog: &Watchdog,
    sampler: &mut RuntimeSampler,
    form: JobResultForm,
    track: Option<&ProfileTrack>,
    task: &JobTask,
) -> Option<ControlMessage> {
    if task.token.is_cancelled() {
        return None;
    }
    let mut vm = match settings.worker_runtime(track) {
        Ok(vm) => vm,
        Err(error) => return Some(ControlMessage::WorkerFailed(error)),
    };
    trace::show_at_once(&mut vm, settings);
    if !task.token.begin_evaluation(vm.interrupt_handle()) {
        return None;
    }
    let watch = watchdog.watch(&vm.interrupt_handle(), settings.limits.job);
    let timer = ProfileTimer::start(track);
    let evaluated = evaluate(&mut vm, &task.job, |vm, function, args| {
        sampler.evaluate(vm, |vm| vm.begin_call_in_order(function, args))
    });
    sampler.finish(&mut vm);
    let chain = vm.take_call_chain();
    let interruption = watch.finish();
    timer.span("job", "job", || vec![("slot", task.slot.into())]);
    if task.token.is_cancelled() {
        return None;
    }
    let result = conclude(&mut vm, evaluated, interruption, form);
    let origin = ReportOrigin::Job(task.slot);
    let report = |stop: &EvalError| {
        ConsoleMessage::of_failure(settings, &vm, &chain, origin, stop).show(&*settings.console);
    };
    match result {
        Ok((result, failure)) => {
            failure.iter().for_each(report);
            let payload = result.into_payload();
            Some(ControlMessage::JobDone { worker: task.worker, payload })
        }
        Err(JobError::Damaged(stop)) => {
            report(&stop);
            ControlMessage::of_damage(&stop)
        }
        Err(JobError::Interrupted) => None,
        Err(JobError::Failed) => {
            let error = io::Error::other("the result of a job does not fit");
            Some(ControlMessage::WorkerFailed(SystemError::new("reserve memory")(error)))
        }
    }
}
