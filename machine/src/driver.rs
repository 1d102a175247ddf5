//! A driver: a worker of the cog that deals with the outside, on a thread and a heap of its own.
//!
//! It begins with the value in the cog's slot, is called with one answer or message at a time, and
//! makes requests. What it knows is nowhere saved. A crash sends it back to its beginning.
//! (prototype: lib/Server/Proc.hs)

use crate::codec::{self, Portable};
use crate::console::{Notice, Who};
use crate::device::{Answer, Cancel, Devices, Reply};
use crate::leash::Leash;
use crate::messages::{Control, Request};
use crate::protocol::{self, Effect};
use crate::settings::Settings;
use crate::trace::Said;
use crate::watchdog::{Overrun, Watchdog};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::{Stop, Val, Vm};

/// The largest value that may be written, in bytes, so that an event of it fits the log.
const WRITE_LIMIT: usize = 512 << 20;

/// A driver that crashes again within this time waits before it begins again, longer each time.
const CALM: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a driver is told.
pub(crate) enum ToDriver {
    /// A message of the cog.
    Message { key: u64, value: Portable },
    /// The cog's answer to a read.
    Read { key: u64, serial: u64, value: Portable },
    /// A device's answer.
    Answer { key: u64, serial: u64, answer: Answer },
    /// To end.
    End,
}

/// What all drivers of a machine share.
pub(crate) struct Context {
    pub(crate) settings: Arc<Settings>,
    pub(crate) watchdog: Arc<Watchdog>,
    pub(crate) devices: Devices,
    pub(crate) requests: Sender<Request>,
    pub(crate) control: Sender<Control>,
}

/// Who a driver is.
pub(crate) struct Identity {
    /// The worker's number.
    pub(crate) worker: u64,
    pub(crate) slot: u64,
    pub(crate) leash: Arc<Leash>,
    /// Where what is for it is sent.
    pub(crate) address: Sender<ToDriver>,
}

/// A call that has not been answered.
struct Open {
    serial: u64,
    cancel: Option<Cancel>,
}

struct Driver<'c> {
    context: &'c Context,
    identity: &'c Identity,
    vm: Vm,
    initial: Val,
    current: Val,
    open: HashMap<u64, Open>,
    next_serial: u64,
    crashes: u32,
    last_crash: Option<Instant>,
}

/// Runs a driver until it is told to end.
pub(crate) fn run(
    context: &Context,
    identity: &Identity,
    initial: &Portable,
    inbox: &Receiver<ToDriver>,
) {
    let _guard = Control::on_panic(&context.control, "a driver");
    let settings = &context.settings;
    let mut vm = match settings.small_runtime() {
        Ok(vm) => vm,
        Err(error) => {
            // A machine that is gone need not know.
            let _ = context.control.send(Control::WorkerFailed(error));
            return;
        }
    };
    let shown = Arc::clone(settings);
    vm.on_trace(move |message| {
        shown.console.show(&shown.console.trace_text(message, shown.clock.now()));
    });
    identity.leash.attach(vm.interrupt_flag());
    let Ok(initial) = codec::unpack(&mut vm, initial) else {
        settings.console.notice(&Notice::TooLarge(Who::Driver(identity.slot)));
        return;
    };
    let mut driver = Driver {
        context,
        identity,
        vm,
        current: initial.clone(),
        initial,
        open: HashMap::new(),
        next_serial: 0,
        crashes: 0,
        last_crash: None,
    };
    driver.issue();
    while !identity.leash.is_ended() {
        match inbox.recv() {
            Ok(ToDriver::End) | Err(_) => break,
            Ok(told) => driver.handle(told, inbox),
        }
    }
    driver.close_all();
}

