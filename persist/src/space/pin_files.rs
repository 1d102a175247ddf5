//! The open files of a pin store: bodies, catalogue and index, without mapping them.
//!
//! ```text
//! insert ──▶ bodies ──┐ commit: bodies are flushed,
//!       └──▶ group ───┴─▶ then the catalogue is, ──▶ then the index gets the pins
//! ```
//!
//! So the catalogue contains only durable pins, and the index only catalogued pins. Records go into
//! the gaps that the last collection found and, when those are full, after all other records. After
//! a crash, later records overwrite the bytes that belong to no committed record.
//!
//! # Locks
//!
//! Pins are found and inserted while a commit waits for the disk: [`PinTable`], which these need,
//! is only locked for short sections. A commit holds the [`CatalogueWriter`] throughout. A thread
//! that holds both has locked the catalogue writer first.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;
use plan::pinspace::range::SLOT_SIZE;

use super::address_ranges::{AddressRanges, align_up};
use super::body::{self, BODY_HEADER, BodyFile, address};
use super::catalogue::{BodyEnd, CatalogueEntry, EntryBuffer, HighWaterMark};
use super::catalogue_reader::{CatalogueReader, catalogue_error, read_gaps, survey_catalogue};
use super::gap_allocator::GapAllocator;
use super::index::PinIndex;
use super::index_state::IndexState;
use super::indexing::{self, IndexProgress, UnindexedGroup};
use super::layout::INDEX_DIR;
use super::reclaim::{ReclaimState, UnfinishedGaps};
use crate::context::StoreContext;
use crate::disk::DiskFile;
use crate::error::{DiskError, OpenError, PinError, StoreReadError};
use crate::health::WriteError;
use crate::journal::{JournalKind, JournalWriter};
use crate::types::PinHash;

/// The size at which a group is closed, in bytes.
const GROUP_LIMIT: usize = 1 << 20;
/// The maximum size of a segment of the catalogue, in bytes.
pub(super) const CATALOGUE_SEGMENT: u64 = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// The number of pins that are indexed without releasing the lock on [`PinTable`].
const INDEX_BATCH: usize = 256;

/// The number of pages of the index that are cleaned without releasing the lock on [`PinTable`].
const INDEX_PAGES: u32 = if cfg!(test) { 1 } else { 64 };

/// Pins that are not in the catalogue yet.
#[derive(Default)]
struct PendingGroup {
    entries: EntryBuffer,
    /// The hashes and addresses of the pins.
    pins: Vec<(PinHash, u64)>,
}

/// Closed groups, each with the high-water mark after it.
type ClosedGroups = VecDeque<(HighWaterMark, PendingGroup)>;

/// Files to flush, with their names.
type DirtyFiles = Vec<(String, Arc<dyn DiskFile>)>;

/// Bodies and index: everything that finding and inserting pins needs.
pub(crate) struct PinTable {
    pub(crate) context: StoreContext,
    /// The open body files. The last one is being filled.
    pub(crate) bodies: Vec<BodyFile>,
    /// The maximum size of a body file, in bytes.
    body_limit: u64,
    pub(crate) index: PinIndex,
    /// Whether a read of the index failed. It is built again by the next commit.
    index_is_damaged: Cell<bool>,
    /// The high-water mark after the last inserted pin.
    pub(crate) high_water: HighWaterMark,
    /// The sequence of the newest gaps; 0 if there are none.
    gaps: u64,
    /// The unused parts of these gaps. Read from the catalogue at the first allocation.
    gap_allocator: Option<GapAllocator>,
    closed_groups: ClosedGroups,
    open_group: PendingGroup,
    /// The pins that are not indexed yet.
    unindexed: HashMap<PinHash, u64>,
    /// What collections of this run have freed.
    pub(super) reclaim: ReclaimState,
}

/// The writing end of the catalogue and the progress of indexing it.
pub(crate) struct CatalogueWriter {
    pub(crate) journal: JournalWriter,
    pub(super) progress: IndexProgress,
    /// Gaps of a collection that are in the journal and whose addresses the index may still have.
    pub(super) unfinished_gaps: Option<UnfinishedGaps>,
}

