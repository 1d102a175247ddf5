//! How the requests of drivers are issued: to devices at once, to the event loop when its queue has
//! room.

use super::DriverContext;
use super::calls::PendingCalls;
use super::inbox::{DriverIdentity, ThreadMessage};
use super::timers::DriverTimers;
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::device::{CallerId, DelayedCall, DeviceReply, UnknownDevices};
use crate::mailbox::{Address, Doorbell, Unsent};
use crate::message::{CogRequest, DriverMessage, ReadCall, RequestRow};
use crate::packed::{PackedMessage, PinPacker};
use crate::protocol::{DriverRequest, READ};
use plan::{NatRef, Ref};
use std::collections::VecDeque;
use std::sync::Arc;
use vm::Vm;

/// The largest value that may be written, in bytes. An event with it fits the log.
const WRITE_LIMIT: usize = 512 << 20;

/// The way to the event loop's queue of requests, which is bounded. A thread of drivers never
/// waits for room in it: drivers do.
pub(super) struct RequestSender {
    address: Address<CogRequest>,
    /// Rings when there is room again.
    doorbell: Arc<Doorbell>,
    /// A request for which there was no room. While it waits, there is room for no other.
    waiting: Option<CogRequest>,
    /// The drivers that wait for room, first come first served.
    blocked: VecDeque<u64>,
    /// Whether requests were sent and the event loop was not notified since.
    is_ring_due: bool,
    is_closed: bool,
}

impl RequestSender {
    /// A way from the thread with this doorbell.
    pub(super) fn new(address: Address<CogRequest>, doorbell: Arc<Doorbell>) -> RequestSender {
        let (waiting, blocked) = (None, VecDeque::new());
        let (is_ring_due, is_closed) = (false, false);
        RequestSender { address, doorbell, waiting, blocked, is_ring_due, is_closed }
    }

    /// The doorbell of the thread.
    pub(super) fn doorbell(&self) -> &Arc<Doorbell> {
        &self.doorbell
    }

    /// Whether there is no room for a request now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.is_some()
    }

    /// Sends a request, or keeps it until there is room. The sender is not full. The event loop is
    /// notified by [`notify`](RequestSender::notify), or if there is no room.
    fn send(&mut self, request: CogRequest) {
        debug_assert!(self.waiting.is_none(), "one request waits at most");
        match self.address.try_send(request, &self.doorbell) {
            Ok(()) => self.is_ring_due = true,
            Err(Unsent::Full(request)) => {
                self.waiting = Some(request);
                self.notify();
            }
            // The event loop has ended, and ends the drivers.
            Err(Unsent::Closed) => self.is_closed = true,
        }
    }

    /// Wakes the event loop, if requests were sent since the last time.
    pub(super) fn notify(&mut self) {
        if std::mem::take(&mut self.is_ring_due) {
            self.address.ring();
        }
    }

    /// Has the next [`notify`](RequestSender::notify) wake the event loop.
    pub(super) fn ring_later(&mut self) {
        self.is_ring_due = true;
    }

    /// Sends the request that waits, if there is room by now.
    pub(super) fn flush(&mut self) {
        if let Some(request) = self.waiting.take() {
            self.send(request);
        }
    }

    /// Notes that a driver waits for room.
    pub(super) fn block(&mut self, worker: u64) {
        self.blocked.push_back(worker);
    }

    /// Removes the driver that has waited longest, if there is room.
    pub(super) fn unblock(&mut self) -> Option<u64> {
        if self.is_full() { None } else { self.blocked.pop_front() }
    }
}

/// Issues the requests of one driver.
pub(super) struct RequestIssuer<'a> {
    pub(super) context: &'a DriverContext,
    pub(super) driver: &'a DriverIdentity,
    pub(super) calls: &'a mut PendingCalls,
    pub(super) unknown_devices: &'a mut Option<Box<UnknownDevices>>,
    pub(super) sender: &'a mut RequestSender,
    pub(super) timers: &'a mut DriverTimers,
    /// To the driver's thread.
    pub(super) address: &'a Address<ThreadMessage>,
}

impl RequestIssuer<'_> {
    /// Issues a request in the heap of `vm`, which `packer` packs values of. If it goes to the event loop, there is room for it.
    pub(super) fn issue(
        &mut self,
        (vm, packer): (&Vm, &mut PinPacker),
        key: u64,
        request: &DriverRequest<'_>,
    ) {
        match request {
            DriverRequest::Write(value) => {
                match PackedMessage::pack(packer, vm, &vm.hold(*value)) {
                    Ok(value) => self.write(value),
                    Err(_) => self.report_too_large(),
                }
            }
            DriverRequest::Read(query) => match PackedMessage::pack(packer, vm, &vm.hold(*query)) {
                Ok(query) => self.read(key, query),
                Err(_) => self.report_too_large(),
            },
            DriverRequest::Call(device, args) => self.call(key, *device, args),
        }
    }

    /// Makes a value an input of the cog.
    pub(super) fn write(&mut self, value: PackedMessage) {
        if value.size() > WRITE_LIMIT {
            return self.report_too_large();
        }
        self.send(CogRequest::Write { row: self.row(), value });
    }

    /// Sends a query to the cog.
    pub(super) fn read(&mut self, key: u64, query: PackedMessage) {
        let (row, serial) = (self.row(), self.calls.next_serial());
        let call = ReadCall::default();
        self.send(CogRequest::Read { row, key, serial, query, call: call.clone() });
        self.calls.add(key, (serial, READ), Some(Box::new(move || call.cancel())));
    }

    /// The row of requests that is issued.
    fn row(&self) -> RequestRow {
        RequestRow { worker: self.driver.worker, number: self.calls.row() }
    }

    fn send(&mut self, request: CogRequest) {
        self.sender.send(request);
        if self.sender.is_closed {
            self.driver.token.cancel();
        }
    }

    /// Calls a device.
    fn call(&mut self, key: u64, name: NatRef<'_>, args: &[Ref<'_>]) {
        // First: what the device takes back from the pending call may answer the new one.
        self.calls.cancel(key);
        let serial = self.calls.next_serial();
        let cancel = match self.context.devices.find(name) {
            Some(device) => {
                let (worker, address) = (self.driver.worker, self.address.clone());
                let reply = DeviceReply::noting_never(move |answer| {
                    let message = DriverMessage::DeviceAnswer { key, serial, answer };
                    address.send(ThreadMessage::Deliver { worker, message });
                });
                device.call(CallerId(worker), args, reply)
            }
            None => {
                self.call_unknown(DelayedCall { key, serial }, &name.bytes());
                None
            }
        };
        self.calls.add(key, (serial, name.saturating_u64()), cancel);
    }

    /// Calls a device that does not exist. The first call is reported.
    fn call_unknown(&mut self, call: DelayedCall, name: &[u8]) {
        let unknown_devices = self.unknown_devices.get_or_insert_default();
        let settings = &self.context.settings;
        if unknown_devices.is_new(name) {
            let device = String::from_utf8_lossy(name).into_owned();
            let driver = self.driver.slot;
            settings.console.notice(&ConsoleNotice::UnknownDevice { driver, device });
        }
        let due = unknown_devices.add(call, settings.clock.instant());
        self.timers.add(due, self.driver.worker);
    }

    /// Reports that a value of the driver was dropped.
    pub(super) fn report_too_large(&self) {
        let origin = ReportOrigin::Driver(self.driver.slot);
        self.context.settings.console.notice(&ConsoleNotice::TooLarge(origin));
    }
}
