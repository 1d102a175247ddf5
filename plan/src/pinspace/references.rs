//! Which pins of a space are in use: a survey of its heaps and [`FrozenPin`](super::FrozenPin)s.
//!
//! A store removes pins while heaps refer to others ([`PinSpaceBacking`]). It must know which pins
//! are in use, and heaps do not count their references. So it holds a *survey*:
//!
//! ```text
//! begin_survey     notes the pins that are held outside of heaps, and from then on each new one
//! heaps report     each attached heap lists the frozen objects that it refers to
//! finish_survey    the union, if every heap that is attached now has reported
//! ```
//!
//! # Why the result is complete
//!
//! A thread gets a reference to a pin in one of four ways: it reads a word in a heap or in a pin, it
//! adopts a `FrozenPin`, it asks the backing, or it stores a new pin. The backing records what it
//! returns while a survey goes on. A `FrozenPin` that existed when the survey began, or was made
//! since, is noted, and stays noted after it is dropped. A heap's report lists what the heap refers
//! to at one moment of the survey; what it refers to later, it got from a listed pin or in one of
//! the other ways. A heap that is attached after its report was due has a new number, and the survey
//! does not end without a report with this number. So every pin in use after the survey is noted,
//! reported, or recorded by the backing, or is reached from such a pin. (Yuasa, *Real-time garbage
//! collection on general-purpose machines*, 1990: a snapshot at the beginning.)
//!
//! [`PinSpaceBacking`]: super::PinSpaceBacking

use super::range::PinSpaceId;
use crate::Map;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a heap refers to in a pin space. Made by a full collection, or from
/// [`LentReferences`](crate::LentReferences).
#[derive(Debug)]
pub struct HeapReferences {
    space: PinSpaceId,
    survey: u64,
    /// The number of the heap's attachment; `None` if the heap refers to nothing in the space.
    attachment: Option<u64>,
    addresses: Vec<usize>,
}

impl HeapReferences {
    /// Creates the report of an attached heap for a survey of a space.
    pub(super) fn new(
        space: PinSpaceId,
        survey: u64,
        attachment: Option<u64>,
        addresses: Vec<usize>,
    ) -> HeapReferences {
        HeapReferences { space, survey, attachment, addresses }
    }

    /// Returns the same report with these addresses, which are in the space, each once.
    pub(crate) fn with_addresses(self, addresses: Vec<usize>) -> HeapReferences {
        HeapReferences { addresses, ..self }
    }

    /// Returns the number of frozen objects that the heap refers to.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }
}

/// The users of a pin space: attached heaps, and pins that are held outside of heaps.
#[derive(Default)]
pub(super) struct SpaceUsers(Mutex<UserState>);

#[derive(Default)]
struct UserState {
    /// The number of the last attachment.
    last_attachment: u64,
    attachments: BTreeSet<u64>,
    /// The counts of `FrozenPin`s, by address.
    held: Map<usize, usize>,
    /// The number of the last survey.
    survey: u64,
    /// The addresses that were held at any time since the survey began; `None` between surveys.
    noted: Option<BTreeSet<usize>>,
}

impl SpaceUsers {
    fn state(&self) -> MutexGuard<'_, UserState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a heap. Returns the number of the attachment, which is never used again.
    pub(super) fn attach(&self) -> u64 {
        let mut state = self.state();
        state.last_attachment += 1;
        let attachment = state.last_attachment;
        state.attachments.insert(attachment);
        attachment
    }

    pub(super) fn detach(&self, attachment: u64) {
        self.state().attachments.remove(&attachment);
    }

    /// Counts a pin that is held outside of heaps.
    pub(super) fn hold(&self, address: usize) {
        let mut state = self.state();
        *state.held.entry(address).or_default() += 1;
        if let Some(noted) = &mut state.noted {
            noted.insert(address);
        }
    }

