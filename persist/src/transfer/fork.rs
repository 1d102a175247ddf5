//! Forking: a second store with the state of another as of an event.
//!
//! The files are copied as they are, so a fork has the id of its store. Where the file system can,
//! the copies share their blocks with the originals (`FICLONE`, on Linux), whatever their size. The log is cut
//! after the last event of the fork, and snapshots of later states are left out; pins that only
//! those needed are garbage of the fork.
//!
//! A fork is detached ([`crate::detached`]). `FORMAT` is written last, so an interrupted fork is no
//! store.

use std::path::Path;
use std::sync::Arc;

use super::file::{TemporaryPath, check_empty, remove_remains, temporary_path};
use crate::context::TEMPORARY;
use crate::disk::{Disk, DiskFile, RealDisk, platform};
use crate::error::{CreateError, DiskError, StoreReadError};
use crate::history::LogExtent;
use crate::inspect::StoreInspection;
use crate::journal::frame::{JournalFrameKind, SEGMENT_HEADER};
use crate::journal::{JournalKind, JournalSegment};
use crate::space::layout::{BODIES_DIR, INDEX_DIR};
use crate::types::Seq;
use crate::{detached, format_file, set_aside, snapshots};

/// The number of bytes that are copied in one step.
const CHUNK: u64 = 1 << 20;

/// Why a store cannot be forked. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The new directory cannot be used.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] StoreReadError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// No kept snapshot and log lead to this event.
    #[error("the store can be forked at the events from {first} to {last}, not at {wanted}")]
    Event {
        /// The event.
        wanted: Seq,
        /// The first event whose state can be reached.
        first: Seq,
        /// The last event.
        last: Seq,
    },
}

/// What a fork has copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkReport {
    /// The last event of the fork.
    pub at: Seq,
    /// The bytes of files that share their blocks with the original.
    pub shared_bytes: u64,
    /// The bytes that were copied.
    pub copied_bytes: u64,
}

/// Creates a detached store with the state after the event `at`, or after the last event, in a
/// directory that is empty or does not exist.
///
/// # Errors
/// See [`ForkError`].
pub fn fork(store: &StoreInspection, dir: &Path, at: Option<Seq>) -> Result<ForkReport, ForkError> {
    check_empty(dir)?;
    let temporary = TemporaryPath::new(temporary_path(dir, "forking"));
    remove_remains(&temporary.path)?;
    let target = RealDisk::make(&temporary.path)
        .map_err(|error| DiskError::new(temporary.path.clone(), "create", error))?;
    let report = fork_on(store, &target, at)?;
    temporary.rename(dir)?;
    Ok(report)
}

/// Creates a fork as [`fork`] does, on an empty disk.
///
/// # Errors
/// See [`ForkError`].
pub fn fork_on(
    store: &StoreInspection,
    target: &dyn Disk,
    at: Option<Seq>,
) -> Result<ForkReport, ForkError> {
    let log = LogExtent::of(store)?;
    let oldest = store.snapshots.oldest().map_or(Seq::START, |oldest| oldest.covers);
    let end = at.unwrap_or(log.last);
    if !(oldest..=log.last).contains(&end) {
        return Err(ForkError::Event { wanted: end, first: oldest, last: log.last });
    }
    let _lock = target
        .lock()
        .map_err(|error| CreateError::Disk(DiskError::new(target.path(""), "lock", error)))?;
    let source = store.context.disk.as_ref();
    let mut copy = ForkCopy { source, target, shared_bytes: 0, copied_bytes: 0 };
    copy.make_dirs()?;
    for dir in [JournalKind::CATALOGUE.dir, BODIES_DIR] {
        copy.directory(dir, |_| true)?;
    }
    let is_whole = end == log.last;
    if is_whole {
        copy.directory(set_aside::DIR, |_| true)?;
    }
    for snapshot in store.snapshots.list() {
        if snapshot.covers <= end {
            let name = snapshots::file_name(snapshot.generation);
            copy.file(&name, &name, None)?;
        }
    }
    for first in log.firsts.iter().filter(|first| **first <= end.0.max(log.firsts[0])) {
        let name = JournalKind::LOG.segment_name(*first);
        let is_last = !log.firsts.iter().any(|other| other > first && *other <= end.0);
        let cut = if is_last { Some(end_of_event(store, *first, end)?) } else { None };
        copy.file(&name, &name, cut)?;
    }
    copy.write(detached::NAME, detached::CONTENTS)?;
    copy.sync_dirs()?;
    // This makes the directory a store.
    let draft = format!("{}{TEMPORARY}", format_file::NAME);
    copy.file(format_file::NAME, &draft, None)?;
    let failed = |error| DiskError::new(target.path(format_file::NAME), "create", error);
    target.rename(&draft, format_file::NAME).map_err(failed)?;
    target.sync_dir("").map_err(failed)?;
    Ok(ForkReport { at: end, shared_bytes: copy.shared_bytes, copied_bytes: copy.copied_bytes })
}

