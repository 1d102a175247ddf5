//! What a collection of an open store may free: the part of [`PinTable`](super::pin_files::PinTable)
//! that keeps freed pins from being used.
//!
//! While a collection runs, no gap is filled, so every pin that is inserted is a *new* one: after the
//! end that the records had when the collection began ([`NewPins`]). Each older pin that is found is
//! noted, because it may be in use from then on.
//!
//! When the collection has decided, the freed addresses are *removed*: no pin in them is found any
//! more, not even if the index still has it. They stay so until they hold a later pin.

use std::cell::RefCell;
use std::sync::Arc;

use foldhash::HashSet;

use super::address_ranges::AddressRanges;
use super::body;
use super::catalogue::BodyEnd;
use super::index_state::IndexState;

/// The pins that were inserted since a collection began.
#[derive(Debug, Clone)]
pub(crate) struct NewPins {
    /// The slots that had a body file when it began, ascending.
    slots: Vec<usize>,
    /// The end of the records when it began.
    end: BodyEnd,
}

impl NewPins {
    /// Whether a pin at this address is new.
    pub(crate) fn contains(&self, address: u64) -> bool {
        let (slot, offset) = body::locate(address);
        let is_after = slot as u64 == self.end.slot && offset >= self.end.offset;
        is_after || self.slots.binary_search(&slot).is_err()
    }

    /// Returns the slots in which older pins may be, ascending.
    pub(crate) fn slots(&self) -> &[usize] {
        &self.slots
    }

    /// Returns the first address in a slot at which a pin is new: at most the end of the slot.
    pub(crate) fn first_in(&self, slot: usize) -> u64 {
        if slot as u64 == self.end.slot {
            body::address(slot, self.end.offset)
        } else {
            body::address(slot + 1, 0)
        }
    }
}

/// Gaps that are in the catalogue's journal, and not in the checkpoint of the index yet.
///
/// Until they are finished, no later group is indexed: a checkpoint that covers the gaps must not
/// contain their addresses.
#[derive(Clone, Copy)]
pub(crate) struct UnfinishedGaps {
    /// The state of the index when it no longer contains the addresses in the gaps.
    pub(crate) state: IndexState,
    /// The first sequence of the catalogue that is live.
    pub(crate) start: u64,
    /// Whether the index may contain addresses in the gaps.
    pub(crate) is_indexed: bool,
}

/// A collection that is running.
struct RunningCollection {
    new: NewPins,
    /// The older pins that were found since it began.
    found: RefCell<HashSet<u64>>,
    /// The addresses that it frees, once it has decided.
    condemned: Option<Arc<AddressRanges>>,
}

/// What collections of this run have freed, and the collection that is running.
#[derive(Default)]
pub(super) struct ReclaimState {
    running: Option<RunningCollection>,
    /// The addresses that the last collection of this run freed.
    removed: Arc<AddressRanges>,
    /// The parts of them that hold pins again, ascending.
    refilled: AddressRanges,
    /// Whether gaps may not be filled.
    gaps_are_closed: bool,
}

impl ReclaimState {
    /// Begins a collection. Returns false if one is running.
    pub(super) fn begin(&mut self, mut slots: Vec<usize>, end: BodyEnd) -> bool {
        if self.running.is_some() {
            return false;
        }
        slots.sort_unstable();
        let (new, found) = (NewPins { slots, end }, RefCell::default());
        self.running = Some(RunningCollection { new, found, condemned: None });
        true
    }

    /// Returns the pins that are new since the collection began.
    pub(super) fn new_pins(&self) -> Option<&NewPins> {
        self.running.as_ref().map(|it| &it.new)
    }

    /// Whether a pin at this address may be used. If a collection is running, it learns of the use.
    pub(super) fn note_use(&self, address: u64) -> bool {
        let is_removed = self.removed.contains(address) && !self.refilled.contains(address);
        let Some(running) = &self.running else { return !is_removed };
        let condemned = running.condemned.as_ref();
        if is_removed || condemned.is_some_and(|it| it.contains(address)) {
            return false;
        }
        if !running.new.contains(address) {
            running.found.borrow_mut().insert(address);
        }
        true
    }

    /// Removes and returns the pins that were noted.
    pub(super) fn take_found(&self) -> Vec<u64> {
        let running = self.running.as_ref();
        running.map_or(vec![], |it| it.found.borrow_mut().drain().collect())
    }

    /// Removes these addresses for the time of the running collection.
    pub(super) fn condemn(&mut self, free: Arc<AddressRanges>) {
        if let Some(running) = &mut self.running {
            running.condemned = Some(free);
        }
    }

    /// Removes these addresses until they hold pins again. The gaps stay closed until
    /// [`open_gaps`](Self::open_gaps). Returns the addresses that were removed before.
    pub(super) fn remove(&mut self, free: Arc<AddressRanges>) -> Arc<AddressRanges> {
        self.gaps_are_closed = true;
        self.refilled = AddressRanges::default();
        std::mem::replace(&mut self.removed, free)
    }

    /// Returns the addresses that the last collection of this run freed.
    pub(super) fn removed(&self) -> &Arc<AddressRanges> {
        &self.removed
    }

    /// Records that the removed gaps are free on disk and in the index, so they may be filled.
    pub(super) fn open_gaps(&mut self) {
        self.gaps_are_closed = false;
    }

    /// Whether no gap may be filled.
    pub(super) fn are_gaps_closed(&self) -> bool {
        self.running.is_some() || self.gaps_are_closed
    }

    /// Records that a pin fills a part of a gap. Gaps are filled in ascending order.
    pub(super) fn refill(&mut self, from: u64, to: u64) {
        self.refilled.push(from, to);
    }

    /// Ends the running collection.
    pub(super) fn end(&mut self) {
        self.running = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::body::address;

    fn ranges(ranges: &[(u64, u64)]) -> Arc<AddressRanges> {
        Arc::new(AddressRanges::from_ascending(ranges.to_vec()).expect("ascending"))
    }

    #[test]
    fn a_freed_pin_is_not_used_until_its_place_holds_another() {
        let mut state = ReclaimState::default();
        let at = |offset| address(3, offset);
        assert!(state.note_use(at(64)));
        assert!(state.begin(vec![3], BodyEnd { slot: 3, offset: 1024 }));
        assert!(!state.begin(vec![3], BodyEnd { slot: 3, offset: 1024 }), "one at a time");
        assert!(state.are_gaps_closed());
        assert!(
            state.note_use(at(64)) && state.note_use(at(1024)) && state.note_use(address(5, 64))
        );
        assert_eq!(state.take_found(), [at(64)], "new pins need no note");
        state.condemn(ranges(&[(at(128), at(512))]));
        assert!(!state.note_use(at(128)) && !state.note_use(at(448)) && state.note_use(at(512)));
        state.remove(ranges(&[(at(128), at(512))]));
        state.end();
        assert!(!state.note_use(at(128)) && state.are_gaps_closed());
        state.open_gaps();
        assert!(!state.are_gaps_closed());
        state.refill(at(128), at(192));
        assert!(state.note_use(at(128)) && !state.note_use(at(192)));
    }

    #[test]
    fn pins_of_a_collection_that_gave_up_are_used_again() {
        let mut state = ReclaimState::default();
        assert!(state.begin(vec![3], BodyEnd { slot: 3, offset: 1024 }));
        state.condemn(ranges(&[(address(3, 64), address(3, 512))]));
        assert!(!state.note_use(address(3, 64)));
        state.end();
        assert!(state.note_use(address(3, 64)) && !state.are_gaps_closed());
    }
}
