//! A locked store that is being inspected.

use std::path::Path;
use std::sync::Arc;

use crate::context::StoreContext;
use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{DiskError, OpenError};
use crate::journal::{JournalKind, list_segments};
use crate::set_aside::{SetAsideFiles, SetAsideList};
use crate::settings::Retention;
use crate::snapshots::SnapshotFiles;
use crate::space::read_only::body_lengths;

/// The first sequence of a segment and the length of its file, in bytes.
pub(super) type SegmentLength = (u64, u64);

/// A locked store that is being inspected.
pub struct StoreInspection {
    pub(crate) context: StoreContext,
    pub(crate) snapshots: SnapshotFiles,
    pub(crate) set_aside: SetAsideFiles,
    /// The segments of the log.
    pub(super) log: Vec<SegmentLength>,
    /// The segments of the catalogue.
    pub(super) catalogue: Vec<SegmentLength>,
    /// The lengths of the body files, in bytes.
    pub(super) bodies: Vec<u64>,
    // The last field, so that the lock is released after everything else is dropped.
    _lock: Arc<dyn DiskLock>,
}

impl StoreInspection {
    /// Locks the store in a directory for inspection.
    ///
    /// # Errors
    /// See [`OpenError`]. Damage is an error only in the `FORMAT` file.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::read_only(dir.as_ref())))
    }

    /// Locks the store on the given disk, like [`StoreInspection::open`].
    ///
    /// # Errors
    /// See [`StoreInspection::open`].
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let (context, lock) = StoreContext::lock(disk)?;
        let snapshots = SnapshotFiles::survey(context.clone(), Retention::default())?;
        let set_aside = SetAsideFiles::survey(context.clone())?;
        let log = segment_lengths(&context, &JournalKind::LOG)?;
        let catalogue = segment_lengths(&context, &JournalKind::CATALOGUE)?;
        let bodies = body_lengths(&context)?;
        Ok(Self { context, snapshots, set_aside, log, catalogue, bodies, _lock: lock })
    }

    /// Reads the inputs that were set aside.
    ///
    /// # Errors
    /// Errors of the file system. Damage is part of the result.
    pub fn set_aside_inputs(&self) -> Result<SetAsideList, DiskError> {
        self.set_aside.read()
    }

    /// Returns the number of bytes that a check reads.
    pub fn bytes(&self) -> u64 {
        let segments = self.log.iter().chain(&self.catalogue).map(|(_, length)| length);
        segments.chain(&self.bodies).sum()
    }
}

fn segment_lengths(
    context: &StoreContext,
    kind: &JournalKind,
) -> Result<Vec<SegmentLength>, DiskError> {
    let (firsts, _) = list_segments(context, kind)?;
    let length = |first: u64| Ok((first, context.length(&kind.segment_name(first))?));
    firsts.into_iter().map(length).collect()
}
