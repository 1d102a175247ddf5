//! What the tests of devices share: arguments of calls, and a caller that waits for answers.

use super::{CallerId, CancelCall, Device, DeviceAnswer, DeviceReply};
use crate::console::{Console, ConsoleNotice, ReportOrigin};
use crossbeam_channel::{Receiver, unbounded};
use jiff::Timestamp;
use parking_lot::Mutex;
use plan::{Heap, HeapOptions, Ref, Val};

pub(super) const LOCALHOST: u64 = 16_777_343;
pub(super) const FIRST: CallerId = CallerId(1);
pub(super) const SECOND: CallerId = CallerId(2);

/// Keeps the notices.
#[derive(Default)]
pub(super) struct Notices(pub(super) Mutex<Vec<ConsoleNotice>>);

impl Console for Notices {
    fn trace_text(&self, _: Ref<'_>, _: Timestamp) -> String {
        String::new()
    }

    fn crash_text(&self, _: ReportOrigin, _: Ref<'_>, _: Ref<'_>, _: Timestamp) -> String {
        String::new()
    }

    fn show(&self, _: &str) {}

    fn notice(&self, notice: &ConsoleNotice) {
        self.0.lock().push(notice.clone());
    }
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(super) enum CallArg {
    Nat(u64),
    Text(&'static str),
    Bar(Vec<u8>),
    Row(Vec<CallArg>),
}

impl CallArg {
    fn value(&self, heap: &mut Heap) -> Val {
        let value = match self {
            CallArg::Nat(nat) => Ok(heap.nat(*nat)),
            CallArg::Text(text) => heap.text(text),
            CallArg::Bar(bytes) => heap.bar(bytes),
            CallArg::Row(items) => {
                let items: Vec<Val> = items.iter().map(|item| item.value(heap)).collect();
                heap.row(&items)
            }
        };
        value.expect("room")
    }
}

/// A call that may be answered.
pub(super) struct TestCall {
    pub(super) answers: Receiver<DeviceAnswer>,
    cancel: Option<CancelCall>,
}

impl TestCall {
    /// Waits for the answer.
    pub(super) fn answer(&self) -> DeviceAnswer {
        self.answers.recv().expect("the device answers")
    }

    pub(super) fn cancel(mut self) {
        if let Some(cancel) = self.cancel.take() {
            cancel();
        }
    }
}

/// Calls a device, with arguments in a heap of its own.
pub(super) struct TestCaller(Mutex<Box<Heap>>);

impl TestCaller {
    pub(super) fn new() -> TestCaller {
        let options = HeapOptions { nursery: 1 << 16, ..HeapOptions::default() };
        TestCaller(Mutex::new(Heap::new(options).expect("a heap")))
    }

    pub(super) fn call(&self, device: &dyn Device, caller: CallerId, args: &[CallArg]) -> TestCall {
        let heap = &mut *self.0.lock();
        let args: Vec<Val> = args.iter().map(|arg| arg.value(heap)).collect();
        let args: Vec<Ref<'_>> = args.iter().map(|arg| heap.look(arg)).collect();
        let (sender, answers) = unbounded();
        let reply = DeviceReply::new(move |answer| {
            let _ = sender.send(answer);
        });
        let cancel = device.call(caller, &args, reply);
        TestCall { answers, cancel }
    }
}

pub(super) fn bytes(bytes: &[u8]) -> DeviceAnswer {
    DeviceAnswer::Bytes(bytes.into())
}
