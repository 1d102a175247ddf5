//! What a machine reports to its user: traces, crashes and notices.

use crate::error::AbortReason;
use jiff::Timestamp;
use plan::{Hash, Ref};
use std::fmt;
use std::net::SocketAddr;

/// The evaluation that a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportOrigin {
    /// The cog, handling an event.
    Cog,
    /// The cog, answering a read of the driver in this slot.
    Read(u64),
    /// The driver in this slot.
    Driver(u64),
    /// The job in this slot.
    Job(u64),
}

impl fmt::Display for ReportOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportOrigin::Cog => f.write_str("the cog"),
            ReportOrigin::Read(slot) => write!(f, "the read for driver {slot}"),
            ReportOrigin::Driver(slot) => write!(f, "driver {slot}"),
            ReportOrigin::Job(slot) => write!(f, "job {slot}"),
        }
    }
}

/// A report other than a trace or a crash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsoleNotice {
    /// An evaluation ended without a value, and not by a crash.
    Aborted(ReportOrigin, AbortReason),
    /// An input of the driver in this slot was set aside, because the event with this input alone
    /// was aborted. The driver begins anew.
    SetAside(u64, AbortReason),
    /// An input of the driver in this slot that had been set aside was offered again, and stays set
    /// aside for this reason.
    NotApplied(u64, String),
    /// An input that had been set aside cannot be read, for this reason.
    NotOffered(String),
    /// The cog, which had crashed, runs again from the state before the event that crashed. This many
    /// inputs of the event are set aside; None if the log does not have the event any more, so that
    /// its inputs are unknown.
    Retried(Option<usize>),
    /// The machine is a fork that is not attached: calls of its devices wait.
    Detached,
    /// The program with this hash took over the state, as this event.
    Upgraded(u64, Hash),
    /// An evaluation needed a damaged pin, described here. The machine stops.
    Damaged(ReportOrigin, String),
    /// A driver called a device that does not exist, for the first time. Each such call is answered
    /// 0. At most 16 devices of a driver are reported.
    UnknownDevice {
        /// The driver's slot.
        driver: u64,
        /// The device name in the call.
        device: String,
    },
    /// The machine listens on this address ([`NetworkSettings`](crate::NetworkSettings)).
    Listening(SocketAddr),
    /// The port of the last run cannot be listened on any more, and another one is used.
    PortInUse(u16),
    /// The port of the machine could not be written to a file, for this reason.
    PortNotKept(String),
    /// The machine cannot listen, for this reason. Drivers that wait for connections get none.
    NotListening(String),
    /// Connections of clients cannot be accepted for a lack of resources, described here. The
    /// clients wait. A machine reports this once.
    NotAccepting(String),
    /// A value was too large to be passed on, and was dropped.
    TooLarge(ReportOrigin),
    /// This many traces of one evaluation were dropped, because their texts exceeded the buffer.
    TracesDropped(u64),
    /// The replay has applied `events` of `total` events, and continues.
    Replaying {
        /// The number of events that were applied.
        events: u64,
        /// The number of events to apply.
        total: u64,
    },
    /// A newer snapshot is damaged, as described here; an older one is used.
    SnapshotSkipped(String),
    /// A snapshot was not written, for this reason. No event is lost: the log has them all.
    SnapshotFailed(String),
    /// The machine has no control socket, for this reason.
    NotControlled(String),
    /// The garbage of the store is not collected any more, for this reason. Nothing is lost.
    CollectionFailed(String),
    /// The disk is full, as described here. The machine waits.
    DiskFull(String),
    /// The disk has room again, and the machine continues.
    DiskHasRoom,
}

