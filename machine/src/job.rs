//! Jobs: evaluations that a cog asks for, done in parallel by a bounded pool of threads.
//!
//! A job's result is a row: `[value]`, `[op arg]` of a crash, or `[]` when it ended for lack of
//! stack or memory or needs itself. Each job has a heap of its own, made for it and dropped with it.

use crate::codec::{self, Portable};
use crate::console::Who;
use crate::error::SystemError;
use crate::leash::Leash;
use crate::messages::Control;
use crate::record::Payload;
use crate::settings::Settings;
use crate::trace::Said;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use vm::{Hash, Ref, Stop, Val, Vm};

/// Results up to this many bytes are written into the log. Of larger ones the hash is, and a replay
/// computes them again.
const LOGGED: usize = 1 << 20;

/// A job to be done.
pub(crate) struct Task {
    /// The worker's number.
    pub(crate) worker: u64,
    pub(crate) slot: u64,
    /// The row `[0 f args]`.
    pub(crate) job: Portable,
    pub(crate) leash: Arc<Leash>,
}

/// A job that is done.
pub(crate) struct Done {
    pub(crate) value: Portable,
    pub(crate) hash: Hash,
}

impl Done {
    /// The result as an input to the cog.
    pub(crate) fn payload(self) -> Payload {
        if self.value.len() <= LOGGED {
            Payload::Result(self.value)
        } else {
            Payload::Noted(self.hash, Some(self.value))
        }
    }
}

/// Why a job has no result.
#[derive(Debug)]
pub(crate) enum NoResult {
    /// It was ended.
    Interrupted,
    /// It could not be begun, or its result has no bytes.
    Failed,
}

/// Does a job in this thread, silently.
pub(crate) fn compute(settings: &Settings, job: &Portable) -> Result<Done, NoResult> {
    let mut vm = settings.small_runtime().map_err(|_| NoResult::Failed)?;
    run(&mut vm, job).1
}

/// Does a job; says also how it ended, if not with a value.
fn run(vm: &mut Vm, job: &Portable) -> (Option<Stop>, Result<Done, NoResult>) {
    let (row, stop) = match evaluate(vm, job) {
        Ok(value) => (vec![value], None),
        Err(Stop::Interrupted) => return (None, Err(NoResult::Interrupted)),
        Err(Stop::Crash { op, arg }) => {
            (vec![op.clone(), arg.clone()], Some(Stop::Crash { op, arg }))
        }
        Err(stop) => (Vec::new(), Some(stop)),
    };
    let done = finish(vm, &row).or_else(|| finish(vm, &[]));
    (stop, done.ok_or(NoResult::Failed))
}

fn evaluate(vm: &mut Vm, job: &Portable) -> Result<Val, Stop> {
    let job = codec::unpack(vm, job)
        .map_err(|error| codec::out_of_room(&error).unwrap_or(Stop::HeapFull))?;
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
    vm.call_in_order(&function, &args)
}

fn finish(vm: &mut Vm, row: &[Val]) -> Option<Done> {
    let row = vm.row(row).and_then(|row| vm.force(&row)).ok()?;
    Some(Done { value: codec::pack(vm, &row).ok()?, hash: vm.hash(&row).ok()? })
}

/// The pool. Dropping it ends its threads when they have done what they are at.
pub(crate) struct JobPool {
    settings: Arc<Settings>,
    control: Sender<Control>,
    tasks: Option<Sender<Task>>,
    queue: Receiver<Task>,
    threads: Vec<JoinHandle<()>>,
}

impl JobPool {
    /// A pool without threads as yet, whose results go there.
    pub(crate) fn new(settings: &Arc<Settings>, control: Sender<Control>) -> JobPool {
        let (tasks, queue) = unbounded();
        let settings = Arc::clone(settings);
        JobPool { settings, control, tasks: Some(tasks), queue, threads: Vec::new() }
    }

    /// Has a job done, as soon as a thread is free for it.
    pub(crate) fn submit(&mut self, task: Task) -> Result<(), SystemError> {
        if self.threads.len() < self.settings.jobs.max(1) {
            self.start_thread()?;
        }
        if let Some(tasks) = &self.tasks {
            // The pool itself holds a receiver.
            let _ = tasks.send(task);
        }
        Ok(())
    }

    fn start_thread(&mut self) -> Result<(), SystemError> {
        let (settings, control) = (Arc::clone(&self.settings), self.control.clone());
        let queue = self.queue.clone();
        let thread = thread::Builder::new()
            .name("pallas-job".into())
            .spawn(move || {
                let _guard = Control::on_panic(&control, "a job");
                queue.iter().for_each(|task| perform(&settings, &control, &task));
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
            // A panic has been reported by the guard.
            let _ = thread.join();
        }
    }
}

/// Does a job and sends its result.
fn perform(settings: &Arc<Settings>, control: &Sender<Control>, task: &Task) {
    if task.leash.is_ended() {
        return;
    }
    let mut vm = match settings.small_runtime() {
        Ok(vm) => vm,
        Err(error) => {
            // A machine that is gone need not know.
            let _ = control.send(Control::WorkerFailed(error));
            return;
        }
    };
    let shown = Arc::clone(settings);
    vm.on_trace(move |message| {
        shown.console.show(&shown.console.trace_text(message, shown.clock.now()));
    });
    task.leash.attach(vm.interrupt_flag());
    let (stop, done) = run(&mut vm, &task.job);
    if task.leash.is_ended() {
        return;
    }
    if let Some(stop) = stop {
        Said::of_stop(settings, &vm, Who::Job(task.slot), &stop).show(&*settings.console);
    }
    if let Ok(done) = done {
        // A machine that is gone needs no result.
        let _ = control.send(Control::JobDone { worker: task.worker, payload: done.payload() });
    }
}
