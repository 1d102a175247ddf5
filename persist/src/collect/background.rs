//! Garbage collection of an open store, while its owner evaluates, freezes pins and writes snapshots.
//!
//! ```text
//! begin    gaps are closed; the backing notes each pin that is found; a survey of the heaps begins
//! reports  each heap runs a full collection and reports what it refers to
//! mark     from snapshots, reports, held pins and found pins, by the catalogue's edges
//! condemn  if no other pin was found meanwhile, the unmarked addresses are hidden; else mark again
//! record   gaps ──▶ catalogue, flushed ──▶ the index forgets their addresses, checkpointed
//! free     holes are punched; then later pins may fill the gaps
//! ```
//!
//! # Why no pin in use is freed
//!
//! *In use* is what a snapshot, a heap, a [`FrozenPin`](plan::pinspace::FrozenPin) or a pin in use
//! refers to. Consider a pin that is in use when the unmarked addresses are condemned.
//!
//! 1. If it is *new*, inserted since the collection began, it is after the old end of the records.
//!    No address there is condemned. The pins that it refers to were found or stored since, or a heap
//!    referred to them: cases 2 and 3. (Pins that were inserted before the marking began are in the
//!    catalogue by then, so the marking also follows their edges itself.)
//! 2. If a kept snapshot reaches it, it is marked. The snapshots are listed after the survey began: a
//!    snapshot that is written later has a root that was held during the survey, or is new. A
//!    snapshot that was dropped is durably gone before the list is made, so it cannot reappear.
//! 3. Else a heap or a `FrozenPin` has come to refer to it. By the argument of
//!    `plan::pinspace::references`, it is reached from an address that the survey lists, or from one
//!    that the backing returned since the collection began. Listed addresses are marked first. For
//!    returned ones, the last look at the notes and the condemning are one step under the lock that a
//!    search needs, so none is missed.
//!
//! From the condemning on, no search returns a condemned pin, and by 1 to 3 nothing else leads to one.
//! An entry of the catalogue that was read before may still name it; the store refuses to use it.
//! Only when the gaps are durable and the index has forgotten the addresses is the space freed, and
//! only after that are the gaps filled. Decoded and compiled code of a law in a pin counts as a
//! reference of its heap.
//!
//! # Why a crash loses nothing
//!
//! The gaps are written to the catalogue after the removal of old snapshots is durable, and nothing
//! is overwritten or punched before the gaps are. A store that is opened afterwards has the kept
//! snapshots or later ones, and their pins are live by 2. The pins that only heaps used are garbage
//! then.
//!
//! # Cost
//!
//! The catalogue is read twice, in a thread with low priority that pauses ([`CollectPace`]); bodies are
//! not read. While gaps are recorded, commits of pins wait; searches and insertions wait for a few
//! pages of the index at a time, and appends to the log never. Memory is that of a collection of a
//! closed store.

use std::sync::Arc;

use plan::pinspace::HeapReferences;

use super::copy_live_entries;
use super::free::disk_space;
use super::mark::{MarkedPins, SnapshotRoot};
use super::plan::CollectPlan;
use super::types::{CollectError, CollectStats};
use crate::error::{DiskError, StoreReadError};
use crate::space::address_ranges::AddressRanges;
use crate::space::body;
use crate::space::catalogue::CatalogueRecord;
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::pin_files::PinFiles;
use crate::space::reclaim::NewPins;
use crate::space::running_collection::FreedRanges;
use crate::store::Store;

/// How often the pins are marked again because others were found meanwhile.
const MAX_PASSES: u32 = 8;

/// The pace of a collection.
pub struct CollectPace<'a> {
    /// The number of entries of the catalogue that are read in one step.
    pub entries_per_step: u32,
    /// Called between two steps. It may wait. The collection ends early, without harm, if it returns
    /// false.
    pub keep_going: &'a mut dyn FnMut() -> bool,
}

