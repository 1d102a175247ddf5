//! The pending calls of one driver.

use crate::device::{CallerId, CancelCall, DeviceRegistry};
use crate::message::OpenCall;
use crate::protocol::name_text;
use plan::Map;

/// A call that has not been answered.
struct PendingCall {
    serial: u64,
    /// The name of the device, as much of it as a word holds; `read` for a query.
    device: u64,
    cancel: Option<CancelCall>,
    /// Whether the device has not said that it will never answer.
    is_answerable: bool,
}

/// The calls of a driver that have not been answered, by key. At most one call per key is pending.
#[derive(Default)]
pub(super) struct PendingCalls {
    calls: Map<u64, PendingCall>,
    next_serial: u64,
    /// How many of the calls will never be answered.
    unanswerable: u32,
    /// How many rows of requests have begun, without the first one.
    row: u64,
}

impl PendingCalls {
    /// The number of the next request. An answer carries it, so that the answer to a call that was
    /// replaced is not taken for another's.
    pub(super) fn next_serial(&mut self) -> u64 {
        let serial = self.next_serial;
        self.next_serial += 1;
        serial
    }

    /// Begins another row of requests: the driver is called, or begins anew.
    pub(super) fn begin_row(&mut self) {
        self.row += 1;
    }

    /// The number of the row of requests that is issued.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Adds a call, with its number and the name of its device, and cancels the pending call under
    /// its key, which it replaces.
    pub(super) fn add(&mut self, key: u64, call: (u64, u64), cancel: Option<CancelCall>) {
        let (serial, device) = call;
        self.cancel(key);
        self.calls.insert(key, PendingCall { serial, device, cancel, is_answerable: true });
    }

    /// The pending calls, at most `limit` of them, in no particular order.
    pub(super) fn open(&self, limit: usize) -> Vec<OpenCall> {
        let open = self.calls.iter().take(limit);
        open.map(|(key, call)| OpenCall { key: *key, device: name_text(call.device) }).collect()
    }

    /// Removes the pending call that an answer is for. Returns false if there is none any more.
    pub(super) fn close(&mut self, key: u64, serial: u64) -> bool {
        self.is_pending(key, serial) && self.remove(key).is_some()
    }

    /// Cancels the pending call under a key, if there is one.
    pub(super) fn cancel(&mut self, key: u64) {
        if let Some(PendingCall { cancel: Some(cancel), .. }) = self.remove(key) {
            cancel();
        }
    }

    /// Notes that a call will never be answered. It stays pending.
    pub(super) fn note_unanswerable(&mut self, key: u64, serial: u64) {
        if let Some(call) = self.calls.get_mut(&key).filter(|call| call.serial == serial)
            && std::mem::take(&mut call.is_answerable)
        {
            self.unanswerable += 1;
        }
    }

    /// Whether a call is pending that may be answered.
    pub(super) fn has_answerable(&self) -> bool {
        self.calls.len() > self.unanswerable as usize
    }

    fn is_pending(&self, key: u64, serial: u64) -> bool {
        self.calls.get(&key).is_some_and(|call| call.serial == serial)
    }

    fn remove(&mut self, key: u64) -> Option<PendingCall> {
        let call = self.calls.remove(&key)?;
        self.unanswerable -= u32::from(!call.is_answerable);
        Some(call)
    }

    /// Cancels all pending calls, and releases what the devices keep for the driver, which ends or
    /// begins anew.
    pub(super) fn cancel_all(&mut self, devices: &DeviceRegistry, caller: CallerId) {
        self.begin_row();
        self.unanswerable = 0;
        for (_, call) in self.calls.drain() {
            call.cancel.into_iter().for_each(|cancel| cancel());
        }
        devices.release(caller);
    }
}
