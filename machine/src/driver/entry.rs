//! [`Driver`]: what the thread of a driver knows about it, and how the driver takes its messages.
//!
//! ```text
//!            message                     value
//!   Idle ───────────────▶ (call) ─────────────────▶ Issuing ──all issued──▶ Idle
//!     ▲                     │  │failure                │ ▲
//!     │ pause is over       │  ▼                no room ▼ │ room
//!   Paused ◀──────────── begins anew               Blocked
//! ```
//!
//! `AtWork` is the state in which a private runtime has a task of the driver. In all states but
//! `Idle`, messages wait.

use super::DriverContext;
use super::SHARED_VALUE_BYTES;
use super::backoff::RestartBackoff;
use super::calls::PendingCalls;
use super::inbox::{
    DriverIdentity, PrivateReport, PrivateTask, PrivateWork, TaskOrigin, ThreadMessage,
};
use super::placement::Placement;
use super::private::{PrivateRuntimes, SubmitError};
use super::requests::{RequestIssuer, RequestSender};
use super::serialized::{REQUESTS_AT_A_TIME, SerializedRequest, is_for_cog};
use super::shared::{SharedOutcome, SharedRuntime};
use super::timers::DriverTimers;
use super::value::{DriverValue, MessageValue};
use crate::codec;
use crate::console::ReportOrigin;
use crate::device::{CallerId, DelayedCall, DeviceAnswer, UnknownDevices};
use crate::mailbox::Address;
use crate::message::{ControlMessage, DriverMessage, WorkerCalls};
use crate::packed::PackedMessage;
use crate::protocol::{self, DriverRequest};
use crate::trace::ConsoleMessage;
use plan::Val;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The value of a driver in the shared runtime is measured when its calls have allocated this many
/// words since the last time.
const MEASURED_AFTER: u64 = 2 << 20;

/// What the drivers of a thread share.
pub(super) struct ThreadResources {
    pub(super) context: Arc<DriverContext>,
    pub(super) runtime: SharedRuntime,
    pub(super) private: Arc<PrivateRuntimes>,
    pub(super) requests: RequestSender,
    pub(super) timers: DriverTimers,
    /// To the thread itself.
    pub(super) address: Address<ThreadMessage>,
}

/// Where the current value of a driver is.
enum CurrentValue {
    Here(DriverValue),
    /// In a private runtime, or on the way back from it.
    Private,
}

/// The requests that are to be issued next.
enum RequestSource {
    /// Those in the current value, which is loaded, from this index on.
    Row { next: usize },
    /// Those that a private runtime has serialized, and then those in the current value from the
    /// index `more` on.
    Serialized { requests: VecDeque<SerializedRequest>, more: Option<usize> },
}

/// What a driver does.
enum Activity {
    /// It waits for a message.
    Idle,
    /// It issues requests.
    Issuing(RequestSource),
    /// It waits for room in the event loop's queue.
    Blocked(RequestSource),
    /// A private runtime has a task of it.
    AtWork,
    /// It has a task for a private runtime, and waits for its value to come back from another.
    AwaitingValue(PrivateWork),
    /// It waits until this time, and begins anew then.
    Paused { until: Instant },
    /// It never does anything again.
    Ended,
}

/// A driver. See the module's overview.
pub(super) struct Driver {
    identity: DriverIdentity,
    /// The value in the cog's slot.
    initial: DriverValue,
    current: CurrentValue,
    activity: Activity,
    calls: PendingCalls,
    /// Messages that have not been taken, oldest first.
    waiting: VecDeque<DriverMessage>,
    placement: Placement,
    /// Words allocated in the shared runtime since the value was measured.
    allocated: u64,
    /// How often the driver has begun anew.
    generation: u32,
    backoff: RestartBackoff,
    /// Set by the first call of an unknown device.
    unknown_devices: Option<Box<UnknownDevices>>,
}

// There may be a hundred thousand, mostly idle.
const _: () = assert!(size_of::<Driver>() <= 384);

