//! Opening a store: surveys everything, and repairs only when nothing is damaged.

use std::sync::Arc;

use super::parts::StoreParts;
use crate::context::StoreContext;
use crate::disk::Disk;
use crate::error::{OpenError, StoreDamage, StoreReadError};
use crate::journal::{JournalKind, JournalSurvey, JournalWriter, ScanDepth};
use crate::set_aside::SetAsideFiles;
use crate::settings::StoreSettings;
use crate::snapshots::SnapshotFiles;
use crate::space::{PinStore, PinSurvey, intact_groups};
use crate::types::{Seq, Snapshot};

/// Opens a store.
///
/// # Errors
/// See [`OpenError`]. Damage is found before anything on disk is changed.
pub(super) fn open(disk: Arc<dyn Disk>, settings: &StoreSettings) -> Result<StoreParts, OpenError> {
    let (context, lock) = StoreContext::lock(disk)?;

    let mut snapshots = SnapshotFiles::survey(context.clone(), settings.retention)?;
    let mut set_aside = SetAsideFiles::survey(context.clone())?;
    let pins = survey_pins(&context, &snapshots)?;
    let covers = snapshots.newest().map_or(Seq::START, |snapshot| snapshot.covers);
    let (from, depth) = (covers.next().0, ScanDepth::AllPayloads);
    let log = JournalSurvey::scan(&context, &JournalKind::LOG, from, covers.0, depth)
        .map_err(|error| log_error(error, snapshots.list()))?;

    // The process that created the store may have crashed before it made the directory durable.
    context.sync_dir("")?;
    snapshots.resume()?;
    set_aside.resume()?;
    let pins = PinStore::resume(&context, pins, Arc::clone(&lock))?;
    let log = JournalWriter::resume(context.clone(), JournalKind::LOG, settings.log_segment, log)?;
    let log = log.with_preallocation(settings.log_preallocation, settings.log_spare_files)?;
    let (store, snapshot) = (context.disk.path(""), covers.0);
    tracing::info!(store = %store.display(), snapshot, last = log.durable(), "store opened");
    Ok(StoreParts { context, lock, log, pins, snapshots, set_aside })
}

/// Surveys the pins. If they are damaged, the error lists the snapshots that are still usable.
fn survey_pins(context: &StoreContext, snapshots: &SnapshotFiles) -> Result<PinSurvey, OpenError> {
    let proven = snapshots.newest().map_or(0, |snapshot| snapshot.groups);
    PinSurvey::scan(context, proven).map_err(|error| match error {
        OpenError::Damaged { damage, .. } => {
            let intact = intact_groups(context);
            let mut usable = snapshots.list();
            usable.retain(|snapshot| snapshot.groups <= intact);
            OpenError::Damaged { damage, usable }
        }
        other => other,
    })
}

fn log_error(error: StoreReadError, usable: Vec<Snapshot>) -> OpenError {
    let damage = match error {
        StoreReadError::Damaged(damage) => damage,
        StoreReadError::Disk(error) => return error.into(),
        StoreReadError::Gap { ref path, .. } => {
            let advice = "nothing was changed; restore the missing files from a copy".into();
            StoreDamage { path: path.clone(), offset: 0, reason: error.to_string(), advice }
        }
    };
    OpenError::Damaged { damage, usable }
}