    pub(super) fn release(&self, address: usize) {
        let mut state = self.state();
        if let Some(count) = state.held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&address);
            }
        }
    }

    pub(super) fn begin_survey(&self) {
        let mut state = self.state();
        state.survey += 1;
        state.noted = Some(state.held.keys().copied().collect());
    }

    /// Returns the number of the current survey.
    pub(super) fn survey(&self) -> u64 {
        self.state().survey
    }

    pub(super) fn finish_survey(
        &self,
        space: PinSpaceId,
        reports: &[HeapReferences],
    ) -> Option<Vec<usize>> {
        let mut state = self.state();
        let is_current = |it: &&HeapReferences| it.space == space && it.survey == state.survey;
        let current: Vec<&HeapReferences> = reports.iter().filter(is_current).collect();
        let has_report = |number: &u64| current.iter().any(|it| it.attachment == Some(*number));
        if !state.attachments.iter().all(has_report) {
            return None;
        }
        let mut addresses: Vec<usize> = state.noted.take()?.into_iter().collect();
        addresses.extend(current.iter().flat_map(|it| &it.addresses));
        addresses.sort_unstable();
        addresses.dedup();
        Some(addresses)
    }
}

#[cfg(test)]
mod tests {
    use crate::pinspace::PinSpace;
    use crate::{Heap, Val, samples};
    use spec::Term;
    use std::sync::Arc;

    fn space() -> Arc<PinSpace> {
        PinSpace::in_memory().expect("the range can be reserved")
    }

    /// Makes a value, and freezes it. Returns the address of the frozen pin.
    fn freeze(heap: &mut Heap, text: &str, space: &Arc<PinSpace>) -> (Val, usize) {
        let term = Term::parse(text).expect("a term");
        let value = samples::normal(heap, &term).expect("a value");
        samples::mark_normal(heap, &value);
        let frozen = heap.freeze(&value, space).expect("room");
        (heap.adopt(&frozen), frozen.address())
    }

    #[test]
    fn a_survey_lists_what_heaps_refer_to_and_not_what_they_dropped() {
        let space = space();
        let heap = &mut samples::heap(false);
        let (kept, at) = freeze(heap, "(0 1 2)", &space);
        let (dropped, gone) = freeze(heap, "(0 3 4)", &space);
        drop(dropped);
        space.begin_survey();
        let report = heap.survey_references(&space);
        assert_eq!(space.finish_survey(&[report]), Some(vec![at]));
        assert_ne!(at, gone);
        drop(kept);
        space.begin_survey();
        let report = heap.survey_references(&space);
        assert_eq!(space.finish_survey(&[report]), Some(vec![]));
    }

    #[test]
    fn a_reference_to_a_part_of_a_pin_is_listed() {
        let space = space();
        let heap = &mut samples::heap(false);
        let (pin, at) = freeze(heap, "(0 1 2)", &space);
        let crate::Shape::Pin(inside) = heap.look(&pin).shape() else { panic!("a pin") };
        let inside = heap.hold(inside.item());
        drop(pin);
        space.begin_survey();
        let report = heap.survey_references(&space);
        let found = space.finish_survey(&[report]).expect("all have reported");
        assert_eq!(found.len(), 1);
        assert!((at..at + 1000).contains(&found[0]), "{at:#x} {found:x?}");
        drop(inside);
    }

    #[test]
    fn a_survey_does_not_end_without_the_report_of_each_attached_heap() {
        let space = space();
        let (one, other) = (&mut samples::heap(false), &mut samples::heap(false));
        let (value, at) = freeze(one, "(0 1 2)", &space);
        let (_other_value, other_at) = freeze(other, "(0 5)", &space);
        let early = one.survey_references(&space);
        space.begin_survey();
        let report = other.survey_references(&space);
        // The first report was made before the survey began.
        assert_eq!(space.finish_survey(&[early, report]), None);
        let reports = [one.survey_references(&space), other.survey_references(&space)];
        let mut expected = vec![at, other_at];
        expected.sort_unstable();
        assert_eq!(space.finish_survey(&reports), Some(expected));
        drop(value);
    }

    #[test]
    fn a_pin_that_was_held_during_a_survey_is_listed() {
        let space = space();
        let heap = &mut samples::heap(false);
        let (value, at) = freeze(heap, "(0 1 2)", &space);
        let held = heap.freeze(&value, &space).expect("room");
        drop(value);
        space.begin_survey();
        let report = heap.survey_references(&space);
        let clone = held.clone();
        drop((held, clone));
        assert_eq!(space.finish_survey(&[report]), Some(vec![at]));
        space.begin_survey();
        let found = space.find(&crate::Hash([9; 32])).expect("no error");
        assert!(found.is_none());
        assert_eq!(space.finish_survey(&[]), Some(vec![]));
    }
}