impl<'a> CollectPace<'a> {
    /// Returns a pace with steps of about a millisecond.
    pub fn new(keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { entries_per_step: 4096, keep_going }
    }
}

/// A collection of an open store that has begun.
///
/// Until it is dropped, no gap is filled, and no other collection begins.
pub struct BackgroundCollection {
    store: Arc<Store>,
    new: NewPins,
}

impl Drop for BackgroundCollection {
    fn drop(&mut self) {
        self.files().end_collection();
    }
}

impl BackgroundCollection {
    /// Begins a collection. Afterwards each heap that may refer to pins of the store reports its
    /// references (`survey_references` or `lend_references`). Returns `None` if a collection is running, or a view exists.
    pub fn begin(store: &Arc<Store>) -> Option<Self> {
        let new = store.pins().files().begin_collection()?;
        let collection = Self { store: Arc::clone(store), new };
        if store.context().is_viewed() {
            return None;
        }
        store.space().begin_survey();
        Some(collection)
    }

    /// Whether a view of the store waits for this collection to end, so that it is to be dropped.
    pub fn delays_view(&self) -> bool {
        self.store.context().is_viewed()
    }

    fn files(&self) -> &PinFiles {
        self.store.pins().files()
    }

    /// Marks the pins in use, and frees the others. Returns `None` if the pace has ended the collection,
    /// a heap has not reported, or pins were found again and again.
    ///
    /// # Errors
    /// See [`CollectError`]. A damaged snapshot is [`CollectError::Read`] here.
    pub fn run(
        self,
        reports: &[HeapReferences],
        pace: CollectPace<'_>,
    ) -> Result<Option<CollectStats>, CollectError> {
        let Some(used) = self.store.space().finish_survey(reports) else { return Ok(None) };
        let mut is_cancelled = false;
        let mut keep_going = || {
            is_cancelled |= !(pace.keep_going)() || self.store.context().is_viewed();
            !is_cancelled
        };
        let mut pace = CollectPace { keep_going: &mut keep_going, ..pace };
        let collected = self.collect(&used, &mut pace);
        if is_cancelled { Ok(None) } else { collected }
    }

    fn collect(
        &self,
        used: &[usize],
        pace: &mut CollectPace<'_>,
    ) -> Result<Option<CollectStats>, CollectError> {
        let files = self.files();
        // All pins that were inserted before the survey ended are in the part that is marked.
        files.commit()?;
        let snapshots = self.store.durable_snapshots()?;
        let context = self.store.context();
        if snapshots.is_empty() {
            return Err(CollectError::NoSnapshot { path: context.disk.path("") });
        }
        let roots = snapshots.iter().map(|it| SnapshotRoot { address: it.address, hash: it.root });
        let roots: Vec<SnapshotRoot> = roots.collect();
        let reader = files.catalogue_reader()?;
        let Some(plan) = self.decide(&reader, &roots, used, pace)? else { return Ok(None) };
        let disk_before = disk_space(context, &plan.slots)?;
        for (address, _, is_live) in plan.marked.pins() {
            if !is_live {
                self.store.space().forget_verified(address as usize);
            }
        }
        let before = self.record(&plan)?;
        let Some(has_holes) = files.punch_removed(&before, pace.keep_going)? else {
            return Ok(None);
        };
        files.open_gaps();
        let disk_after = disk_space(context, &plan.slots)?;
        Ok(Some(CollectStats { disk_before, disk_after, no_holes: !has_holes, ..plan.stats }))
    }

