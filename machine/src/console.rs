//! What a machine says to whoever started it: traces, crashes, notices.

use crate::error::Abort;
use jiff::Timestamp;
use std::fmt;
use vm::Ref;

/// Whose evaluation it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The cog, handling an event.
    Cog,
    /// The cog, answering a read of the driver in that slot.
    Read(u64),
    /// The driver in that slot.
    Driver(u64),
    /// The job in that slot.
    Job(u64),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Cog => f.write_str("the cog"),
            Who::Read(slot) => write!(f, "the read for driver {slot}"),
            Who::Driver(slot) => write!(f, "driver {slot}"),
            Who::Job(slot) => write!(f, "job {slot}"),
        }
    }
}

/// Something that the user of a machine should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// An evaluation ended without value or crash.
    Aborted(Who, Abort),
    /// An evaluation took too long and was ended.
    TimedOut(Who),
    /// An evaluation came upon a damaged pin, as told here. The machine stops.
    Damaged(Who, String),
    /// A driver called a device that is not there; it was answered 0.
    UnknownDevice {
        /// The driver's slot.
        driver: u64,
        /// The name it used.
        device: String,
    },
    /// A value was too large to be handed on, and was dropped.
    TooLarge(Who),
    /// So many traces of one evaluation were dropped, because they would not fit in memory.
    TracesDropped(u64),
    /// A newer snapshot is damaged, as told here; an older one was taken.
    SnapshotPassedOver(String),
    /// A snapshot was not written, for the reason told here. The log has everything nevertheless.
    SnapshotFailed(String),
    /// There is no room on the disk, as told here. The machine waits.
    DiskFull(String),
    /// There is room again, and the machine goes on.
    DiskHasRoom,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Aborted(who, abort) => write!(f, "{who} was stopped: {abort}"),
            Notice::TimedOut(who) => write!(f, "{who} was stopped: it took too long"),
            Notice::Damaged(who, damage) => write!(f, "{who} was stopped: {damage}"),
            Notice::UnknownDevice { driver, device } => {
                write!(f, "driver {driver} called the device %{device}, which does not exist")
            }
            Notice::TooLarge(who) => write!(f, "{who} made a value too large to be handed on"),
            Notice::TracesDropped(count) => write!(f, "{count} traces were too many to be shown"),
            Notice::SnapshotPassedOver(damage) => {
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

/// Where a machine's words go.
///
/// Its methods are called from many threads. Values are put into words where they live, and shown
/// later: what the cog says of an event may be seen only when the event is durable.
pub trait Console: Send + Sync {
    /// The words for the message of a `trk`.
    fn trace_text(&self, message: Ref<'_>, at: Timestamp) -> String;

    /// The words for a crash: what was called, with what.
    fn crash_text(&self, who: Who, op: Ref<'_>, arg: Ref<'_>, at: Timestamp) -> String;

    /// Shows such words.
    fn show(&self, text: &str);

    /// Tells of something else.
    fn notice(&self, notice: &Notice);
}
