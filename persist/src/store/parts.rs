//! The parts of an open store.

use std::sync::Arc;

use crate::context::StoreContext;
use crate::disk::DiskLock;
use crate::journal::JournalWriter;
use crate::set_aside::SetAsideFiles;
use crate::snapshots::SnapshotFiles;
use crate::space::PinStore;

/// The parts of an open store.
pub(super) struct StoreParts {
    pub(super) context: StoreContext,
    pub(super) lock: Arc<dyn DiskLock>,
    pub(super) log: JournalWriter,
    pub(super) pins: PinStore,
    pub(super) snapshots: SnapshotFiles,
    pub(super) set_aside: SetAsideFiles,
}
