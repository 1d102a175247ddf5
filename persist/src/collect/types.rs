//! The results, progress and errors of a collection.

use std::path::PathBuf;

use crate::error::{DiskError, OpenError, PinError, StoreDamage, StoreReadError};
use crate::health::WriteError;
use crate::types::PinHash;

/// Why a collection failed.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The store is in use or damaged. Nothing was changed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The catalogue is damaged. Nothing was changed.
    #[error(transparent)]
    Read(#[from] StoreReadError),
    /// A snapshot is damaged, so the pins that it needs are unknown. Nothing was changed.
    #[error("{}: {}; nothing was changed: restore that file from a copy, or remove it", _0.path.display(), _0.reason)]
    Snapshot(StoreDamage),
    /// There is no snapshot, so the live pins are unknown. Nothing was changed.
    #[error("{}: there is no snapshot, so the needed pins are unknown; nothing was changed", path.display())]
    NoSnapshot {
        /// The store's directory.
        path: PathBuf,
    },
    /// The root of a snapshot is not in the catalogue. Nothing was changed.
    #[error("{}: the root {} of a snapshot is not among the pins; nothing was changed: see \
             `pallas check`", path.display(), plan::Hash(*root))]
    MissingRoot {
        /// The store's directory.
        path: PathBuf,
        /// The root.
        root: PinHash,
    },
    /// The collection was interrupted. No live pin is lost; the next collection continues.
    #[error("{0}; no pin that is needed is lost: fix the cause and collect again")]
    Write(#[from] PinError),
}

impl From<WriteError> for CollectError {
    fn from(error: WriteError) -> Self {
        Self::Write(error.into())
    }
}

impl From<DiskError> for CollectError {
    fn from(error: DiskError) -> Self {
        Self::Write(error.into())
    }
}

/// The phase of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectPhase {
    /// Reading the catalogue. Progress counts groups; each is read twice.
    Marking,
    /// Freeing disk space. Progress counts gaps.
    Freeing,
}

/// A callback for the progress of a collection: the phase, the completed part and the total.
pub type OnProgress<'a> = &'a mut dyn FnMut(CollectPhase, u64, u64);

/// The results of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CollectStats {
    /// The number of live pins.
    pub kept_pins: u64,
    /// The total length of the live pins' records, in bytes.
    pub kept_bytes: u64,
    /// The number of freed pins, or of pins that would be freed.
    pub freed_pins: u64,
    /// The total length of the freed pins' records, in bytes.
    pub freed_bytes: u64,
    /// The number of gaps between pins. New pins will fill them.
    pub gaps: u64,
    /// The total length of the gaps, in bytes.
    pub gap_bytes: u64,
    /// The disk space that body files took before the collection, in bytes.
    pub disk_before: u64,
    /// The disk space that body files take after the collection, in bytes. Equal to `disk_before`
    /// in a dry run.
    pub disk_after: u64,
    /// Whether the file system does not support punching holes.
    pub no_holes: bool,
}