/// The open files of a pin store.
pub(crate) struct PinFiles {
    pub(super) context: StoreContext,
    pub(super) table: Mutex<PinTable>,
    pub(super) catalogue: Mutex<CatalogueWriter>,
}

impl PinTable {
    /// Sets the maximum size of a body file, in bytes.
    pub(super) fn set_body_limit(&mut self, bytes: u64) {
        self.body_limit = bytes;
    }

    /// Returns the address at which the pin with this hash may be. A collection that is running
    /// keeps the pin.
    ///
    /// # Errors
    /// If the index cannot be read. The next commit builds it again.
    pub(crate) fn find(&self, hash: &PinHash) -> Result<Option<u64>, DiskError> {
        let found = match self.unindexed.get(hash) {
            Some(address) => Some(*address),
            None => self.index.find(hash).inspect_err(|_| self.index_is_damaged.set(true))?,
        };
        Ok(found.filter(|address| self.reclaim.note_use(*address)))
    }

    /// Whether the pin at an address may be used: not if a collection of this run has freed it. A
    /// collection that is running keeps the pin.
    pub(crate) fn may_use(&self, address: u64) -> bool {
        self.reclaim.note_use(address)
    }

    /// Returns the address for a record of `bytes` bytes; `None` if it needs another slot. Returns
    /// the same address until a record is inserted.
    pub(crate) fn find_space(&mut self, bytes: usize) -> Result<Option<u64>, StoreReadError> {
        if !self.reclaim.are_gaps_closed()
            && let Some(address) = self.gap_allocator()?.find(bytes as u64)
        {
            return Ok(Some(address));
        }
        let Some(body) = self.bodies.last() else { return Ok(None) };
        // A record that exceeds the limit gets a file of its own.
        let is_empty = body.end <= BODY_HEADER as u64;
        let limit = if is_empty { SLOT_SIZE as u64 } else { self.body_limit };
        let fits = bytes as u64 <= limit.saturating_sub(body.end);
        Ok(fits.then(|| address(body.slot, body.end)))
    }

    fn gap_allocator(&mut self) -> Result<&mut GapAllocator, StoreReadError> {
        if self.gap_allocator.is_none() {
            let free = match self.gaps {
                0 => AddressRanges::default(),
                gaps => read_gaps(&self.context, gaps)?,
            };
            self.gap_allocator = Some(GapAllocator::new(&free, self.high_water.fill));
        }
        Ok(self.gap_allocator.get_or_insert_default())
    }

    /// Whether a record of `bytes` bytes fits into an empty slot.
    pub(crate) fn fits_in_slot(bytes: usize) -> bool {
        bytes <= SLOT_SIZE - BODY_HEADER
    }

    /// Adds a slot with a new body file, which becomes the one to fill.
    pub(crate) fn add_slot(&mut self, slot: usize) -> Result<&BodyFile, PinError> {
        let body = BodyFile::create(&self.context, slot)?;
        self.close_group();
        self.bodies.push(body);
        Ok(&self.bodies[self.bodies.len() - 1])
    }

    /// Writes a record at the address that [`find_space`](Self::find_space) returned.
    pub(crate) fn insert(&mut self, record: &[u8], entry: &CatalogueEntry) -> Result<(), PinError> {
        self.context.health.check()?;
        let (slot, offset) = body::locate(entry.address);
        let body = self.bodies.iter_mut().rev().find(|body| body.slot == slot);
        let Some(body) = body else { unreachable!("the address is in an open file") };
        let written = body.file.write_at(offset, record);
        let context = &self.context;
        let classify = |error| context.health.classify(context.error(&body.name, "write", error));
        written.map_err(classify)?;
        body.dirty = true;
        let bytes = record.len() as u64;
        let gaps = self.gap_allocator.as_mut();
        let is_in_gap = gaps.is_some_and(|gaps| gaps.allocate(entry.address, bytes));
        if is_in_gap {
            self.high_water.fill = align_up(entry.address + bytes);
            self.reclaim.refill(entry.address, self.high_water.fill);
        } else {
            body.end = align_up(offset + bytes);
            self.high_water.end = BodyEnd { slot: slot as u64, offset: body.end };
        }
        self.open_group.entries.add(entry);
        self.open_group.pins.push((entry.hash, entry.address));
        self.unindexed.insert(entry.hash, entry.address);
        if self.open_group.entries.len() >= GROUP_LIMIT {
            self.close_group();
        }
        Ok(())
    }

