//! What a machine reports to its user: traces, crashes and notices.

use crate::error::AbortReason;
use jiff::Timestamp;
use plan::Ref;
use std::fmt;

/// The evaluation that a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The cog, handling an event.
    Cog,
    /// The cog, answering a read of the driver in this slot.
    Read(u64),
    /// The driver in this slot.
    Driver(u64),
    /// The job in this slot.
    Job(u64),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Cog => f.write_str("the cog"),
            Origin::Read(slot) => write!(f, "the read for driver {slot}"),
            Origin::Driver(slot) => write!(f, "driver {slot}"),
            Origin::Job(slot) => write!(f, "job {slot}"),
        }
    }
}

/// A report other than a trace or a crash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// An evaluation ended without a value, and not by a crash.
    Aborted(Origin, AbortReason),
    /// An evaluation exceeded its time limit and was stopped.
    TimedOut(Origin),
    /// An evaluation needed a damaged pin, described here. The machine stops.
    Damaged(Origin, String),
    /// A driver called a device that does not exist; the call was answered 0.
    UnknownDevice {
        /// The driver's slot.
        driver: u64,
        /// The device name in the call.
        device: String,
    },
    /// A value was too large to be passed on, and was dropped.
    TooLarge(Origin),
    /// This many traces of one evaluation were dropped, because their texts exceeded the buffer.
    TracesDropped(u64),
    /// A newer snapshot is damaged, as described here; an older one is used.
    SnapshotSkipped(String),
    /// A snapshot was not written, for this reason. No event is lost: the log has them all.
    SnapshotFailed(String),
    /// The disk is full, as described here. The machine waits.
    DiskFull(String),
    /// The disk has room again, and the machine continues.
    DiskHasRoom,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Aborted(origin, reason) => write!(f, "{origin} was stopped: {reason}"),
            Notice::TimedOut(origin) => write!(f, "{origin} was stopped: it took too long"),
            Notice::Damaged(origin, damage) => write!(f, "{origin} was stopped: {damage}"),
            Notice::UnknownDevice { driver, device } => {
                write!(f, "driver {driver} called the device %{device}, which does not exist")
            }
            Notice::TooLarge(origin) => {
                write!(f, "{origin} made a value that is too large to be passed on")
            }
            Notice::TracesDropped(count) => {
                write!(f, "{count} traces were dropped: their texts did not fit in the buffer")
            }
            Notice::SnapshotSkipped(damage) => {
                write!(f, "{damage}; an older snapshot is used, and more of the log is replayed")
            }
            Notice::SnapshotFailed(error) => {
                write!(f, "no snapshot was written: {error}; the log has everything")
            }
            Notice::DiskFull(error) => write!(f, "waiting for room on the disk: {error}"),
            Notice::DiskHasRoom => write!(f, "there is room on the disk again"),
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
    fn crash_text(&self, origin: Origin, op: Ref<'_>, arg: Ref<'_>, at: Timestamp) -> String;

    /// Shows a rendered text.
    fn show(&self, text: &str);

    /// Shows a notice.
    fn notice(&self, notice: &Notice);
}
