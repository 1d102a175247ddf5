//! The results of a check.

use crate::error::StoreDamage;
use crate::types::{PinHash, Seq, Snapshot};

/// The effect of some damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageEffect {
    /// Events are lost; all from `first` on if `last` is `u64::MAX`.
    Events {
        /// The sequence of the first lost event.
        first: u64,
        /// The sequence of the last lost event.
        last: u64,
    },
    /// Groups of pins are lost; all from `first` on if `last` is `u64::MAX`.
    Groups {
        /// The number of the first lost group.
        first: u64,
        /// The number of the last lost group.
        last: u64,
    },
    /// This pin is damaged, or its hash is wrong.
    Pin(PinHash),
    /// No pin of this file can be read.
    File,
    /// A snapshot is lost.
    Snapshot,
    /// An input that was set aside is lost.
    SetAsideInput,
    /// No data is lost.
    Nothing,
}

/// Damage that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageFinding {
    /// The location and the reason.
    pub damage: StoreDamage,
    /// The effect of the damage.
    pub effect: DamageEffect,
}

/// The status of a snapshot whose own file is intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether the catalogue contains its root.
    pub has_root: bool,
    /// A description of a damaged or missing pin that the snapshot needs.
    pub first_bad: Option<String>,
    /// The first event after the snapshot that is lost.
    pub first_event: Option<Seq>,
}

impl SnapshotStatus {
    /// Whether the saved state is complete and intact.
    pub fn is_whole(&self) -> bool {
        self.has_root && self.first_bad.is_none()
    }
}

/// The results of a check.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// The damage.
    pub findings: Vec<DamageFinding>,
    /// The torn tails that a crash left. They held nothing that was acknowledged; opening the store
    /// truncates them.
    pub unfinished: Vec<StoreDamage>,
    /// The snapshots whose files are intact, newest first.
    pub snapshots: Vec<SnapshotStatus>,
    /// The number of intact events.
    pub events: u64,
    /// The number of intact pins.
    pub pins: u64,
}
