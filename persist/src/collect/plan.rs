//! The plan of a collection: the gaps between live pins and the new ends of the body files.

use std::collections::BTreeMap;

use plan::pinspace::range::SLOT_SIZE;

use super::mark::{MarkedPins, SnapshotRoot};
use super::types::{CollectError, CollectPhase, CollectStats, OnProgress};
use crate::context::StoreContext;
use crate::error::StoreReadError;
use crate::space::address_ranges::AddressRanges;
use crate::space::body::{self, BODY_HEADER, address};
use crate::space::catalogue::BodyEnd;
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::reclaim::NewPins;

/// The catalogue is copied if that at least halves it and saves this many bytes.
const WORTH_COPYING: u64 = if cfg!(test) { 512 } else { 64 << 10 };

/// The plan of a collection.
pub(super) struct CollectPlan {
    pub(super) marked: MarkedPins,
    /// The slots that have body files.
    pub(super) slots: Vec<usize>,
    /// The addresses that hold no live pin.
    pub(super) free: AddressRanges,
    /// For each slot with a live pin: the end address of its last live pin.
    pub(super) ends: BTreeMap<usize, u64>,
    /// The end of the records after the collection.
    pub(super) end: BodyEnd,
    pub(super) stats: CollectStats,
}

impl CollectPlan {
    /// Marks the pins that the roots reach and computes the gaps between them.
    pub(super) fn new(
        context: &StoreContext,
        reader: &CatalogueReader,
        roots: &[SnapshotRoot],
        on_progress: OnProgress<'_>,
    ) -> Result<Self, CollectError> {
        let total = 2 * (reader.sequences().end - reader.sequences().start);
        let (mut done, mut current) = (0, 0);
        let mut on_sequence = |sequence: u64| {
            if sequence != current {
                (done, current) = (done + 1, sequence);
                on_progress(CollectPhase::Marking, done, total);
            }
            Ok(())
        };
        let marked = MarkedPins::find(reader, roots, &mut on_sequence)?;
        if let Some(root) = marked.missing.first() {
            let path = context.disk.path("");
            return Err(CollectError::MissingRoot { path, root: root.hash });
        }
        let slots = body::list_slots(context)?;
        Ok(Self::of_marked(context, marked, slots, None)?)
    }

    /// Computes the gaps between marked pins in some slots. Gaps end where the new pins of an open
    /// store begin; the new pins are kept.
    pub(super) fn of_marked(
        context: &StoreContext,
        marked: MarkedPins,
        slots: Vec<usize>,
        new: Option<&NewPins>,
    ) -> Result<Self, StoreReadError> {
        let end = marked.summary.high_water.end;
        let (free, ends, stats) =
            (AddressRanges::default(), BTreeMap::new(), CollectStats::default());
        let mut plan = Self { marked, slots, free, ends, end, stats };
        plan.find_gaps(context, new)?;
        Ok(plan)
    }

    /// Computes the gaps between the live pins.
    fn find_gaps(
        &mut self,
        context: &StoreContext,
        new: Option<&NewPins>,
    ) -> Result<(), StoreReadError> {
        let stats = &mut self.stats;
        let is_new = |address: u64| new.is_some_and(|new| new.contains(address));
        let mut pins = self.marked.pins().peekable();
        for slot in &self.slots {
            let slot_end = address(*slot + 1, 0);
            let old_end = new.map_or(slot_end, |new| new.first_in(*slot));
            let mut at = address(*slot, BODY_HEADER as u64);
            while let Some((from, to, is_reached)) = pins.next_if(|pin| pin.0 < slot_end) {
                if body::locate(from).0 != *slot && !is_new(from) {
                    return Err(missing_file(context, from));
                }
                if !is_reached && !is_new(from) {
                    stats.freed_pins += 1;
                    stats.freed_bytes += to - from;
                    continue;
                }
                stats.kept_pins += 1;
                stats.kept_bytes += to - from;
                if !is_new(from) {
                    self.free.push(at, from);
                    at = to;
                    self.ends.insert(*slot, to);
                }
            }
            self.free.push(at, old_end);
        }
        for (from, to, _) in pins {
            if !is_new(from) {
                return Err(missing_file(context, from));
            }
            stats.kept_pins += 1;
            stats.kept_bytes += to - from;
        }
        for (from, to) in self.free.as_slice() {
            // A range that reaches the end of a slot is not between pins.
            if !to.is_multiple_of(SLOT_SIZE as u64) {
                stats.gaps += 1;
                stats.gap_bytes += to - from;
            }
        }
        if self.end.offset != 0 {
            self.end.offset = self.end_in(self.end.slot as usize);
        }
        Ok(())
    }

    /// Returns the offset at which the records of a slot's file will end.
    pub(super) fn end_in(&self, slot: usize) -> u64 {
        self.ends.get(&slot).map_or(BODY_HEADER as u64, |end| end - address(slot, 0))
    }

    /// Whether most of the catalogue concerns freed pins.
    pub(super) fn should_copy_catalogue(&self) -> bool {
        let MarkedPins { entry_bytes, reached_entry_bytes, .. } = self.marked;
        entry_bytes > 2 * reached_entry_bytes + WORTH_COPYING
    }
}

fn missing_file(context: &StoreContext, address: u64) -> StoreReadError {
    let path = context.disk.path(&body::file_name(body::locate(address).0));
    body::body_damage(path, 0, "the file is missing, and pins are in it").into()
}
