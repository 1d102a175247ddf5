//! A collection of an open store, as the files of pins see it.
//!
//! ```text
//! begin      gaps are closed: later pins are written after all others, and finds are noted
//! condemn    the addresses to be freed are hidden, in memory
//! push_gaps  the gaps are in the catalogue's journal, and later pins go behind them
//! finish     (`PinFiles::finish_gaps`) they are durable, and the index forgets their addresses
//! punch      their disk space is freed
//! open_gaps  later pins may fill them
//! ```
//!
//! A crash before the gaps are durable leaves the store as if there was no collection. After one
//! later, the next opening removes their addresses from the index, before it finds any pin. Disk
//! space that was not freed is freed by the next collection, or filled.

use std::io;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::address_ranges::AddressRanges;
use super::body;
use super::catalogue::{BodyEnd, GapsRecord, HighWaterMark};
use super::catalogue_reader::CatalogueReader;
use super::index_state::IndexState;
use super::pin_files::{CatalogueWriter, PinFiles};
use super::reclaim::{NewPins, UnfinishedGaps};
use crate::disk::{BLOCK, DiskFile};
use crate::error::{DiskError, StoreReadError};
use crate::health::WriteError;

/// What a collection decided to free.
pub(crate) struct FreedRanges {
    /// All addresses that hold no live pin.
    pub(crate) free: Arc<AddressRanges>,
    /// Whether there were pins in them that the catalogue still has.
    pub(crate) has_pins: bool,
    /// The first sequence of the catalogue that is live.
    pub(crate) start: u64,
    /// Copies before this sequence are live.
    pub(crate) copied: u64,
}

impl PinFiles {
    /// Begins a collection. Returns `None` if one is running.
    pub(crate) fn begin_collection(&self) -> Option<NewPins> {
        let mut table = self.table.lock();
        let slots = table.bodies.iter().map(|body| body.slot).collect();
        let filling = table.bodies.last()?;
        let end = BodyEnd { slot: filling.slot as u64, offset: filling.end };
        let has_begun = table.reclaim.begin(slots, end);
        table.reclaim.new_pins().filter(|_| has_begun).cloned()
    }

    /// Whether a collection is running.
    pub(crate) fn is_collecting(&self) -> bool {
        self.table.lock().reclaim.new_pins().is_some()
    }

    /// Ends the running collection, at whatever step. Pins that it has not freed are found again.
    pub(crate) fn end_collection(&self) {
        self.table.lock().reclaim.end();
    }

    /// Removes and returns the older pins that were found since the last call.
    pub(crate) fn take_found(&self) -> Vec<u64> {
        self.table.lock().reclaim.take_found()
    }

    /// Decides what the running collection frees: hides the addresses in `free`, if no pin was found
    /// that `is_live` denies. Else returns these pins and hides nothing.
    pub(crate) fn condemn(
        &self,
        free: &Arc<AddressRanges>,
        is_live: impl Fn(u64) -> bool,
    ) -> Result<(), Vec<u64>> {
        let mut table = self.table.lock();
        let mut late = table.reclaim.take_found();
        late.retain(|address| !is_live(*address));
        if late.is_empty() {
            table.reclaim.condemn(Arc::clone(free));
            Ok(())
        } else {
            Err(late)
        }
    }

    /// Locks the catalogue. Commits wait; pins are found and inserted meanwhile.
    pub(crate) fn lock_catalogue(&self) -> MutexGuard<'_, CatalogueWriter> {
        self.catalogue.lock()
    }

    /// Commits all pins, and adds all catalogued pins to the index.
    pub(crate) fn commit_and_index(
        &self,
        catalogue: &mut CatalogueWriter,
    ) -> Result<(), WriteError> {
        self.commit_with(catalogue)?;
        self.index_durable(catalogue, usize::MAX)
    }

    /// Opens the durable part of the catalogue for reading.
    pub(crate) fn locked_reader(
        &self,
        catalogue: &CatalogueWriter,
    ) -> Result<CatalogueReader, StoreReadError> {
        self.reader_of(catalogue)
    }

    /// Appends the condemned addresses to the catalogue's journal, as gaps. From then on the gaps are
    /// a fact: [`PinFiles::finish_gaps`] is called now, and by later commits until it succeeds. All
    /// pins of the catalogue are indexed. Returns the addresses that were removed before.
    pub(crate) fn push_gaps(
        &self,
        catalogue: &mut CatalogueWriter,
        freed: &FreedRanges,
    ) -> Result<Arc<AddressRanges>, WriteError> {
        // Pins that are not committed are behind this end, or in no gap. They come with groups that
        // have an end of their own.
        let end = catalogue.progress.state.high_water.end;
        let FreedRanges { free, has_pins, start, copied } = freed;
        let (start, copied) = (*start, *copied);
        let record = GapsRecord { end, start, copied, free: AddressRanges::clone(free) };
        catalogue.journal.push(&[&record.encode()])?;
        let sequence = catalogue.journal.last();
        let high_water = HighWaterMark { end, fill: 0 };
        let state = IndexState { covers: sequence, high_water, gaps: sequence };
        catalogue.unfinished_gaps = Some(UnfinishedGaps { state, start, is_indexed: *has_pins });
        let mut table = self.table.lock();
        table.begin_gaps(sequence);
        Ok(table.reclaim.remove(Arc::clone(free)))
    }

    /// Frees the disk space of the removed addresses that were not removed `before`. Calls
    /// `keep_going` between two steps, and stops when it returns false. Returns `None` then, and else
    /// whether the file system supports holes.
    pub(crate) fn punch_removed(
        &self,
        before: &AddressRanges,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Option<bool>, DiskError> {
        let (removed, bodies) = {
            let table = self.table.lock();
            let file = |body: &body::BodyFile| (body.slot, body.name.clone(), body.file.clone());
            let bodies: Vec<_> = table.bodies.iter().map(file).collect();
            (Arc::clone(table.reclaim.removed()), bodies)
        };
        for (slot, name, file) in bodies {
            let failed = |error| self.context.error(&name, "read", error);
            let length = file.len().map_err(failed)?;
            let (first, end) = (body::address(slot, 0), body::address(slot + 1, 0));
            let ranges = removed.as_slice();
            let ranges = &ranges[ranges.partition_point(|range| range.0 < first)..];
            for (from, to) in ranges.iter().take_while(|range| range.0 < end) {
                if before.as_slice().binary_search(&(*from, *to)).is_ok() {
                    continue;
                }
                if !keep_going() {
                    return Ok(None);
                }
                let punched = punch(file.as_ref(), from - first, (to - first).min(length));
                if !punched.map_err(|error| self.context.error(&name, "punch", error))? {
                    return Ok(Some(false));
                }
            }
        }
        Ok(Some(true))
    }

    /// Lets later pins fill the gaps.
    pub(crate) fn open_gaps(&self) {
        self.table.lock().reclaim.open_gaps();
    }
}

/// Punches a hole into the whole blocks of a range of offsets. Returns false if the file system
/// does not support holes.
pub(crate) fn punch(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<bool> {
    let (from, to) = (from.next_multiple_of(BLOCK), to / BLOCK * BLOCK);
    if from >= to {
        return Ok(true);
    }
    match file.punch(from, to - from) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        other => other.map(|()| true),
    }
}
