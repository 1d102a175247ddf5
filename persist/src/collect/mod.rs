//! Garbage collection: frees the pins that no kept snapshot reaches. [`collect`] works on a closed
//! store; [`BackgroundCollection`] on an open one, and keeps the pins in use as well.
//!
//! ```text
//! mark     finds the pins that roots reach, by the catalogue's edges; reads no body
//! plan     computes the gaps between live pins
//! record   gaps ──▶ catalogue, flushed ──▶ the index forgets their addresses
//! free     removes empty files, truncates the others, punches holes
//! prune    drops the catalogue before the copies
//! ```
//!
//! Each step begins when the previous one is durable or will be repeated by the next opening. So a
//! crash leaves either all pins, or the live pins and gaps whose space is not freed yet; the next
//! collection frees it. Pins never move. Later pins fill the gaps.
//!
//! If most of the catalogue concerns freed pins, the live entries are *copied* to its end, and the
//! gaps declare everything before them obsolete. After a crash before the gaps are durable, the
//! copies are ignored.
//!
//! Memory: 12 bytes per pin and 16 per gap.

mod background;
mod free;
mod mark;
mod plan;
mod types;

use std::path::Path;
use std::sync::Arc;

pub use background::{BackgroundCollection, CollectPace, GarbageEstimate};
pub use types::{CollectError, CollectPhase, CollectStats, OnProgress};

use crate::context::StoreContext;
use crate::disk::{Disk, RealDisk};
use crate::journal::JournalWriter;
use crate::settings::Retention;
use crate::snapshots::SnapshotFiles;
use crate::space::PinSurvey;
use crate::space::catalogue::{EntryBuffer, GapsRecord, HighWaterMark};
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::index_state::IndexState;
use crate::space::pin_files::{CatalogueWriter, PinTable};
use free::{disk_space, free_space};
use mark::SnapshotRoot;
use plan::CollectPlan;

/// The size at which a copy record is closed, in bytes.
const COPY_LIMIT: usize = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Collects the store in a directory: frees the pins that no kept snapshot reaches.
///
/// A dry run changes nothing.
///
/// # Errors
/// See [`CollectError`].
pub fn collect(
    dir: impl AsRef<Path>,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<CollectStats, CollectError> {
    let dir = dir.as_ref();
    let disk = if dry_run { RealDisk::read_only(dir) } else { RealDisk::new(dir) };
    collect_on(Arc::new(disk), dry_run, on_progress)
}

/// Collects the store on the given disk, like [`collect`].
///
/// # Errors
/// See [`CollectError`].
pub fn collect_on(
    disk: Arc<dyn Disk>,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<CollectStats, CollectError> {
    let (context, _lock) = StoreContext::lock(disk)?;
    let (roots, proven) = find_roots(&context)?;
    collect_roots(&context, &roots, proven, dry_run, on_progress)
}

/// Returns the roots of all snapshots, and the number of groups that the newest snapshot proves
/// durable.
fn find_roots(context: &StoreContext) -> Result<(Vec<SnapshotRoot>, u64), CollectError> {
    let snapshots = SnapshotFiles::survey(context.clone(), Retention::default())?;
    if let Some((_, damage)) = snapshots.damaged().first() {
        return Err(CollectError::Snapshot(damage.clone()));
    }
    let Some(newest) = snapshots.newest() else {
        return Err(CollectError::NoSnapshot { path: context.disk.path("") });
    };
    let roots = snapshots.list().into_iter();
    let roots = roots.map(|it| SnapshotRoot { address: it.address, hash: it.root }).collect();
    Ok((roots, newest.groups))
}

/// Frees the pins that the roots do not reach.
fn collect_roots(
    context: &StoreContext,
    roots: &[SnapshotRoot],
    proven: u64,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<CollectStats, CollectError> {
    if dry_run {
        let reader = CatalogueReader::open(context, proven)?;
        let plan = CollectPlan::new(context, &reader, roots, on_progress)?;
        let disk_before = disk_space(context, &plan.slots)?;
        return Ok(CollectStats { disk_before, disk_after: disk_before, ..plan.stats });
    }
    let mut pins = PinSurvey::scan(context, proven)?.resume()?;
    pins.index_all()?;
    let reader = pins.catalogue_reader()?;
    let mut plan = CollectPlan::new(context, &reader, roots, on_progress)?;
    plan.stats.disk_before = disk_space(context, &plan.slots)?;
    let (table, catalogue) = pins.parts_mut();
    let start = match plan.stats.freed_pins {
        0 => plan.marked.summary.start,
        _ => record_gaps(table, catalogue, &reader, &plan)?,
    };
    free_space(table, &mut plan, on_progress)?;
    pins.close()?;
    // The index's checkpoint covers the gaps now, so the catalogue before `start` is not needed.
    let (table, catalogue) = pins.parts_mut();
    catalogue.journal.drop_before(start)?;
    let slots: Vec<usize> = table.bodies.iter().map(|body| body.slot).collect();
    Ok(CollectStats { disk_after: disk_space(context, &slots)?, ..plan.stats })
}

/// Writes the gaps to the catalogue, durably, and removes their addresses from the index. Returns
/// the first sequence of the catalogue that is live afterwards.
fn record_gaps(
    table: &mut PinTable,
    catalogue: &mut CatalogueWriter,
    reader: &CatalogueReader,
    plan: &CollectPlan,
) -> Result<u64, CollectError> {
    let journal = &mut catalogue.journal;
    let summary = plan.marked.summary;
    let (mut start, mut copied) = (summary.start, summary.copied);
    if plan.should_copy_catalogue() {
        start = journal.begin_segment()?;
        copy_live_entries(journal, reader, |address| plan.marked.is_reached(address))?;
        copied = journal.last() + 1;
    }
    let gaps = GapsRecord { end: plan.end, start, copied, free: plan.free.clone() };
    journal.push(&[&gaps.encode()])?;
    journal.flush()?;
    journal.mark();
    let sequence = journal.last();
    table.index.remove_all(&plan.free)?;
    let high_water = HighWaterMark { end: plan.end, fill: 0 };
    catalogue.set_indexed(IndexState { covers: sequence, gaps: sequence, high_water });
    table.replace_gaps(high_water, sequence);
    Ok(start)
}

/// Appends copies of the live entries whose addresses are kept.
fn copy_live_entries(
    journal: &mut JournalWriter,
    reader: &CatalogueReader,
    is_kept: impl Fn(u64) -> bool,
) -> Result<(), CollectError> {
    let mut copy = EntryBuffer::default();
    let mut result = Ok(());
    let mut write = |copy: &mut EntryBuffer| {
        let copy = std::mem::take(copy);
        let (head, entries) = copy.encode_copy();
        journal.push(&[&head, entries])
    };
    reader.for_each_live(&reader.find_live()?, |entry| {
        if result.is_ok() && is_kept(entry.address()) {
            copy.add_encoded(entry);
            if copy.len() >= COPY_LIMIT {
                result = write(&mut copy);
            }
        }
        Ok(())
    })?;
    result?;
    if !copy.is_empty() {
        write(&mut copy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