/// Returns the offset after the frame of the event `end` in the segment that begins with `first`:
/// frames after it would prove that more was durable.
fn end_of_event(store: &StoreInspection, first: u64, end: Seq) -> Result<u64, StoreReadError> {
    let (disk, id) = (store.context.disk.as_ref(), store.context.store);
    let segment = Arc::new(JournalSegment::open(disk, &JournalKind::LOG, id, first)?);
    let mut frames = segment.frames(SEGMENT_HEADER)?;
    let mut cut = SEGMENT_HEADER;
    // The extent of the log says that the event is there, so no torn frame comes before its end.
    while first <= end.0
        && let Some((_, frame)) = frames.next()?
    {
        if frame.kind == JournalFrameKind::Data {
            cut = frames.offset();
            if frame.seq >= end.0 {
                break;
            }
        }
    }
    Ok(cut)
}

/// Copies files from one disk to another.
struct ForkCopy<'d> {
    source: &'d dyn Disk,
    target: &'d dyn Disk,
    shared_bytes: u64,
    copied_bytes: u64,
}

impl ForkCopy<'_> {
    const DIRS: [&'static str; 6] = [
        JournalKind::LOG.dir,
        JournalKind::CATALOGUE.dir,
        BODIES_DIR,
        // The index is derived, and is made anew when the fork is opened: that of a running machine
        // may be in the middle of a change.
        INDEX_DIR,
        snapshots::DIR,
        set_aside::DIR,
    ];

    fn make_dirs(&self) -> Result<(), DiskError> {
        for dir in Self::DIRS {
            let made = self.target.make_dir(dir);
            made.map_err(|error| DiskError::new(self.target.path(dir), "create", error))?;
        }
        Ok(())
    }

    fn sync_dirs(&self) -> Result<(), DiskError> {
        for dir in Self::DIRS.into_iter().chain([""]) {
            let synced = self.target.sync_dir(dir);
            synced.map_err(|error| DiskError::new(self.target.path(dir), "flush", error))?;
        }
        Ok(())
    }

    /// Copies the complete files of a directory that `is_wanted` accepts by their names.
    fn directory(&mut self, dir: &str, is_wanted: impl Fn(&str) -> bool) -> Result<(), DiskError> {
        let names = match self.source.list(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            names => names.map_err(|error| DiskError::new(self.source.path(dir), "list", error))?,
        };
        for name in names.iter().filter(|name| !name.ends_with(TEMPORARY) && is_wanted(name)) {
            let name = format!("{dir}/{name}");
            self.file(&name, &name, None)?;
        }
        Ok(())
    }

    /// Copies a file, or its first `length` bytes, durably.
    fn file(&mut self, from: &str, to: &str, length: Option<u64>) -> Result<(), DiskError> {
        let not_read = |error| DiskError::new(self.source.path(from), "read", error);
        let not_written = |error| DiskError::new(self.target.path(to), "write", error);
        let source = self.source.open(from).map_err(not_read)?;
        let length = source.len().map_err(not_read)?.min(length.unwrap_or(u64::MAX));
        let target = self.target.create(to).map_err(not_written)?;
        if share_blocks(source.as_ref(), target.as_ref()) {
            target.truncate(length).map_err(not_written)?;
            self.shared_bytes += length;
        } else {
            let mut chunk = vec![0; CHUNK as usize];
            for at in (0..length).step_by(CHUNK as usize) {
                let chunk = &mut chunk[..(length - at).min(CHUNK) as usize];
                source.read_at(at, chunk).map_err(not_read)?;
                // A hole stays a hole.
                if chunk.iter().any(|byte| *byte != 0) {
                    target.write_at(at, chunk).map_err(not_written)?;
                    self.copied_bytes += chunk.len() as u64;
                }
            }
            target.truncate(length).map_err(not_written)?;
        }
        target.flush().map_err(not_written)
    }

    /// Writes a new file, durably once its directory is flushed.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let failed = |error| DiskError::new(self.target.path(name), "write", error);
        let file = self.target.create(name).map_err(failed)?;
        file.write_at(0, bytes).and_then(|()| file.flush()).map_err(failed)
    }
}

/// Makes a new file share all blocks of another. Returns whether the file system can.
fn share_blocks(source: &dyn DiskFile, target: &dyn DiskFile) -> bool {
    let (Some(source), Some(target)) = (source.mappable(), target.mappable()) else { return false };
    platform::share_blocks(source.file(), target.file())
}
