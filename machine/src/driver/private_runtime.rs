//! [`PrivateRuntime`]: a runtime of one driver at a time, with the full limits.

use super::inbox::{
    DriverIdentity, PrivateReport, PrivateTask, PrivateWork, TaskOrigin, ThreadMessage,
};
use super::serialized::SerializedRequest;
use super::value::{MessageValue, begin_driver_call};
use super::{DriverContext, SHARED_VALUE_WORDS};
use crate::codec::{self, SeedBytes};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::mailbox::Address;
use crate::message::ControlMessage;
use crate::packed::PinLoader;
use crate::trace::{self, ConsoleMessage};
use crate::watchdog::Interruption;
use crate::worker_sampling::RuntimeSampler;
use plan::{EvalError, Val, takes_more_words_than};
use profile::{ProfileTimer, ProfileTrack};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::Vm;

/// A driver's value and the runtime that has it.
struct ResidentDriver {
    vm: Vm,
    /// The pins of messages to the driver.
    pins: PinLoader,
    value: Val,
    driver: DriverIdentity,
    origin: TaskOrigin,
    report_to: Address<ThreadMessage>,
    sampler: RuntimeSampler,
}

impl Drop for ResidentDriver {
    fn drop(&mut self) {
        self.sampler.finish(&mut self.vm);
    }
}

/// A runtime that is made for a driver, and dropped when the driver leaves.
pub(super) struct PrivateRuntime {
    context: Arc<DriverContext>,
    /// Where calls are recorded, if they are.
    track: Option<ProfileTrack>,
    resident: Option<ResidentDriver>,
}

/// Why a task has no result. The driver's value is dropped.
enum TaskFailure {
    /// The call failed, which has been reported.
    Failed,
    /// The driver was cancelled, or cannot run.
    Ended,
}

impl PrivateRuntime {
    /// A runtime without a driver.
    pub(super) fn new(context: &Arc<DriverContext>, track: Option<ProfileTrack>) -> PrivateRuntime {
        PrivateRuntime { context: Arc::clone(context), track, resident: None }
    }

    /// Drops the driver's value.
    pub(super) fn drop_value(&mut self) {
        self.resident = None;
    }

    /// Gives the driver's value, if there is one, back to its thread, unless it is of the driver that
    /// is `next`.
    pub(super) fn give_back(&mut self, next: Option<u64>) {
        let resident = self.resident.take();
        if let Some(resident) = resident.filter(|it| Some(it.origin.worker) != next) {
            let value = codec::serialize(&resident.vm, &resident.value).ok();
            let (from, report) = (resident.origin, PrivateReport::Value(value));
            // If the driver's thread has ended, it needs no report.
            resident.report_to.send(ThreadMessage::Report { from, report });
        }
    }

    /// Ends the samples of a profile that has ended.
    pub(super) fn align_profile(&mut self) {
        if let Some(ResidentDriver { vm, sampler, .. }) = &mut self.resident {
            sampler.align(vm);
        }
    }

    /// Does a task. If it comes with a value, the runtime has none.
    pub(super) fn perform(&mut self, task: PrivateTask) -> PrivateReport {
        match self.try_perform(task) {
            Ok(report) => report,
            Err(failure) => {
                self.drop_value();
                match failure {
                    TaskFailure::Failed => PrivateReport::Failed,
                    TaskFailure::Ended => PrivateReport::Ended,
                }
            }
        }
    }

    fn try_perform(&mut self, task: PrivateTask) -> Result<PrivateReport, TaskFailure> {
        let origin = task.origin();
        let PrivateTask { driver, value, work, report_to, .. } = task;
        if driver.token.is_cancelled() {
            return Err(TaskFailure::Ended);
        }
        if let Some(value) = value {
            let (vm, value) = self.load(driver.slot, &value)?;
            let pins = PinLoader::default();
            let sampler = RuntimeSampler::new(&self.context.sampling, "(private drivers)");
            self.resident =
                Some(ResidentDriver { vm, pins, value, driver, origin, report_to, sampler });
        }
        // The pool sends a task without a value only to the runtime that has it.
        let resident = self.resident.as_mut().ok_or(TaskFailure::Ended)?;
        match work {
            PrivateWork::GiveBack => {
                if takes_more_words_than(resident.vm.look(&resident.value), SHARED_VALUE_WORDS) {
                    return Ok(PrivateReport::ValueIsLarge);
                }
                let value = codec::serialize(&resident.vm, &resident.value).ok();
                self.resident = None;
                Ok(PrivateReport::Value(value))
            }
            PrivateWork::Requests { from } => Ok(resident.requests(from, None)),
            PrivateWork::Call { key, message } => {
                let started = Instant::now();
                resident.call(&self.context, self.track.as_ref(), key, &message)?;
                Ok(resident.requests(0, Some(started.elapsed())))
            }
        }
    }

    /// Makes a heap with a driver's value.
    fn load(&self, slot: u64, value: &SeedBytes) -> Result<(Vm, Val), TaskFailure> {
        let settings = &self.context.settings;
        let mut vm = settings.worker_runtime(self.track.as_ref()).map_err(|error| {
            // If the event loop has ended, no thread receives the message.
            self.context.control.send(ControlMessage::WorkerFailed(error));
            TaskFailure::Ended
        })?;
        trace::show_at_once(&mut vm, settings);
        let value = codec::deserialize(&mut vm, value).map_err(|_| {
            let origin = ReportOrigin::Driver(slot);
            settings.console.notice(&ConsoleNotice::TooLarge(origin));
            TaskFailure::Ended
        })?;
        Ok((vm, value))
    }
}

impl ResidentDriver {
    fn requests(&self, from: usize, call: Option<Duration>) -> PrivateReport {
        let (requests, more) = SerializedRequest::some_of(&self.vm, &self.value, from);
        PrivateReport::Requests { requests, more, call }
    }

    /// Calls the driver, under the time limit. The result is its next value.
    fn call(
        &mut self,
        context: &DriverContext,
        track: Option<&ProfileTrack>,
        key: u64,
        message: &MessageValue,
    ) -> Result<(), TaskFailure> {
        let ResidentDriver { vm, pins, value, driver, sampler, .. } = self;
        let interrupt = vm.interrupt_handle();
        if !driver.token.begin_evaluation(interrupt.clone()) {
            return Err(TaskFailure::Ended);
        }
        let watch = context.watchdog.watch(&interrupt, context.settings.limits.driver);
        let timer = ProfileTimer::start(track);
        let result = sampler.evaluate(vm, |vm| begin_driver_call((vm, pins), value, key, message));
        timer.span("evaluation", "call", || vec![("driver", driver.slot.into())]);
        if watch.finish() == Some(Interruption::Shutdown) {
            driver.token.cancel();
        }
        driver.token.end_evaluation();
        match result {
            _ if driver.token.is_cancelled() => Err(TaskFailure::Ended),
            Ok(next) => {
                *value = next;
                Ok(())
            }
            Err(stop) => Err(report_failure(context, vm, driver, &stop)),
        }
    }
}

/// Reports that a call failed.
fn report_failure(
    context: &DriverContext,
    vm: &Vm,
    driver: &DriverIdentity,
    stop: &EvalError,
) -> TaskFailure {
    let settings = &context.settings;
    let origin = ReportOrigin::Driver(driver.slot);
    ConsoleMessage::of_failure(settings, vm, vm.call_chain(), origin, stop)
        .show(&*settings.console);
    let Some(damage) = ControlMessage::of_damage(stop) else { return TaskFailure::Failed };
    // The event loop stops the machine.
    context.control.send(damage);
    driver.token.cancel();
    TaskFailure::Ended
}
