//! Messages between a machine's threads: to the event loop, and to drivers.

use crate::device::DeviceAnswer;
use crate::error::{StateError, SystemError};
use crate::event::InputPayload;
use crate::mailbox::Address;
use crate::packed::PackedMessage;
use crate::program::UpgradeProgram;
use crate::upgrade_check::{UpgradeCheck, UpgradeReport};
use crossbeam_channel::{Sender, bounded};
use persist::collect::{CollectStats, GarbageEstimate};
use persist::{LogError, Seq};
use plan::EvalError;
use profile::SampledProfile;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vm::SamplingOptions;

/// A row of requests, which a driver has made in one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestRow {
    /// The driver's number.
    pub(crate) worker: u64,
    /// The number of the row among those of the driver.
    pub(crate) number: u64,
}

/// A request of a driver to the cog.
pub(crate) enum CogRequest {
    /// Make `value` an input of the cog.
    Write { row: RequestRow, value: PackedMessage },
    /// Answer a query. The answer carries `key` and `serial` ([`DriverMessage::ReadAnswer`]).
    Read { row: RequestRow, key: u64, serial: u64, query: PackedMessage, call: ReadCall },
}

impl CogRequest {
    /// The row that it is from.
    pub(crate) fn row(&self) -> RequestRow {
        match self {
            CogRequest::Write { row, .. } | CogRequest::Read { row, .. } => *row,
        }
    }
}

/// A read from the view of its driver. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct ReadCall(Arc<AtomicBool>);

impl ReadCall {
    /// Makes the read end without an answer: the driver does not wait for it any more.
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the read was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Any other message to the event loop.
pub(crate) enum ControlMessage {
    /// Events up to this one are durable, or a flush of the log failed.
    Durable(Result<Seq, LogError>),
    /// A job has a result.
    JobDone { worker: u64, payload: InputPayload },
    /// A worker could not be started.
    WorkerFailed(SystemError),
    /// The evaluation of a worker needed a damaged pin ([`EvalError::Damaged`], as text).
    WorkerDamaged(String),
    /// A snapshot was written, or failed.
    SnapshotDone(SnapshotEnd),
    /// A thread that collects the store has ended.
    Garbage(GarbageReport),
    /// A thread has panicked.
    Panicked(&'static str),
    /// Another process has requested an upgrade.
    Upgrade(Box<UpgradeRequest>),
    /// Another process asks for the open calls of the drivers, at most this many of each.
    ListCalls { limit: usize, list: Sender<WorkerCalls> },
    /// Another process has requested a profile.
    BeginProfile(ProfileRequest),
    /// The time of the profile is over.
    EndProfile,
    /// The machine's handle has requested a stop.
    Stop,
}

/// A call of a driver that has not been answered.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OpenCall {
    /// The key under which the driver made it.
    pub key: u64,
    /// The name of the device; `read` for a query.
    pub device: String,
}

/// The open calls of a driver.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkerCalls {
    /// The slot of the driver.
    pub slot: u64,
    /// The calls, by ascending keys.
    pub calls: Vec<OpenCall>,
}

/// Where the answer to a requested upgrade goes: the report, or why the machine was not upgraded.
pub(crate) type UpgradeAnswer = Sender<Result<UpgradeReport, String>>;

/// A request to upgrade the running machine.
pub(crate) struct UpgradeRequest {
    pub(crate) program: UpgradeProgram,
    pub(crate) check: UpgradeCheck,
    /// Gets the report when the upgrade is durable, and is dropped if the machine ends before.
    pub(crate) answer: UpgradeAnswer,
}

/// The request for a profile.
pub(crate) struct ProfileRequest {
    pub(crate) options: SamplingOptions,
    /// Gets notice that the profile has begun, or why not.
    pub(crate) begun: Sender<Result<(), String>>,
    /// Gets the profile of each thread at its end. It is dropped if the machine ends before.
    pub(crate) profiles: Sender<SampledProfile>,
}

