//! Adding catalogued pins to the index.
//!
//! A commit adds the pins that it made durable to the index. After a number of pins, the index is
//! checkpointed ([`super::index`]). After a crash of the process or a loss of power, only the
//! groups since the last checkpoint are missing from the index. Opening does not add all of them,
//! because each pin may read a page from a cold disk. Until they are indexed, they are found in
//! memory, and each commit adds some of them.
//!
//! If the last collection did not finish, opening first removes the addresses in its gaps from the
//! index, before any look-up.

use std::collections::VecDeque;

use super::catalogue::{CatalogueRecord, EntryRef, HighWaterMark};
use super::catalogue_reader::{CatalogueReader, LiveEntries, catalogue_error};
use super::index::{IndexFile, IndexShape, PinIndex};
use super::index_state::IndexState;
use crate::context::StoreContext;
use crate::error::OpenError;
use crate::health::WriteError;
use crate::types::PinHash;

/// The number of indexed pins after which the index is checkpointed.
const CHECKPOINT_INTERVAL: usize = if cfg!(test) { 7 } else { 1 << 16 };
/// The number of pins that a commit indexes in addition to its own.
pub(super) const CATCH_UP_PINS: usize = if cfg!(test) { 2 } else { 512 };

/// A group of the catalogue that is not completely indexed.
pub(super) struct UnindexedGroup {
    pub(super) sequence: u64,
    /// The high-water mark after this group.
    pub(super) high_water: HighWaterMark,
    /// The hashes and addresses of the group's pins.
    pub(super) pins: Vec<(PinHash, u64)>,
    /// The number of pins that are indexed: the first ones.
    pub(super) indexed: usize,
}

impl UnindexedGroup {
    pub(super) fn new(sequence: u64, high_water: HighWaterMark, pins: Vec<(PinHash, u64)>) -> Self {
        Self { sequence, high_water, pins, indexed: 0 }
    }
}

/// The progress of indexing.
pub(super) struct IndexProgress {
    /// The state after the last group that is completely indexed.
    pub(super) state: IndexState,
    /// The later groups, ascending.
    pub(super) unindexed: VecDeque<UnindexedGroup>,
    /// The number of pins indexed since the last checkpoint.
    pub(super) since_checkpoint: usize,
}

impl IndexProgress {
    /// The progress of an index that covers `state` and has no unindexed groups.
    pub(super) fn up_to_date(state: IndexState) -> Self {
        Self { state, unindexed: VecDeque::new(), since_checkpoint: 0 }
    }

    /// Returns at most `limit` pins that are not indexed yet; `None` if all groups are indexed.
    pub(super) fn next_batch(&self, limit: usize) -> Option<&[(PinHash, u64)]> {
        let left = self.unindexed.front().map(|group| &group.pins[group.indexed..])?;
        Some(&left[..left.len().min(limit)])
    }

    /// Records that the next `count` pins are indexed. Returns whether a checkpoint is due.
    pub(super) fn advance(&mut self, count: usize) -> bool {
        // A group without pins counts as one pin.
        self.since_checkpoint += count.max(1);
        let Some(group) = self.unindexed.front_mut() else { return false };
        group.indexed += count;
        if group.indexed < group.pins.len() {
            return false;
        }
        (self.state.covers, self.state.high_water) = (group.sequence, group.high_water);
        self.unindexed.pop_front();
        self.since_checkpoint >= CHECKPOINT_INTERVAL
    }
}

/// Reads the groups after those that the index covers. Indexes immediately only the groups up to
/// the sequence `gaps`, the gaps of an unfinished collection, and removes the addresses in the
/// gaps.
pub(super) fn catch_up(
    mut state: IndexState,
    gaps: u64,
    index: &mut PinIndex,
    reader: &CatalogueReader,
) -> Result<IndexProgress, OpenError> {
    let covers = state.covers;
    let mut high_water = state.high_water;
    let mut unindexed = VecDeque::new();
    for sequence in reader.sequences().skip_while(|sequence| *sequence <= covers) {
        let read = reader.read(sequence, |record| {
            let mut pins = Vec::new();
            match record {
                CatalogueRecord::Group(mark, entries) => {
                    high_water = mark;
                    pins.extend(entries.iter().map(|entry| (entry.hash(), entry.address())));
                }
                CatalogueRecord::Gaps(gaps) => {
                    high_water = HighWaterMark { end: gaps.end, fill: 0 };
                    index.remove_all(&gaps.free)?;
                }
                CatalogueRecord::Copy(_) => {}
            }
            if sequence > gaps {
                unindexed.push_back(UnindexedGroup::new(sequence, high_water, pins));
                return Ok(());
            }
            state = IndexState { covers: sequence, high_water, gaps };
            Ok(pins.iter().try_for_each(|(hash, address)| index.insert(hash, *address))?)
        });
        read.map_err(catalogue_error)?;
    }
    let since_checkpoint = usize::from(state.covers > covers);
    Ok(IndexProgress { state, unindexed, since_checkpoint })
}

/// Builds a new index from the whole catalogue, whose state is `state`.
pub(super) fn rebuild(
    context: &StoreContext,
    reader: &CatalogueReader,
    live: &LiveEntries,
    state: IndexState,
) -> Result<PinIndex, OpenError> {
    IndexState::remove(context)?;
    let mut index = PinIndex::create(&context.disk)?;
    if reader.sequences().is_empty() {
        return Ok(index);
    }
    let insert = |entry: EntryRef<'_>| Ok(index.insert(&entry.hash(), entry.address())?);
    reader.for_each_live(live, insert).map_err(catalogue_error)?;
    write_checkpoint(context, &state, &index.files(), &index.shape())?;
    index.finish_checkpoint()?;
    Ok(index)
}

/// Makes an index durable: first its files, then its state.
pub(super) fn write_checkpoint(
    context: &StoreContext,
    state: &IndexState,
    files: &[IndexFile],
    shape: &IndexShape,
) -> Result<(), WriteError> {
    for (name, file) in files {
        context.flush(name, file.as_ref())?;
    }
    state.write(context, shape)
}