    fn close_group(&mut self) {
        if !self.open_group.entries.is_empty() {
            self.closed_groups.push_back((self.high_water, std::mem::take(&mut self.open_group)));
        }
    }

    /// Removes and returns the groups to commit, with the files to flush first.
    fn take_uncommitted(&mut self) -> (ClosedGroups, DirtyFiles) {
        self.close_group();
        let mut dirty = Vec::new();
        for body in self.bodies.iter_mut().filter(|body| body.dirty) {
            body.dirty = false;
            dirty.push((body.name.clone(), Arc::clone(&body.file)));
        }
        (std::mem::take(&mut self.closed_groups), dirty)
    }

    /// Adds pins to the index.
    fn index_pins(&mut self, pins: &[(PinHash, u64)]) -> Result<(), DiskError> {
        for (hash, address) in pins {
            self.index.insert(hash, *address)?;
            // A pin that was written again in the meantime stays unindexed.
            if self.unindexed.get(hash) == Some(address) {
                self.unindexed.remove(hash);
            }
        }
        Ok(())
    }

    /// Replaces the index by one that has all pins that the catalogue has.
    fn replace_index(&mut self, index: PinIndex) {
        self.index = index;
        self.index_is_damaged.set(false);
        let groups = self.closed_groups.iter().map(|(_, group)| group);
        let uncommitted = groups.chain([&self.open_group]).flat_map(|group| group.pins.iter());
        self.unindexed = uncommitted.copied().collect();
    }

    /// Begins to fill new gaps, which are in the journal. None of them is filled yet.
    pub(super) fn begin_gaps(&mut self, gaps: u64) {
        (self.gaps, self.gap_allocator, self.high_water.fill) = (gaps, None, 0);
        self.closed_groups.iter_mut().for_each(|(high_water, _)| high_water.fill = 0);
    }

    /// Replaces the high-water mark and the gaps after a collection.
    pub(crate) fn replace_gaps(&mut self, high_water: HighWaterMark, gaps: u64) {
        (self.high_water, self.gaps, self.gap_allocator) = (high_water, gaps, None);
    }
}

impl CatalogueWriter {
    pub(super) fn new(journal: JournalWriter, progress: IndexProgress) -> Self {
        Self { journal, progress, unfinished_gaps: None }
    }

    /// Records that the index covers the gaps of a collection, which are the last record.
    pub(crate) fn set_indexed(&mut self, state: IndexState) {
        self.progress.state = state;
        self.progress.since_checkpoint += 1;
    }
}

impl PinFiles {
    /// Creates a pin store that begins in the given slot. Its directories must be empty.
    pub(crate) fn create(context: StoreContext, slot: usize) -> Result<Self, WriteError> {
        let (kind, limit) = (JournalKind::CATALOGUE, CATALOGUE_SEGMENT);
        let journal = JournalWriter::create(context.clone(), kind, limit)?;
        let index = PinIndex::create(&context.disk);
        let index = index.map_err(|error| context.health.classify(error))?;
        let end = BodyEnd { slot: slot as u64, offset: BODY_HEADER as u64 };
        let high_water = HighWaterMark { end, fill: 0 };
        let state = IndexState { high_water, ..IndexState::default() };
        let catalogue = CatalogueWriter::new(journal, IndexProgress::up_to_date(state));
        let body = BodyFile::create(&context, slot)?;
        Ok(Self::new(context, vec![body], index, high_water, catalogue))
    }

    pub(super) fn new(
        context: StoreContext,
        bodies: Vec<BodyFile>,
        index: PinIndex,
        high_water: HighWaterMark,
        catalogue: CatalogueWriter,
    ) -> Self {
        let groups = catalogue.progress.unindexed.iter();
        let unindexed = groups.flat_map(|group| group.pins.iter().copied()).collect();
        let table = PinTable {
            context: context.clone(),
            bodies,
            body_limit: SLOT_SIZE as u64,
            index,
            index_is_damaged: Cell::new(false),
            high_water,
            gaps: catalogue.progress.state.gaps,
            gap_allocator: None,
            closed_groups: ClosedGroups::new(),
            open_group: PendingGroup::default(),
            unindexed,
            reclaim: ReclaimState::default(),
        };
        Self { context, table: Mutex::new(table), catalogue: Mutex::new(catalogue) }
    }

