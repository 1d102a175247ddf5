//! A driver: a worker of the cog that interacts with the outside, on a thread and a heap of its
//! own.
//!
//! A driver begins as the value in the cog's slot. It is called with one answer or message at a
//! time, and each call returns the driver's next value, which holds its new requests. The value is
//! not saved: after a failure, after an input of it was set aside, and at each start of the
//! machine, a driver begins anew from the value in the slot. (Prototype: lib/Server/Proc.hs)

use crate::cancellation::CancellationToken;
use crate::codec::{self, SeedBytes};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::device::{
    CallerId, CancelCall, DelayedCall, DeviceAnswer, DeviceRegistry, DeviceReply, UnknownDevices,
};
use crate::message::{CogRequest, ControlMessage, DriverMessage};
use crate::protocol::{self, DriverRequest};
use crate::settings::MachineSettings;
use crate::trace::{self, ConsoleMessage};
use crate::watchdog::{Interruption, Watchdog};
use crossbeam_channel::{Receiver, Sender, never, select};
use plan::{EvalError, Val};
use profile::{ProfileTimer, ProfileTrack};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::Vm;

/// The largest value that may be written, in bytes. An event with it fits the log.
const WRITE_LIMIT: usize = 512 << 20;

/// A driver that fails again within this time after it was restarted pauses before it restarts.
const BACKOFF_WINDOW: Duration = Duration::from_secs(10);
/// The first pause. Each further one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What all drivers of a machine share.
pub(crate) struct DriverContext {
    pub(crate) settings: Arc<MachineSettings>,
    pub(crate) watchdog: Arc<Watchdog>,
    pub(crate) devices: DeviceRegistry,
    /// To the event loop. The channel is bounded: a driver waits while it is full.
    pub(crate) requests: Sender<CogRequest>,
    pub(crate) control: Sender<ControlMessage>,
}

/// What distinguishes one driver from the others.
pub(crate) struct DriverIdentity {
    /// The worker's number.
    pub(crate) worker: u64,
    pub(crate) slot: u64,
    pub(crate) token: Arc<CancellationToken>,
    /// To the driver itself.
    pub(crate) address: Sender<DriverMessage>,
}

/// A call that has not been answered.
struct PendingCall {
    serial: u64,
    cancel: Option<CancelCall>,
}

struct Driver<'c> {
    context: &'c DriverContext,
    identity: &'c DriverIdentity,
    vm: Vm,
    /// Where calls are recorded, if they are.
    track: Option<ProfileTrack>,
    /// The value in the cog's slot.
    initial: Val,
    current: Val,
    /// Pending calls, by key.
    pending: HashMap<u64, PendingCall>,
    next_serial: u64,
    unknown_devices: UnknownDevices,
    /// Messages of the cog that arrived during a pause, oldest first.
    backlog: VecDeque<DriverMessage>,
    /// Failures in a row, each within [`BACKOFF_WINDOW`] of the restart before.
    failures: u32,
    last_restart: Option<Instant>,
}

/// Runs a driver on this thread until it is cancelled.
pub(crate) fn run(
    context: &DriverContext,
    identity: &DriverIdentity,
    initial: &SeedBytes,
    inbox: &Receiver<DriverMessage>,
) {
    let _guard = ControlMessage::on_panic(&context.control, "a driver");
    let settings = &context.settings;
    let track = settings.track(&format!("driver {}", identity.slot));
    let mut vm = match settings.worker_runtime(track.as_ref()) {
        Ok(vm) => vm,
        Err(error) => {
            // If the event loop has ended, no thread receives the message.
            let _ = context.control.send(ControlMessage::WorkerFailed(error));
            return;
        }
    };
    trace::show_at_once(&mut vm, settings);
    identity.token.set_interrupt(vm.interrupt_flag());
    let Ok(initial) = codec::deserialize(&mut vm, initial) else {
        settings.console.notice(&ConsoleNotice::TooLarge(ReportOrigin::Driver(identity.slot)));
        return;
    };
    let mut driver = Driver {
        context,
        identity,
        vm,
        track,
        current: initial.clone(),
        initial,
        pending: HashMap::new(),
        next_serial: 0,
        unknown_devices: UnknownDevices::default(),
        backlog: VecDeque::new(),
        failures: 0,
        last_restart: None,
    };
    driver.issue_requests();
    while !identity.token.is_cancelled() {
        match driver.receive(inbox) {
            DriverMessage::Shutdown => break,
            message => driver.handle(message, inbox),
        }
    }
    driver.cancel_all_calls();
}