impl Driver {
    /// A driver that is to issue the requests in its initial value.
    pub(super) fn new(
        identity: DriverIdentity,
        initial: DriverValue,
        resources: &ThreadResources,
    ) -> Driver {
        let mut placement = Placement::new(&resources.context.settings.drivers);
        if let DriverValue::Serialized(_) = initial {
            placement.move_to_private();
        }
        Driver {
            identity,
            current: CurrentValue::Here(initial.clone()),
            initial,
            activity: Activity::Issuing(RequestSource::Row { next: 0 }),
            calls: PendingCalls::default(),
            waiting: VecDeque::new(),
            placement,
            allocated: 0,
            generation: 0,
            backoff: RestartBackoff::default(),
            unknown_devices: None,
        }
    }

    /// Whether the driver can use a turn.
    pub(super) fn is_ready(&self) -> bool {
        match self.activity {
            Activity::Issuing(_) => true,
            Activity::Idle => !self.waiting.is_empty(),
            _ => false,
        }
    }

    /// Whether the driver may do something without another message of the event loop: it can use a
    /// turn, waits for a thread or a timer, or a call of it may be answered.
    pub(super) fn can_act(&self) -> bool {
        match self.activity {
            Activity::Idle => !self.waiting.is_empty() || self.calls.has_answerable(),
            Activity::Ended => false,
            _ => true,
        }
    }

