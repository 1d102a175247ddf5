//! Messages to the threads of drivers.

use super::serialized::SerializedRequest;
use super::value::MessageValue;
use crate::cancellation::CancellationToken;
use crate::codec::SeedBytes;
use crate::mailbox::Address;
use crate::message::{DriverMessage, WorkerCalls};
use crate::packed::PackedValue;
use crossbeam_channel::Sender;
use profile::SampledProfile;
use std::sync::Arc;
use std::time::Duration;
use vm::SamplingOptions;

/// What distinguishes one driver from the others.
#[derive(Clone)]
pub(super) struct DriverIdentity {
    /// The worker's number.
    pub(super) worker: u64,
    pub(super) slot: u64,
    pub(super) token: Arc<CancellationToken>,
}

/// A message to a driver thread.
pub(super) enum ThreadMessage {
    /// Start these drivers. The value is that of the driver if there is one, else a row with the
    /// value of each driver.
    Start { drivers: Vec<DriverIdentity>, values: PackedValue },
    /// A message to a driver of the thread.
    Deliver { worker: u64, message: DriverMessage },
    /// A private runtime has done something for a driver of the thread.
    Report { from: TaskOrigin, report: PrivateReport },
    /// Send the open calls of each driver, at most this many calls of each.
    ListCalls { limit: usize, list: Sender<WorkerCalls> },
    /// Begin a profile of the shared runtime.
    BeginProfile(SamplingOptions),
    /// End the profile, and send it.
    EndProfile(Sender<SampledProfile>),
    /// End a driver, which was cancelled.
    End { worker: u64 },
    /// End all drivers, which were cancelled, and the thread.
    Stop,
}

impl ThreadMessage {
    /// Whether the event loop has sent it. The others come from devices and private runtimes.
    pub(super) fn is_from_event_loop(&self) -> bool {
        match self {
            ThreadMessage::Deliver { message, .. } => {
                !matches!(message, DriverMessage::DeviceAnswer { .. })
            }
            ThreadMessage::Report { .. } => false,
            ThreadMessage::Start { .. }
            | ThreadMessage::ListCalls { .. }
            | ThreadMessage::BeginProfile(_)
            | ThreadMessage::EndProfile(_)
            | ThreadMessage::End { .. }
            | ThreadMessage::Stop => true,
        }
    }
}

/// The driver that a task or report is about. A driver that begins anew has another generation, so
/// that it takes no report from before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskOrigin {
    pub(super) worker: u64,
    pub(super) generation: u32,
}

/// What a private runtime does for a driver.
pub(super) enum PrivateWork {
    /// Call the driver, and return the first requests in its next value.
    Call { key: u64, message: MessageValue },
    /// Return the requests in the driver's value from this one on.
    Requests { from: usize },
    /// Give the driver's value back, if it is not large.
    GiveBack,
}

/// A piece of work for a private runtime.
pub(super) struct PrivateTask {
    pub(super) driver: DriverIdentity,
    pub(super) generation: u32,
    /// The driver's value. None if the runtime has it.
    pub(super) value: Option<Arc<SeedBytes>>,
    pub(super) work: PrivateWork,
    /// To the driver's thread.
    pub(super) report_to: Address<ThreadMessage>,
}

impl PrivateTask {
    /// The driver that the task is of.
    pub(super) fn origin(&self) -> TaskOrigin {
        TaskOrigin { worker: self.driver.worker, generation: self.generation }
    }
}

/// What a private runtime has done for a driver.
pub(super) enum PrivateReport {
    /// Some requests in the driver's value. `more` is the index of those that follow, if any do,
    /// and `call` the time that the call took which made the value, if one did.
    Requests { requests: Vec<SerializedRequest>, more: Option<usize>, call: Option<Duration> },
    /// The driver's value, which the runtime has no more. None if it cannot be serialized.
    Value(Option<SeedBytes>),
    /// The driver's value is large, and stays where it is.
    ValueIsLarge,
    /// The call failed, which has been reported. The runtime has the driver's value no more.
    Failed,
    /// The driver was cancelled, or cannot run at all. The runtime has its value no more.
    Ended,
}