    /// Returns the table for finding and inserting pins. Callers lock it for short sections only.
    pub(crate) fn table(&self) -> &Mutex<PinTable> {
        &self.table
    }

    /// Makes the pins durable that were inserted before the call. Returns the number of groups in
    /// the catalogue.
    pub(crate) fn commit(&self) -> Result<u64, WriteError> {
        self.commit_with(&mut self.catalogue.lock())
    }

    /// Does the work of [`commit`](Self::commit) for a caller that has locked the catalogue.
    pub(super) fn commit_with(&self, catalogue: &mut CatalogueWriter) -> Result<u64, WriteError> {
        self.context.health.check()?;
        let (mut groups, dirty) = self.table.lock().take_uncommitted();
        for (name, file) in dirty {
            self.context.flush(&name, file.as_ref())?;
        }
        let mut result = Ok(());
        let mut pushed = 0;
        while let Some((high_water, group)) = groups.pop_front() {
            let (head, entries) = group.entries.encode(high_water);
            result = catalogue.journal.push(&[&head, entries]);
            if result.is_err() {
                groups.push_front((high_water, group));
                break;
            }
            pushed += group.pins.len();
            let sequence = catalogue.journal.last();
            let group = UnindexedGroup::new(sequence, high_water, group.pins);
            catalogue.progress.unindexed.push_back(group);
        }
        // Groups that found no room are retried by the next commit, before later ones.
        for group in groups.into_iter().rev() {
            self.table.lock().closed_groups.push_front(group);
        }
        result?;
        catalogue.journal.flush()?;
        catalogue.journal.mark();
        self.finish_gaps(catalogue)?;
        self.index_durable(catalogue, pushed + indexing::CATCH_UP_PINS)?;
        Ok(catalogue.journal.durable())
    }

    /// Adds at most `limit` catalogued pins to the index. Writes checkpoints when they are due.
    pub(super) fn index_durable(
        &self,
        catalogue: &mut CatalogueWriter,
        limit: usize,
    ) -> Result<(), WriteError> {
        if self.table.lock().index_is_damaged.get() {
            self.rebuild_index(catalogue)?;
        }
        let mut left = limit;
        while left > 0
            && let Some(pins) = catalogue.progress.next_batch(left.min(INDEX_BATCH))
        {
            let indexed = self.table.lock().index_pins(pins);
            if indexed.as_ref().is_err_and(DiskError::is_read) {
                return self.rebuild_index(catalogue);
            }
            indexed.map_err(|error| self.context.health.classify(error))?;
            let count = pins.len();
            left -= count;
            if catalogue.progress.advance(count) {
                self.checkpoint_index(catalogue)?;
            }
        }
        Ok(())
    }

    /// Finishes gaps of a collection that are in the journal: makes them durable, removes their
    /// addresses from the index, writes a checkpoint, and drops the catalogue before the live part.
    ///
    /// After an error, the next commit tries again.
    pub(crate) fn finish_gaps(&self, catalogue: &mut CatalogueWriter) -> Result<(), WriteError> {
        let Some(UnfinishedGaps { state, start, is_indexed }) = catalogue.unfinished_gaps else {
            return Ok(());
        };
        catalogue.journal.flush()?;
        if catalogue.progress.state.gaps < state.gaps {
            let removed = if is_indexed { self.remove_from_index() } else { Ok(()) };
            match removed {
                Err(error) if error.is_read() => self.rebuild_index(catalogue)?,
                removed => {
                    removed.map_err(|error| self.context.health.classify(error))?;
                    catalogue.set_indexed(state);
                }
            }
        }
        self.checkpoint_index(catalogue)?;
        let dropped = catalogue.journal.drop_before(start);
        dropped.map_err(|error| self.context.health.classify(error))?;
        catalogue.unfinished_gaps = None;
        Ok(())
    }