    /// Uses a turn: issues some requests, or takes a message.
    pub(super) fn take_turn(&mut self, resources: &mut ThreadResources) {
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Issuing(source) => self.issue(source, resources),
            Activity::Idle => {
                if let Some(message) = self.waiting.pop_front() {
                    if self.waiting.is_empty() {
                        self.waiting = VecDeque::new();
                    }
                    self.handle(message, resources);
                }
            }
            activity => self.activity = activity,
        }
    }

    /// Notes that there is room in the event loop's queue.
    pub(super) fn unblock(&mut self) {
        self.activity = match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Blocked(source) => Activity::Issuing(source),
            activity => activity,
        };
    }

    /// Adds a message to those that wait. During a pause, only messages of the cog are kept: others
    /// concern calls and inputs from before the pause.
    pub(super) fn receive(&mut self, message: DriverMessage) {
        let is_kept = match self.activity {
            Activity::Ended => false,
            Activity::Paused { .. } => matches!(message, DriverMessage::CogOutput { .. }),
            _ => true,
        };
        if is_kept {
            self.waiting.push_back(message);
        }
    }

    /// Does what is due at the time `now`: ends a pause, and answers calls of unknown devices.
    pub(super) fn wake(&mut self, now: Instant, resources: &mut ThreadResources) {
        if matches!(self.activity, Activity::Paused { until } if until <= now) {
            self.restart(resources);
        }
        while let Some(call) = self.unknown_devices.as_mut().and_then(|it| it.take_due(now)) {
            let DelayedCall { key, serial } = call;
            let answer = Some(DeviceAnswer::ZERO);
            self.receive(DriverMessage::DeviceAnswer { key, serial, answer });
        }
    }

    /// The calls that have not been answered, at most `limit` of them.
    pub(super) fn open_calls(&self, limit: usize) -> WorkerCalls {
        WorkerCalls { slot: self.identity.slot, calls: self.calls.open(limit) }
    }

    /// Cancels the pending calls, and releases what devices and private runtimes keep for the
    /// driver. It must not be used afterwards.
    pub(super) fn end(&mut self, resources: &ThreadResources) {
        self.activity = Activity::Ended;
        self.waiting.clear();
        self.cancel_all_calls(resources);
        if matches!(self.current, CurrentValue::Private) {
            resources.private.release(self.identity.worker);
        }
    }

    fn cancel_all_calls(&mut self, resources: &ThreadResources) {
        self.calls.cancel_all(&resources.context.devices, CallerId(self.identity.worker));
    }

    fn handle(&mut self, message: DriverMessage, resources: &mut ThreadResources) {
        let (key, value) = match message {
            DriverMessage::CogOutput { key, value } => {
                self.calls.cancel(key);
                (key, MessageValue::Packed(value))
            }
            DriverMessage::ReadAnswer { key, serial, value } if self.calls.close(key, serial) => {
                (key, MessageValue::Packed(value))
            }
            DriverMessage::DeviceAnswer { key, serial, answer: None } => {
                return self.calls.note_unanswerable(key, serial);
            }
            DriverMessage::DeviceAnswer { key, serial, answer: Some(answer) }
                if self.calls.close(key, serial) =>
            {
                (key, MessageValue::Answer(answer))
            }
            DriverMessage::ReadFailed { key, serial } if self.calls.close(key, serial) => {
                return self.begin_anew(resources);
            }
            DriverMessage::InputSetAside => return self.begin_anew(resources),
            DriverMessage::ReadAnswer { .. }
            | DriverMessage::ReadFailed { .. }
            | DriverMessage::DeviceAnswer { .. } => return,
        };
        self.calls.begin_row();
        self.call(key, value, resources);
    }

    /// Calls the driver with a message: in the shared runtime if it may, else in a private one.
    fn call(&mut self, key: u64, message: MessageValue, resources: &mut ThreadResources) {
        let budget = resources.context.settings.drivers.call_budget;
        let may_share = !self.placement.is_private()
            && message.size() <= SHARED_VALUE_BYTES
            && !budget.is_zero();
        let current = match &self.current {
            CurrentValue::Here(DriverValue::Loaded(value)) if may_share => Some(value.clone()),
            _ => None,
        };
        let Some(current) = current else {
            return self.submit(PrivateWork::Call { key, message }, resources);
        };
        let worker = (self.identity.slot, &*self.identity.token);
        let call = resources.runtime.call(worker, &current, key, &message);
        match call.outcome {
            SharedOutcome::Value(next) => {
                self.count_shared_call(&next, call.took, call.allocated, resources);
                self.current = CurrentValue::Here(DriverValue::Loaded(next));
                self.issue(RequestSource::Row { next: 0 }, resources);
            }
            SharedOutcome::Failed => self.begin_anew(resources),
            SharedOutcome::Cancelled => self.activity = Activity::Ended,
            SharedOutcome::Abandoned => {
                self.placement.move_to_private();
                self.submit(PrivateWork::Call { key, message }, resources);
            }
            SharedOutcome::Damaged(stop) => {
                let settings = &resources.context.settings;
                let origin = ReportOrigin::Driver(self.identity.slot);
                let heap = resources.runtime.heap();
                ConsoleMessage::of_failure(settings, heap, heap.call_chain(), origin, &stop)
                    .show(&*settings.console);
                if let Some(damage) = ControlMessage::of_damage(&stop) {
                    // The event loop stops the machine.
                    resources.context.control.send(damage);
                }
                self.identity.token.cancel();
                self.end(resources);
            }
        }
    }

    /// Counts a call that ended in the shared runtime with the value `next`, and measures the value
    /// now and then.
    fn count_shared_call(
        &mut self,
        next: &Val,
        took: Duration,
        allocated: u64,
        resources: &ThreadResources,
    ) {
        self.placement.count_shared_call(took);
        self.allocated += allocated;
        if self.allocated >= MEASURED_AFTER {
            self.allocated = 0;
            if resources.runtime.is_large(next) {
                self.placement.move_to_private();
            }
        }
    }

    /// Begins again from the value in the slot, at once or after a pause. The devices' clients
    /// notice that their calls were given up.
    fn begin_anew(&mut self, resources: &mut ThreadResources) {
        self.cancel_all_calls(resources);
        if matches!(self.current, CurrentValue::Private) {
            resources.private.release(self.identity.worker);
        }
        self.current = CurrentValue::Here(self.initial.clone());
        self.generation = self.generation.wrapping_add(1);
        let now = resources.context.settings.clock.instant();
        match self.backoff.count_failure(now) {
            None => self.restart(resources),
            Some(pause) => {
                let until = now + pause;
                self.activity = Activity::Paused { until };
                self.waiting.retain(|it| matches!(it, DriverMessage::CogOutput { .. }));
                resources.timers.add(until, self.identity.worker);
            }
        }
    }

    /// Issues the requests of the initial value.
    fn restart(&mut self, resources: &ThreadResources) {
        self.backoff.restarted(resources.context.settings.clock.instant());
        self.activity = Activity::Issuing(RequestSource::Row { next: 0 });
    }

    /// Has a private runtime do something with the current value.
    fn submit(&mut self, work: PrivateWork, resources: &mut ThreadResources) {
        let value = match std::mem::replace(&mut self.current, CurrentValue::Private) {
            CurrentValue::Private => None,
            CurrentValue::Here(DriverValue::Serialized(value)) => Some(value),
            CurrentValue::Here(DriverValue::Loaded(value)) => {
                match codec::serialize(resources.runtime.heap(), &value) {
                    Ok(value) => Some(Arc::new(value)),
                    Err(_) => {
                        self.current = CurrentValue::Here(DriverValue::Loaded(value));
                        return self.lose_value(resources);
                    }
                }
            }
        };
        let report_to = resources.address.clone();
        let (driver, generation) = (self.identity.clone(), self.generation);
        let task = PrivateTask { driver, generation, value, work, report_to };
        self.activity = match resources.private.submit(task) {
            Ok(()) => Activity::AtWork,
            Err(SubmitError::ValueIsOnItsWay(task)) => Activity::AwaitingValue(task.work),
            Err(SubmitError::System(error)) => {
                // If the event loop has ended, no thread receives the message.
                resources.context.control.send(ControlMessage::WorkerFailed(error));
                Activity::Ended
            }
        };
    }

    /// Begins anew because the current value cannot be moved to another runtime.
    fn lose_value(&mut self, resources: &mut ThreadResources) {
        self.issuer(resources).1.report_too_large();
        self.begin_anew(resources);
    }

    /// Handles what a private runtime has done.
    pub(super) fn handle_report(
        &mut self,
        from: TaskOrigin,
        report: PrivateReport,
        resources: &mut ThreadResources,
    ) {
        if from.generation != self.generation || matches!(self.activity, Activity::Ended) {
            return;
        }
        match report {
            PrivateReport::Requests { requests, more, call } => {
                let may_return = call.is_some_and(|took| self.placement.count_private_call(took));
                if may_return {
                    self.placement.move_to_shared();
                }
                let requests = requests.into();
                self.activity = Activity::Issuing(RequestSource::Serialized { requests, more });
            }
            PrivateReport::Failed => self.begin_anew(resources),
            PrivateReport::Ended => self.end(resources),
            PrivateReport::ValueIsLarge => {
                self.placement.stay_private();
                self.placement.move_to_private();
                self.activity = Activity::Idle;
            }
            PrivateReport::Value(None) => self.lose_value(resources),
            PrivateReport::Value(Some(value)) => {
                self.current = CurrentValue::Here(DriverValue::Serialized(Arc::new(value)));
                match std::mem::replace(&mut self.activity, Activity::Idle) {
                    Activity::AtWork | Activity::AwaitingValue(PrivateWork::GiveBack) => {
                        self.return_to_shared(resources);
                    }
                    Activity::AwaitingValue(work) => self.submit(work, resources),
                    activity => self.activity = activity,
                }
            }
        }
    }

    /// Moves the current value, which a private runtime has given back, into the shared runtime.
    fn return_to_shared(&mut self, resources: &mut ThreadResources) {
        let CurrentValue::Here(DriverValue::Serialized(value)) = &self.current else { return };
        let loaded = match value.len() <= SHARED_VALUE_BYTES {
            true => resources.runtime.load(value).ok(),
            false => None,
        };
        match loaded {
            Some(value) => self.current = CurrentValue::Here(DriverValue::Loaded(value)),
            None => {
                self.placement.stay_private();
                self.placement.move_to_private();
            }
        }
    }

    /// What issues the requests of this driver, and the heap of the shared runtime.
    fn issuer<'a>(
        &'a mut self,
        resources: &'a mut ThreadResources,
    ) -> (&'a mut SharedRuntime, RequestIssuer<'a>) {
        let Driver { identity, calls, unknown_devices, .. } = self;
        let ThreadResources { context, runtime, requests, timers, address, .. } = resources;
        let sender = requests;
        let issuer = RequestIssuer {
            context,
            driver: identity,
            calls,
            unknown_devices,
            sender,
            timers,
            address,
        };
        (runtime, issuer)
    }

    /// Issues some requests, in order.
    fn issue(&mut self, source: RequestSource, resources: &mut ThreadResources) {
        match source {
            RequestSource::Row { next } => match &self.current {
                CurrentValue::Here(DriverValue::Loaded(value)) => {
                    let value = value.clone();
                    self.issue_row(&value, next, resources);
                }
                // A private runtime returns them.
                _ => self.submit(PrivateWork::Requests { from: next }, resources),
            },
            RequestSource::Serialized { requests, more } => {
                self.issue_serialized(requests, more, resources);
            }
        }
    }

    fn issue_row(&mut self, value: &Val, from: usize, resources: &mut ThreadResources) {
        let worker = self.identity.worker;
        let (runtime, mut issuer) = self.issuer(resources);
        let (vm, packer) = runtime.packing();
        let row = protocol::request_row(vm.look(value));
        let len = row.map_or(0, |row| row.len());
        let end = len.min(from + REQUESTS_AT_A_TIME);
        for index in from..end {
            let item = row.and_then(|row| row.get(index));
            let Some((key, request)) = item.and_then(protocol::request) else { continue };
            if is_for_cog(&request) && issuer.sender.is_full() {
                issuer.sender.block(worker);
                self.activity = Activity::Blocked(RequestSource::Row { next: index });
                return;
            }
            issuer.issue((vm, packer), key, &request);
        }
        self.activity = match end < len {
            true => Activity::Issuing(RequestSource::Row { next: end }),
            false => Activity::Idle,
        };
    }

    fn issue_serialized(
        &mut self,
        mut requests: VecDeque<SerializedRequest>,
        more: Option<usize>,
        resources: &mut ThreadResources,
    ) {
        let worker = self.identity.worker;
        let (runtime, mut issuer) = self.issuer(resources);
        while let Some(request) = requests.pop_front() {
            if request.is_for_cog() && issuer.sender.is_full() {
                requests.push_front(request);
                issuer.sender.block(worker);
                self.activity = Activity::Blocked(RequestSource::Serialized { requests, more });
                return;
            }
            match request {
                SerializedRequest::Write(value) => issuer.write(PackedMessage::Seed(value)),
                SerializedRequest::Read { key, query } => {
                    issuer.read(key, PackedMessage::Seed(query));
                }
                SerializedRequest::TooLarge => issuer.report_too_large(),
                SerializedRequest::Call { key, call } => match runtime.load(&call) {
                    Ok(call) => {
                        let (vm, packer) = runtime.packing();
                        if let Some(request @ DriverRequest::Call(..)) =
                            protocol::request_body(vm.look(&call))
                        {
                            issuer.issue((vm, packer), key, &request);
                        }
                    }
                    Err(_) => issuer.report_too_large(),
                },
            }
        }
        if let Some(from) = more {
            self.submit(PrivateWork::Requests { from }, resources);
        } else if !self.placement.is_private() && matches!(self.current, CurrentValue::Private) {
            self.submit(PrivateWork::GiveBack, resources);
        } else {
            self.activity = Activity::Idle;
        }
    }
}
