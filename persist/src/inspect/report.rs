//! What a check found.

use crate::error::Damage;
use crate::{Hash, Seq, Snapshot};

/// What a damage costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// These events are lost; to the end of the log where `last` is `u64::MAX`.
    Events {
        /// The first sequence.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The groups of pins of these numbers are lost; likewise.
    Groups {
        /// The first number.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// This pin is not what its hash says.
    Pin(Hash),
    /// No pin of this file can be read.
    File,
    /// A snapshot is lost.
    Snapshot,
    /// No data is lost.
    Nothing,
}

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where and what.
    pub damage: Damage,
    /// What it costs.
    pub effect: Effect,
}

/// What has become of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotState {
    /// The snapshot, whose own file is whole.
    pub snapshot: Snapshot,
    /// Whether its root is among the pins.
    pub has_root: bool,
    /// A damaged or missing pin that it needs, in words.
    pub first_bad: Option<String>,
    /// The first event after it that is lost.
    pub first_event: Option<Seq>,
}

impl SnapshotState {
    /// Whether the state that was saved is there and whole.
    pub fn is_whole(&self) -> bool {
        self.has_root && self.first_bad.is_none()
    }
}

/// All that a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What is damaged; empty if nothing is.
    pub findings: Vec<Finding>,
    /// Ends of files that a crash left unfinished. They held nothing that was acknowledged, and
    /// opening the store cuts them off.
    pub unfinished: Vec<Damage>,
    /// The snapshots whose files are whole, newest first.
    pub snapshots: Vec<SnapshotState>,
    /// How many events were found whole.
    pub events: u64,
    /// How many pins.
    pub pins: u64,
}