impl Driver<'_> {
    /// Returns the next message: one that was kept during a pause, or else the next to arrive, or a
    /// delayed answer to a call of an unknown device.
    fn receive(&mut self, inbox: &Receiver<DriverMessage>) -> DriverMessage {
        if let Some(message) = self.backlog.pop_front() {
            return message;
        }
        let clock = &*self.context.settings.clock;
        loop {
            let timer = self.unknown_devices.next_due().map_or_else(never, |due| clock.timer(due));
            select! {
                recv(inbox) -> message => return message.unwrap_or(DriverMessage::Shutdown),
                recv(timer) -> _ => {
                    if let Some(call) = self.unknown_devices.take_due(clock.instant()) {
                        let DelayedCall { key, serial } = call;
                        let answer = DeviceAnswer::ZERO;
                        return DriverMessage::DeviceAnswer { key, serial, answer };
                    }
                }
            }
        }
    }

    fn handle(&mut self, message: DriverMessage, inbox: &Receiver<DriverMessage>) {
        let (key, value) = match message {
            DriverMessage::CogOutput { key, value } => {
                self.cancel_call(key);
                (key, codec::deserialize_own(&mut self.vm, &value))
            }
            DriverMessage::ReadAnswer { key, serial, value } if self.close_call(key, serial) => {
                (key, codec::deserialize_own(&mut self.vm, &value))
            }
            DriverMessage::DeviceAnswer { key, serial, answer } if self.close_call(key, serial) => {
                (key, answer.build(&mut self.vm))
            }
            DriverMessage::ReadFailed { key, serial } if self.close_call(key, serial) => {
                return self.begin_anew(inbox);
            }
            DriverMessage::InputSetAside => return self.begin_anew(inbox),
            DriverMessage::ReadAnswer { .. }
            | DriverMessage::ReadFailed { .. }
            | DriverMessage::DeviceAnswer { .. }
            | DriverMessage::Shutdown => return,
        };
        match value.and_then(|value| self.step(key, &value)) {
            Ok(()) => self.issue_requests(),
            Err(_) if self.identity.token.is_cancelled() => {}
            Err(stop) => self.restart(&stop, inbox),
        }
    }

    /// Removes the pending call that an answer is for. Returns false if there is none any more.
    fn close_call(&mut self, key: u64, serial: u64) -> bool {
        let is_pending = self.pending.get(&key).is_some_and(|call| call.serial == serial);
        is_pending && self.pending.remove(&key).is_some()
    }

    /// Cancels the pending call under a key, if there is one.
    fn cancel_call(&mut self, key: u64) {
        if let Some(PendingCall { cancel: Some(cancel), .. }) = self.pending.remove(&key) {
            cancel();
        }
    }

    /// Cancels all pending calls, and releases what the devices keep for this driver.
    fn cancel_all_calls(&mut self) {
        for (_, call) in self.pending.drain() {
            call.cancel.into_iter().for_each(|cancel| cancel());
        }
        self.context.devices.release(CallerId(self.identity.worker));
    }

    /// Calls the driver, under the time limit. The result is its next value.
    fn step(&mut self, key: u64, value: &Val) -> Result<(), EvalError> {
        let key = self.vm.nat(key);
        let call = self.vm.app(&self.current, &[key, value.clone()])?;
        let context = self.context;
        let watch =
            context.watchdog.watch(&self.vm.interrupt_flag(), context.settings.limits.driver);
        let timer = ProfileTimer::start(self.track.as_ref());
        let result = self.vm.force(&call);
        timer.span("evaluation", "call", Vec::new);
        if watch.finish() == Some(Interruption::Shutdown) {
            self.identity.token.cancel();
        }
        self.current = result?;
        Ok(())
    }

    /// Begins anew after a failure of a call, which it reports.
    fn restart(&mut self, stop: &EvalError, inbox: &Receiver<DriverMessage>) {
        let settings = &self.context.settings;
        let origin = ReportOrigin::Driver(self.identity.slot);
        ConsoleMessage::of_failure(settings, &self.vm, origin, stop).show(&*settings.console);
        if let Some(damage) = ControlMessage::of_damage(stop) {
            // The heap cannot be used any more, and the event loop stops the machine.
            let _ = self.context.control.send(damage);
            self.identity.token.cancel();
            return self.cancel_all_calls();
        }
        self.begin_anew(inbox);
    }

    /// Gives up the pending calls, and begins again from the value in the slot. The devices'
    /// clients notice that their calls were given up.
    fn begin_anew(&mut self, inbox: &Receiver<DriverMessage>) {
        self.cancel_all_calls();
        self.pause(inbox);
        self.current = self.initial.clone();
        if !self.identity.token.is_cancelled() {
            self.issue_requests();
        }
    }

    /// Waits, if this is not the first time in a while that the driver begins anew. Messages of the
    /// cog that arrive meanwhile are kept. Other messages concern calls and inputs from before the
    /// pause, and are dropped.
    fn pause(&mut self, inbox: &Receiver<DriverMessage>) {
        let clock = Arc::clone(&self.context.settings.clock);
        let now = clock.instant();
        // The time since the restart, without the pause before it: otherwise a pause as long as the
        // window would count as a time without failures.
        let is_first =
            self.last_restart.is_none_or(|last| now.duration_since(last) > BACKOFF_WINDOW);
        self.failures = if is_first { 0 } else { self.failures.saturating_add(1) };
        if let Some(doublings) = self.failures.checked_sub(1) {
            let factor = 2_u32.saturating_pow(doublings);
            let timer = clock.timer(now + FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE));
            self.keep_messages_until(inbox, &timer);
        }
        self.last_restart = Some(clock.instant());
    }

    /// Keeps messages of the cog and drops others, until the timer's message, or until the driver is
    /// cancelled.
    fn keep_messages_until(&mut self, inbox: &Receiver<DriverMessage>, timer: &Receiver<Instant>) {
        loop {
            select! {
                recv(inbox) -> message => match message {
                    Ok(DriverMessage::Shutdown) | Err(_) => return self.identity.token.cancel(),
                    Ok(message @ DriverMessage::CogOutput { .. }) => {
                        self.backlog.push_back(message);
                    }
                    Ok(_) => {}
                },
                recv(timer) -> _ => return,
            }
        }
    }

    /// Issues the requests in the driver's new value, in order.
    fn issue_requests(&mut self) {
        let Driver {
            context, identity, vm, current, pending, next_serial, unknown_devices, ..
        } = self;
        let caller = CallerId(identity.worker);
        for (key, request) in protocol::driver_requests(vm.look(current)) {
            let serial = *next_serial;
            *next_serial += 1;
            let cancel = match request {
                DriverRequest::Write(value) => {
                    write(context, identity, vm, &vm.hold(value));
                    continue;
                }
                DriverRequest::Read(query) => {
                    if !read(context, identity, vm, &vm.hold(query), key, serial) {
                        continue;
                    }
                    let (worker, requests) = (identity.worker, context.requests.clone());
                    let cancel: CancelCall = Box::new(move || {
                        // If the event loop has ended, there is nothing to cancel.
                        let _ = requests.send(CogRequest::CancelRead { worker, key, serial });
                    });
                    Some(cancel)
                }
                DriverRequest::Call(device, args) => {
                    match context.devices.find(&device) {
                        Some(device) => {
                            let address = identity.address.clone();
                            device.call(
                                caller,
                                &args,
                                DeviceReply::new(move |answer| {
                                    // A driver that has ended needs no answer.
                                    let _ = address.send(DriverMessage::DeviceAnswer {
                                        key,
                                        serial,
                                        answer,
                                    });
                                }),
                            )
                        }
                        None => {
                            if unknown_devices.is_new(&device) {
                                report_unknown_device(context, identity, &device);
                            }
                            let now = context.settings.clock.instant();
                            unknown_devices.add(DelayedCall { key, serial }, now);
                            None
                        }
                    }
                }
            };
            // A request replaces the pending call under its key.
            let replaced = pending.insert(key, PendingCall { serial, cancel });
            if let Some(PendingCall { cancel: Some(cancel), .. }) = replaced {
                cancel();
            }
        }
    }
}