/// Has the event loop upgrade the machine, and waits until that is durable.
///
/// # Errors
/// Why the machine was not upgraded; or that it stops, and then the upgrade may have happened.
pub(crate) fn request_upgrade(
    control: &Address<ControlMessage>,
    program: UpgradeProgram,
    check: UpgradeCheck,
) -> Result<UpgradeReport, String> {
    let (answer, answered) = bounded(1);
    let request = Box::new(UpgradeRequest { program, check, answer });
    let stopping = || "the machine is stopping".to_owned();
    control.send(ControlMessage::Upgrade(request));
    answered.recv().map_err(|_| stopping())?
}

/// How long a list of open calls may take. A driver's thread that computes sends its part late.
const LIST_PATIENCE: Duration = Duration::from_millis(500);

/// The most calls of one driver in a list, and the most drivers.
const MAX_LISTED_CALLS: usize = 100;
const MAX_LISTED_DRIVERS: usize = 10_000;

/// Has the threads of drivers list their open calls. Drivers whose thread does not answer in time are
/// missing.
pub(crate) fn list_calls(control: &Address<ControlMessage>) -> Vec<WorkerCalls> {
    collect_calls(|limit, list| control.send(ControlMessage::ListCalls { limit, list }))
}

/// Collects the open calls that the threads of drivers list when `request` asks them: with the most
/// calls of one driver, and where to send them.
pub(crate) fn collect_calls(request: impl FnOnce(usize, Sender<WorkerCalls>)) -> Vec<WorkerCalls> {
    let (list, listed) = bounded(MAX_LISTED_DRIVERS);
    request(MAX_LISTED_CALLS, list);
    let deadline = Instant::now() + LIST_PATIENCE;
    let mut found: Vec<WorkerCalls> = Vec::new();
    // The channel ends when all threads have sent what they have.
    while let Ok(mut calls) = listed.recv_deadline(deadline) {
        calls.calls.sort();
        found.push(calls);
    }
    found.sort();
    found
}

/// What a thread of the collector found or did.
pub(crate) enum GarbageReport {
    /// How much may be garbage.
    Estimated(GarbageEstimate),
    /// A collection has ended; None if it gave up.
    Collected(Option<CollectStats>),
    /// The thread failed, for this reason. Nothing is lost.
    Failed(String),
}

impl ControlMessage {
    /// The message that the evaluation of a worker ended like this, if the machine has to stop for
    /// it.
    pub(crate) fn of_damage(stop: &EvalError) -> Option<ControlMessage> {
        let is_damage = matches!(stop, EvalError::Damaged { .. });
        is_damage.then(|| ControlMessage::WorkerDamaged(stop.to_string()))
    }

    /// A guard that sends [`Panicked`](ControlMessage::Panicked) if the thread that holds it
    /// panics.
    pub(crate) fn on_panic(
        control: &Address<ControlMessage>,
        thread_name: &'static str,
    ) -> PanicGuard {
        PanicGuard { control: control.clone(), thread_name }
    }
}

/// The end of a snapshot that was written while events went on.
pub(crate) struct SnapshotEnd {
    pub(crate) result: Result<(), StateError>,
    /// The bytes of all written pins when the state had been frozen.
    pub(crate) pin_bytes: u64,
    /// The bytes of pins that were written meanwhile, most of them by the freeze.
    pub(crate) cost: u64,
}

/// See [`ControlMessage::on_panic`].
pub(crate) struct PanicGuard {
    control: Address<ControlMessage>,
    thread_name: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.control.send(ControlMessage::Panicked(self.thread_name));
        }
    }
}

/// A message to a driver. `key` is the driver's key of a request, and `serial` the number of the
/// call that an answer is for: a call that was cancelled meanwhile has another.
pub(crate) enum DriverMessage {
    /// A message of the cog.
    CogOutput { key: u64, value: PackedMessage },
    /// The cog's answer to a read.
    ReadAnswer { key: u64, serial: u64, value: PackedMessage },
    /// The cog could not answer a read, because the evaluation was aborted.
    ReadFailed { key: u64, serial: u64 },
    /// An input that this driver wrote was set aside.
    InputSetAside,
    /// A device's answer to a call; none if there will never be one.
    DeviceAnswer { key: u64, serial: u64, answer: Option<DeviceAnswer> },
}