    /// Removes the removed addresses from the index. Pins are found and inserted meanwhile. The
    /// caller has locked the catalogue, so nothing is indexed.
    fn remove_from_index(&self) -> Result<(), DiskError> {
        let removed = Arc::clone(self.table.lock().reclaim.removed());
        let mut done = 0;
        loop {
            let index = &mut self.table.lock().index;
            let next = (done + INDEX_PAGES).min(index.page_count());
            if next == done {
                return Ok(());
            }
            index.remove_in_pages(&removed, done..next)?;
            done = next;
        }
    }

    /// Builds the index again from the catalogue, because its files cannot be read. Finding and
    /// inserting pins waits meanwhile.
    pub(super) fn rebuild_index(&self, catalogue: &mut CatalogueWriter) -> Result<(), WriteError> {
        let mut table = self.table.lock();
        let last = catalogue.journal.durable();
        let build = || -> Result<(IndexState, PinIndex), OpenError> {
            let survey = survey_catalogue(&self.context, 0, last).map_err(catalogue_error)?;
            let reader = CatalogueReader::new(&survey.segments, last).map_err(catalogue_error)?;
            let live = reader.find_live().map_err(catalogue_error)?;
            let (high_water, gaps) = (live.summary.high_water, live.summary.gaps);
            let state = IndexState { covers: last, high_water, gaps };
            Ok((state, indexing::rebuild(&self.context, &reader, &live, state)?))
        };
        let (state, index) = build().map_err(|error| match error {
            OpenError::Disk(error) => self.context.health.classify(error),
            error => {
                let error = io::Error::other(error.to_string());
                self.context.health.fail(self.context.error(INDEX_DIR, "rebuild", error))
            }
        })?;
        table.replace_index(index);
        catalogue.progress = IndexProgress::up_to_date(state);
        Ok(())
    }

    /// Writes a checkpoint of the index.
    pub(super) fn checkpoint_index(
        &self,
        catalogue: &mut CatalogueWriter,
    ) -> Result<(), WriteError> {
        let (files, shape) = {
            let table = self.table.lock();
            (table.index.files(), table.index.shape())
        };
        indexing::write_checkpoint(&self.context, &catalogue.progress.state, &files, &shape)?;
        catalogue.progress.since_checkpoint = 0;
        let finished = self.table.lock().index.finish_checkpoint();
        finished.map_err(|error| self.context.health.classify(error))
    }

    /// Makes everything durable, including the index, so that the next opening has no work.
    pub(crate) fn close(&self) -> Result<(), WriteError> {
        self.commit()?;
        let catalogue = &mut *self.catalogue.lock();
        catalogue.journal.close()?;
        self.index_durable(catalogue, usize::MAX)?;
        if catalogue.progress.since_checkpoint > 0 {
            self.checkpoint_index(catalogue)
        } else {
            Ok(())
        }
    }

    /// Adds all catalogued pins to the index.
    pub(crate) fn index_all(&self) -> Result<(), WriteError> {
        self.index_durable(&mut self.catalogue.lock(), usize::MAX)
    }

    /// Calls `visit` for each durable pin, after all pins that it refers to.
    pub(crate) fn each_entry(
        &self,
        mut visit: impl FnMut(&CatalogueEntry) -> Result<(), StoreReadError>,
    ) -> Result<(), StoreReadError> {
        let reader = self.catalogue_reader()?;
        reader.for_each_live(&reader.find_live()?, |entry| visit(&entry.to_entry()))
    }

    /// Opens the durable part of the catalogue for reading.
    pub(crate) fn catalogue_reader(&self) -> Result<CatalogueReader, StoreReadError> {
        self.reader_of(&self.catalogue.lock())
    }

    /// Opens the durable part of the catalogue for reading. While the caller has it locked, no segment
    /// is removed.
    pub(super) fn reader_of(
        &self,
        catalogue: &CatalogueWriter,
    ) -> Result<CatalogueReader, StoreReadError> {
        let last = catalogue.journal.durable();
        CatalogueReader::new(&survey_catalogue(&self.context, 0, last)?.segments, last)
    }

    /// Returns both parts without locking, to a caller with exclusive access.
    pub(crate) fn parts_mut(&mut self) -> (&mut PinTable, &mut CatalogueWriter) {
        (self.table.get_mut(), self.catalogue.get_mut())
    }
}

#[cfg(test)]
mod tests;
