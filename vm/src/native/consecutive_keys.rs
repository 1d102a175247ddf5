//! [`ConsecutiveKeys`]: sets whose keys are consecutive nats, as they are in a table that is used as an
//! array. The position of a key in them is a subtraction, and no node of the set is read.

use super::key_position::{KeyPosition, RememberedSet};

/// Sets with fewer keys are not looked up here: a search in them is as fast.
pub(super) const CONSECUTIVE_KEYS_MIN: u32 = 128;

/// The number of searches in a set after which it is looked whether its keys are consecutive.
const SEARCHES: u32 = 4;

/// The number of sets that are remembered.
const SLOTS: usize = 8;

/// What is known of the keys of a set.
#[derive(Clone, Copy)]
enum KeyKnowledge {
    /// This number of searches has been counted.
    Searched(u32),
    /// The keys are consecutive nats from this one on.
    From(u64),
    /// The keys are others.
    Others,
}

#[derive(Clone, Copy)]
struct SetSlot {
    set: RememberedSet,
    known: KeyKnowledge,
}

/// Sets that were searched since the last collection, and whether their keys are consecutive nats. A
/// direct-mapped table.
pub(super) struct ConsecutiveKeys([SetSlot; SLOTS]);

impl Default for ConsecutiveKeys {
    fn default() -> ConsecutiveKeys {
        let set = RememberedSet::NONE;
        ConsecutiveKeys([SetSlot { set, known: KeyKnowledge::Searched(0) }; SLOTS])
    }
}

impl ConsecutiveKeys {
    /// The position of a nat below 2^63 in a set with these keys, if they are known to be consecutive.
    /// Counts a search, and asks for the first of the keys, if they are consecutive, after a few searches.
    #[inline]
    pub(super) fn position(
        &mut self,
        set: RememberedSet,
        first_if_consecutive: impl FnOnce() -> Option<u64>,
        nat: u64,
    ) -> Option<KeyPosition> {
        // Sets are apart by more words than this.
        let slot = &mut self.0[(set.word >> 6) as usize % SLOTS];
        if slot.set != set {
            *slot = SetSlot { set, known: KeyKnowledge::Searched(0) };
        }
        match slot.known {
            KeyKnowledge::From(first) => {
                let count = set.count();
                Some(match nat.checked_sub(first) {
                    None => Err(0),
                    Some(index) if index < count as u64 => Ok(index as usize),
                    Some(_) => Err(count),
                })
            }
            KeyKnowledge::Others => None,
            KeyKnowledge::Searched(SEARCHES) => {
                slot.known = match first_if_consecutive() {
                    Some(first) => KeyKnowledge::From(first),
                    None => KeyKnowledge::Others,
                };
                None
            }
            KeyKnowledge::Searched(count) => {
                slot.known = KeyKnowledge::Searched(count + 1);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vm;
    use plan::{HeapOptions, Val};
    use std::sync::Arc;

    const SET: RememberedSet = RememberedSet::new(64, 3, 0);

    /// The answers to four more searches than are counted, in a set of these keys.
    fn positions(set: RememberedSet, keys: &[u64], nat: u64) -> Vec<Option<KeyPosition>> {
        let mut vm = Vm::new(HeapOptions::default(), Arc::default()).expect("a stack");
        let keys: Vec<Val> = keys.iter().map(|key| vm.nat(*key)).collect();
        let row = vm.row(&keys).expect("room");
        let keys = vm.look(&row).as_row().expect("a row");
        let mut known = ConsecutiveKeys::default();
        let first = || keys.first_of_consecutive_nats();
        (0..SEARCHES + 4).map(|_| known.position(set, first, nat)).collect()
    }

    #[test]
    fn positions_of_consecutive_keys_are_known_after_some_searches() {
        for (nat, expected) in [(4, Err(0)), (5, Ok(0)), (7, Ok(2)), (8, Err(3)), (1 << 62, Err(3))]
        {
            let positions = positions(SET, &[5, 6, 7], nat);
            let (before, after) = positions.split_at(SEARCHES as usize + 1);
            assert!(before.iter().all(Option::is_none), "{nat}: {positions:?}");
            assert!(after.iter().all(|found| *found == Some(expected)), "{nat}: {positions:?}");
        }
    }

    #[test]
    fn positions_of_other_keys_are_not_known() {
        for keys in [[5, 6, 8], [5, 7, 8], [1, 2, 1 << 63]] {
            assert!(positions(SET, &keys, 5).iter().all(Option::is_none), "{keys:?}");
        }
    }

    #[test]
    fn a_set_with_another_number_of_keys_is_another_set() {
        let mut vm = Vm::new(HeapOptions::default(), Arc::default()).expect("a stack");
        let nats: Vec<Val> = [5, 6, 7, 9].map(|key| vm.nat(key)).into();
        let (three, four) = (vm.row(&nats[..3]).expect("room"), vm.row(&nats).expect("room"));
        let [three, four] = [&three, &four].map(|row| {
            let keys = vm.look(row).as_row().expect("a row");
            move || keys.first_of_consecutive_nats()
        });
        let mut known = ConsecutiveKeys::default();
        let longer = RememberedSet::new(64, 4, 0);
        (0..=SEARCHES).for_each(|_| assert_eq!(known.position(SET, three, 6), None));
        assert_eq!(known.position(SET, three, 6), Some(Ok(1)));
        assert_eq!(known.position(longer, four, 9), None);
        (0..2 * SEARCHES).for_each(|_| assert_eq!(known.position(longer, four, 9), None));
        assert_eq!(known.position(SET, three, 6), None);
    }
}
