//! [`ReplaySource`]: where a replay reads states and events.

use persist::{LogRecords, PinError, Seq, Snapshot, Store, StoreHistory, StoreReadError};
use plan::pinspace::FrozenPin;
use std::path::PathBuf;

/// The snapshots and the log of a machine: those of an open store, or of one that is inspected.
pub(crate) trait ReplaySource {
    /// The directory of the store.
    fn directory(&self) -> PathBuf;

    /// The intact snapshots, newest first.
    fn kept_snapshots(&self) -> Vec<Snapshot>;

    /// The root pin of one of the snapshots.
    fn snapshot_root(&self, snapshot: &Snapshot) -> Result<FrozenPin, PinError>;

    /// The events from `first` on.
    fn events_from(&self, first: Seq) -> Result<LogRecords, StoreReadError>;
}

impl ReplaySource for Store {
    fn directory(&self) -> PathBuf {
        self.path().into()
    }

    fn kept_snapshots(&self) -> Vec<Snapshot> {
        self.snapshots()
    }

    fn snapshot_root(&self, snapshot: &Snapshot) -> Result<FrozenPin, PinError> {
        self.root(snapshot)
    }

    fn events_from(&self, first: Seq) -> Result<LogRecords, StoreReadError> {
        self.records_from(first)
    }
}

impl ReplaySource for StoreHistory {
    fn directory(&self) -> PathBuf {
        self.path()
    }

    fn kept_snapshots(&self) -> Vec<Snapshot> {
        self.snapshots().to_vec()
    }

    fn snapshot_root(&self, snapshot: &Snapshot) -> Result<FrozenPin, PinError> {
        self.root(snapshot)
    }

    fn events_from(&self, first: Seq) -> Result<LogRecords, StoreReadError> {
        self.records(first, self.last())
    }
}