impl Driver<'_> {
    fn who(&self) -> Who {
        Who::Driver(self.identity.slot)
    }

    fn handle(&mut self, told: ToDriver, inbox: &Receiver<ToDriver>) {
        let (key, value) = match told {
            ToDriver::Message { key, value } => {
                self.close(key);
                (key, self.unpack(&value))
            }
            ToDriver::Read { key, serial, value } if self.answered(key, serial) => {
                (key, self.unpack(&value))
            }
            ToDriver::Answer { key, serial, answer } if self.answered(key, serial) => {
                (key, answer.build(&mut self.vm))
            }
            ToDriver::Read { .. } | ToDriver::Answer { .. } | ToDriver::End => return,
        };
        match value.and_then(|value| self.step(key, &value)) {
            Ok(()) => self.issue(),
            Err(_) if self.identity.leash.is_ended() => {}
            Err(stop) => self.begin_again(&stop, inbox),
        }
    }

    fn unpack(&mut self, value: &Portable) -> Result<Val, Stop> {
        codec::unpack(&mut self.vm, value)
            .map_err(|error| codec::out_of_room(&error).unwrap_or(Stop::HeapFull))
    }

    /// Whether that call was still open; then it is no more.
    fn answered(&mut self, key: u64, serial: u64) -> bool {
        let is_open = self.open.get(&key).is_some_and(|open| open.serial == serial);
        is_open && self.open.remove(&key).is_some()
    }

    fn close(&mut self, key: u64) {
        if let Some(Open { cancel: Some(cancel), .. }) = self.open.remove(&key) {
            cancel();
        }
    }

    fn close_all(&mut self) {
        for (_, open) in self.open.drain() {
            open.cancel.into_iter().for_each(|cancel| cancel());
        }
    }

    /// Calls the driver.
    fn step(&mut self, key: u64, value: &Val) -> Result<(), Stop> {
        let key = self.vm.nat(key);
        let call = self.vm.app(&self.current, &[key, value.clone()])?;
        let context = self.context;
        let watch = context.watchdog.watch(&self.vm.interrupt_flag(), context.settings.limit);
        let result = self.vm.force(&call);
        if watch.end() == Some(Overrun::Hurry) {
            self.identity.leash.end();
        }
        self.current = result?;
        Ok(())
    }

    /// Goes back to the beginning after a crash.
    fn begin_again(&mut self, stop: &Stop, inbox: &Receiver<ToDriver>) {
        let settings = &self.context.settings;
        Said::of_stop(settings, &self.vm, self.who(), stop).show(&*settings.console);
        self.close_all();
        self.pause(inbox);
        self.current = self.initial.clone();
        if !self.identity.leash.is_ended() {
            self.issue();
        }
    }

    /// Waits, if this was not the first crash in a while. What it is told meanwhile is lost, as it
    /// would be on a driver that is not running.
    fn pause(&mut self, inbox: &Receiver<ToDriver>) {
        let now = Instant::now();
        let calm = self.last_crash.is_none_or(|last| now.duration_since(last) > CALM);
        self.crashes = if calm { 0 } else { self.crashes.saturating_add(1) };
        self.last_crash = Some(now);
        let Some(doublings) = self.crashes.checked_sub(1) else { return };
        let factor = 2_u32.saturating_pow(doublings);
        let until = now + FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        loop {
            match inbox.recv_deadline(until) {
                Ok(ToDriver::End) | Err(RecvTimeoutError::Disconnected) => {
                    return self.identity.leash.end();
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }

    /// Sends out the requests that the driver has just made.
    fn issue(&mut self) {
        let Driver { context, identity, vm, current, open, next_serial, .. } = self;
        for (key, effect) in protocol::requests(vm.look(current)) {
            let serial = *next_serial;
            *next_serial += 1;
            let cancel = match effect {
                Effect::Write(value) => {
                    write(context, identity, vm, &vm.hold(value));
                    continue;
                }
                Effect::Read(query) => {
                    if !read(context, identity, vm, &vm.hold(query), key, serial) {
                        continue;
                    }
                    None
                }
                Effect::Call(device, args) => {
                    let reply = Reply { driver: identity.address.clone(), key, serial };
                    match context.devices.find(&device) {
                        Some(device) => device.call(&args, reply),
                        None => {
                            let driver = identity.slot;
                            let device = String::from_utf8_lossy(&device).into_owned();
                            let notice = Notice::UnknownDevice { driver, device };
                            context.settings.console.notice(&notice);
                            reply.send(Answer::NOTHING);
                            None
                        }
                    }
                }
            };
            // A call under a key that is in use replaces the one before it.
            if let Some(Open { cancel: Some(cancel), .. }) =
                open.insert(key, Open { serial, cancel })
            {
                cancel();
            }
        }
    }
}

fn write(context: &Context, identity: &Identity, vm: &Vm, value: &Val) {
    match codec::pack(vm, value) {
        Ok(value) if value.len() <= WRITE_LIMIT => {
            send(context, identity, Request::Write { worker: identity.worker, value });
        }
        _ => context.settings.console.notice(&Notice::TooLarge(Who::Driver(identity.slot))),
    }
}

/// Whether the query could be sent.
fn read(
    context: &Context,
    identity: &Identity,
    vm: &Vm,
    query: &Val,
    key: u64,
    serial: u64,
) -> bool {
    let Ok(query) = codec::pack(vm, query) else {
        context.settings.console.notice(&Notice::TooLarge(Who::Driver(identity.slot)));
        return false;
    };
    send(context, identity, Request::Read { worker: identity.worker, key, serial, query });
    true
}

/// Sends a request to the cog, waiting while it has too many. A cog that is gone ends the driver.
fn send(context: &Context, identity: &Identity, request: Request) {
    if context.requests.send(request).is_err() {
        identity.leash.end();
    }
}