impl fmt::Display for ConsoleNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConsoleNotice::Aborted(origin, reason) => write!(f, "{origin} was stopped: {reason}"),
            ConsoleNotice::SetAside(slot, reason) => {
                write!(
                    f,
                    "an input of driver {slot}, tried as an event of its own, was set aside: \
                     {reason}; `pallas start --offer` offers it again"
                )
            }
            ConsoleNotice::NotApplied(slot, problem) => {
                write!(f, "an input of driver {slot} was offered and stays set aside: {problem}")
            }
            ConsoleNotice::NotOffered(problem) => {
                write!(f, "an input that was set aside cannot be offered: {problem}")
            }
            ConsoleNotice::Retried(set_aside) => {
                f.write_str("the cog goes on from the state before the event that crashed")?;
                match set_aside {
                    Some(0) => f.write_str("; no driver wrote an input of this event"),
                    Some(count) => write!(
                        f,
                        "; inputs of this event that were set aside: {count}; `pallas start \
                         --offer` offers them again"
                    ),
                    None => {
                        f.write_str("; the log has this event no longer, so its inputs are lost")
                    }
                }
            }
            ConsoleNotice::Detached => f.write_str(
                "the machine is a detached fork: calls of its devices wait, so it has no effects \
                 outside; `pallas start --attach` connects it",
            ),
            ConsoleNotice::Upgraded(event, program) => {
                write!(f, "upgraded by event {event} to the program {program}")
            }
            ConsoleNotice::Damaged(origin, damage) => write!(f, "{origin} was stopped: {damage}"),
            ConsoleNotice::UnknownDevice { driver, device } => {
                write!(f, "driver {driver} called the device %{device}, which does not exist")
            }
            ConsoleNotice::Listening(address) => write!(f, "listening on {address}"),
            ConsoleNotice::PortInUse(port) => {
                write!(f, "port {port} of the last run cannot be used, and another one is")
            }
            ConsoleNotice::PortNotKept(problem) => {
                write!(f, "the next start may have another port: {problem}")
            }
            ConsoleNotice::NotListening(problem) => f.write_str(problem),
            ConsoleNotice::NotAccepting(problem) => {
                write!(f, "clients wait until their connections can be accepted: {problem}")
            }
            ConsoleNotice::TooLarge(origin) => {
                write!(f, "{origin} made a value that is too large to be passed on")
            }
            ConsoleNotice::TracesDropped(count) => {
                write!(f, "{count} traces were dropped: their texts did not fit in the buffer")
            }
            ConsoleNotice::Replaying { events, total } => {
                write!(f, "replayed {events} of {total} events")
            }
            ConsoleNotice::SnapshotSkipped(damage) => {
                write!(f, "{damage}; an older snapshot is used, and more of the log is replayed")
            }
            ConsoleNotice::SnapshotFailed(error) => {
                write!(f, "no snapshot was written: {error}; the log has everything")
            }
            ConsoleNotice::NotControlled(error) => {
                write!(f, "other commands cannot reach the machine while it runs: {error}")
            }
            ConsoleNotice::CollectionFailed(error) => {
                write!(f, "the garbage of the store is not collected any more: {error}")
            }
            ConsoleNotice::DiskFull(error) => write!(f, "waiting for room on the disk: {error}"),
            ConsoleNotice::DiskHasRoom => write!(f, "there is room on the disk again"),
        }
    }
}

/// The user interface that a machine reports to.
///
/// Many threads call its methods. A value is rendered to text on the thread of its heap, and the
/// text is shown later: a report of the cog about an event is shown only when the event is durable.
/// A program chooses what it traces, so an implementation bounds the size of the texts.
pub trait Console: Send + Sync {
    /// Renders the message of a `trk`, which was evaluated at the time `at`.
    fn trace_text(&self, message: Ref<'_>, at: Timestamp) -> String;

    /// Renders a crash at the time `at`: the nat `op` was called with `arg`.
    fn crash_text(&self, origin: ReportOrigin, op: Ref<'_>, arg: Ref<'_>, at: Timestamp) -> String;

    /// Renders the calls that were in progress when an evaluation crashed, innermost first, as text
    /// that follows that of the crash. By default it is not shown.
    fn call_chain_text(&self, calls: &[String]) -> String {
        let _ = calls;
        String::new()
    }

    /// Shows the calls that were in progress when the evaluation ended that the last notice is about,
    /// or the end of the machine, innermost first. By default they are not shown.
    fn calls_of_notice(&self, calls: &[String]) {
        let _ = calls;
    }

    /// Shows how far a replay is: it has applied `done` of `total` events. Called before the first
    /// event and after each one.
    fn replay_progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Shows a rendered text.
    fn show(&self, text: &str);

    /// Shows a notice.
    fn notice(&self, notice: &ConsoleNotice);
}
