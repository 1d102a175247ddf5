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
}

/// The calls of a driver that have not been answered, by key. At most one call per key is pending.
#[derive(Default)]
pub(super) struct PendingCalls {
    calls: Map<u64, PendingCall>,
    next_serial: u64,
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
        let replaced = self.calls.insert(key, PendingCall { serial, device, cancel });
        if let Some(PendingCall { cancel: Some(cancel), .. }) = replaced {
            cancel();
        }
    }

    /// The pending calls, at most `limit` of them, in no particular order.
    pub(super) fn open(&self, limit: usize) -> Vec<OpenCall> {
        let open = self.calls.iter().take(limit);
        open.map(|(key, call)| OpenCall { key: *key, device: name_text(call.device) }).collect()
    }

    /// Removes the pending call that an answer is for. Returns false if there is none any more.
    pub(super) fn close(&mut self, key: u64, serial: u64) -> bool {
        let is_pending = self.calls.get(&key).is_some_and(|call| call.serial == serial);
        is_pending && self.calls.remove(&key).is_some()
    }

    /// Cancels the pending call under a key, if there is one.
    pub(super) fn cancel(&mut self, key: u64) {
        if let Some(PendingCall { cancel: Some(cancel), .. }) = self.calls.remove(&key) {
            cancel();
        }
    }

    /// Cancels all pending calls, and releases what the devices keep for the driver, which ends or
    /// begins anew.
    pub(super) fn cancel_all(&mut self, devices: &DeviceRegistry, caller: CallerId) {
        self.begin_row();
        for (_, call) in self.calls.drain() {
            call.cancel.into_iter().for_each(|cancel| cancel());
        }
        devices.release(caller);
    }
}