    /// Marks the pins in use, and condemns the others.
    fn decide(
        &self,
        reader: &CatalogueReader,
        roots: &[SnapshotRoot],
        used: &[usize],
        pace: &mut CollectPace<'_>,
    ) -> Result<Option<CollectPlan>, CollectError> {
        let (files, context) = (self.files(), self.store.context());
        let mut entries = 0;
        let mut on_sequence = |_| {
            entries += 1;
            if entries % pace.entries_per_step == 0 && !(pace.keep_going)() {
                return Err(cancelled());
            }
            Ok(())
        };
        let mut marked = MarkedPins::list(reader, &mut on_sequence)?;
        marked.mark_all(|address| self.new.contains(address));
        let mut used: Vec<u64> = used.iter().map(|address| *address as u64).collect();
        used.extend(files.take_found());
        for _ in 0..MAX_PASSES {
            for address in used {
                let is_known = marked.mark_containing(address).is_some();
                if !is_known && !self.new.contains(address) {
                    let reason = format!("{address:#x} is in use, where there is no pin");
                    return Err(reader.damage(reader.first(), reason).into());
                }
            }
            marked.mark(reader, roots, &mut on_sequence)?;
            if let Some(root) = marked.missing.first() {
                // The root of a snapshot that was written since the catalogue was read is new.
                if !self.new.contains(root.address) {
                    let path = context.disk.path("");
                    return Err(CollectError::MissingRoot { path, root: root.hash });
                }
            }
            let slots = self.new.slots().to_vec();
            let plan = CollectPlan::of_marked(context, marked, slots, Some(&self.new))?;
            let free = Arc::new(plan.free.clone());
            let is_live = |address| self.new.contains(address) || plan.marked.is_reached(address);
            match files.condemn(&free, is_live) {
                Ok(()) => return Ok(Some(plan)),
                Err(late) => (marked, used) = (plan.marked, late),
            }
        }
        Ok(None)
    }

    /// Records the gaps, durably, and removes their addresses from the index. Returns the addresses
    /// that were removed before.
    fn record(&self, plan: &CollectPlan) -> Result<Arc<AddressRanges>, CollectError> {
        let files = self.files();
        let catalogue = &mut *files.lock_catalogue();
        files.commit_and_index(catalogue)?;
        let summary = plan.marked.summary;
        let (mut start, mut copied) = (summary.start, summary.copied);
        if plan.should_copy_catalogue() {
            let reader = files.locked_reader(catalogue)?;
            let is_kept = |address| self.new.contains(address) || plan.marked.is_reached(address);
            start = catalogue.journal.begin_segment()?;
            copy_live_entries(&mut catalogue.journal, &reader, is_kept)?;
            copied = catalogue.journal.last() + 1;
        }
        let free = Arc::new(plan.free.clone());
        let freed = FreedRanges { free, has_pins: plan.stats.freed_pins > 0, start, copied };
        let before = files.push_gaps(catalogue, &freed)?;
        files.finish_gaps(catalogue)?;
        Ok(before)
    }
}

/// How much of a store may be garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GarbageEstimate {
    /// The bytes of the pins that were written since the last collection. As many bytes, or fewer,
    /// became garbage.
    pub written: u64,
    /// The bytes that all other pins take on the disk.
    pub live: u64,
}

impl GarbageEstimate {
    /// Estimates the garbage of an open store. Reads the catalogue after the last collection.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub fn of(store: &Store) -> Result<Self, StoreReadError> {
        let reader = store.pins().files().catalogue_reader()?;
        let mut written = 0;
        for sequence in reader.sequences().rev() {
            let is_gaps = reader.read(sequence, |record| {
                if let CatalogueRecord::Group(_, entries) = &record {
                    written += entries.iter().map(|entry| entry.bytes()).sum::<u64>();
                }
                Ok(matches!(record, CatalogueRecord::Gaps(_)))
            })?;
            if is_gaps {
                break;
            }
        }
        let context = store.context();
        let on_disk = disk_space(context, &body::list_slots(context)?)?;
        Ok(Self { written, live: on_disk.saturating_sub(written) })
    }
}

/// The error that ends a marking which `keep_going` has cancelled.
fn cancelled() -> StoreReadError {
    let error = std::io::ErrorKind::Interrupted.into();
    StoreReadError::Disk(DiskError::new("".into(), "read", error))
}