/// Reports the first call of a device that does not exist.
fn report_unknown_device(context: &DriverContext, identity: &DriverIdentity, name: &[u8]) {
    let device = String::from_utf8_lossy(name).into_owned();
    let notice = ConsoleNotice::UnknownDevice { driver: identity.slot, device };
    context.settings.console.notice(&notice);
}

fn write(context: &DriverContext, identity: &DriverIdentity, vm: &Vm, value: &Val) {
    match codec::serialize(vm, value) {
        Ok(value) if value.len() <= WRITE_LIMIT => {
            send(context, identity, CogRequest::Write { worker: identity.worker, value });
        }
        _ => context
            .settings
            .console
            .notice(&ConsoleNotice::TooLarge(ReportOrigin::Driver(identity.slot))),
    }
}

/// Sends a query to the cog. Returns false if the query is too large.
fn read(
    context: &DriverContext,
    identity: &DriverIdentity,
    vm: &Vm,
    query: &Val,
    key: u64,
    serial: u64,
) -> bool {
    let Ok(query) = codec::serialize(vm, query) else {
        context
            .settings
            .console
            .notice(&ConsoleNotice::TooLarge(ReportOrigin::Driver(identity.slot)));
        return false;
    };
    send(context, identity, CogRequest::Read { worker: identity.worker, key, serial, query });
    true
}

/// Sends a request to the event loop, and waits while its queue is full. If the loop has ended, the
/// driver is cancelled.
fn send(context: &DriverContext, identity: &DriverIdentity, request: CogRequest) {
    if context.requests.send(request).is_err() {
        identity.token.cancel();
    }
}
