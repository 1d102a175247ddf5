//! [`RememberedObjects`]: what helpers of compiled code remember of objects, by their addresses, until
//! the next collection, which moves them.

use super::consecutive_keys::ConsecutiveKeys;
use super::key_position::{KeyPosition, NatSearch, RememberedSet};
use plan::raw::Word;

/// The leaf of a row from which an item was last read, and the row.
#[derive(Clone, Copy, Default)]
pub(super) struct RowLeaf {
    /// The word of the row; 0 for none.
    pub(super) row: u64,
    /// The word of the leaf.
    pub(super) leaf: u64,
    /// The number of items before the leaf.
    pub(super) start: usize,
    /// The number of items of the leaf.
    pub(super) count: usize,
}

/// A key, as it is compared with the keys of slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RememberedKey {
    /// An object, by its word.
    Object(u64),
    /// A bar of that many bytes, 1 to 8, and their number, least significant first.
    ShortBar(u64, u8),
}

/// The logarithm of the number of slots of the table of key positions.
const SLOTS_LOG2: u32 = 12;

/// A slot: a set, a key, and the position of the key in the set.
#[derive(Clone, Copy)]
struct KeySlot {
    set: RememberedSet,
    position: u32,
    is_found: bool,
    key: RememberedKey,
}

impl KeySlot {
    const EMPTY: KeySlot = KeySlot {
        set: RememberedSet::NONE,
        position: 0,
        is_found: false,
        key: RememberedKey::Object(0),
    };
}

/// The number of counters of removals. Sets whose words differ little have different ones.
const REMOVAL_COUNTERS: usize = 32;

/// What helpers remember of objects. A key never changes, and a set only by getting or losing keys, so what
/// was found once holds while both stay where they are, the set has as many keys, and none has been removed.
#[derive(Default)]
pub(super) struct RememberedObjects {
    /// The leaf that a row's items were last read from.
    pub(super) row_leaf: RowLeaf,
    /// The last search for a nat in a set that is not short: programs look an entry up, and then change it.
    pub(super) last_nat: NatSearch,
    /// Sets of nats that were searched.
    pub(super) consecutive_keys: ConsecutiveKeys,
    /// A direct-mapped table: a later search replaces an earlier one in the same slot. Empty if no
    /// search has been remembered since the last collection; the memory is kept.
    positions: Vec<KeySlot>,
    /// How often a key may have been removed in place from sets, by bits of their words.
    removals: [u32; REMOVAL_COUNTERS],
}

impl RememberedObjects {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.row_leaf = RowLeaf::default();
        self.last_nat = NatSearch::NONE;
        self.consecutive_keys = ConsecutiveKeys::default();
        self.positions.clear();
    }

    /// A set with that many keys, as it is remembered now.
    #[inline]
    pub(super) fn set(&self, set: Word, count: u32) -> RememberedSet {
        let removals = self.removals[removal_counter(set)];
        RememberedSet::new(set.raw(), count, removals)
    }

    /// Forgets what is known of a set from which a key is removed in place.
    pub(super) fn forget_set(&mut self, set: Word) {
        let removals = &mut self.removals[removal_counter(set)];
        *removals = removals.wrapping_add(1);
    }

    /// The position of a key in a set, if it is remembered.
    pub(super) fn position(&self, set: RememberedSet, key: RememberedKey) -> Option<KeyPosition> {
        let slot = self.positions.get(slot_number(set, key))?;
        let position = slot.position as usize;
        let is_that = slot.key == key && slot.set == set;
        is_that.then_some(if slot.is_found { Ok(position) } else { Err(position) })
    }

    /// Remembers the position of a key in a set.
    pub(super) fn remember_position(
        &mut self,
        set: RememberedSet,
        key: RememberedKey,
        position: KeyPosition,
    ) {
        if self.positions.is_empty() {
            self.positions.resize(1 << SLOTS_LOG2, KeySlot::EMPTY);
        }
        let is_found = position.is_ok();
        let (Ok(at) | Err(at)) = position;
        // A set has fewer than 2^32 keys where it is remembered.
        let Ok(position) = u32::try_from(at) else { return };
        self.positions[slot_number(set, key)] = KeySlot { set, position, is_found, key };
    }
}

/// The counter of removals from a set.
fn removal_counter(set: Word) -> usize {
    (set.raw() >> 6) as usize % REMOVAL_COUNTERS
}

/// The slot of a set and a key. Objects that are made one after the other have different slots.
fn slot_number(set: RememberedSet, key: RememberedKey) -> usize {
    let bits = match key {
        RememberedKey::Object(word) => word,
        RememberedKey::ShortBar(number, length) => number ^ u64::from(length) << 60,
    };
    // The golden ratio: Fibonacci hashing.
    let mixed = (bits ^ set.word.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOTS_LOG2)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use RememberedKey::{Object, ShortBar};

    fn set(word: u64) -> RememberedSet {
        RememberedSet::new(word, 20, 0)
    }

    #[test]
    fn positions_are_remembered_by_set_and_key_until_they_are_cleared() {
        let mut remembered = RememberedObjects::default();
        assert_eq!(remembered.position(set(8), Object(16)), None);
        remembered.remember_position(set(8), Object(16), Ok(3));
        remembered.remember_position(set(8), Object(24), Err(4));
        assert_eq!(remembered.position(set(8), Object(16)), Some(Ok(3)));
        assert_eq!(remembered.position(set(8), Object(24)), Some(Err(4)));
        assert_eq!(remembered.position(set(16), Object(8)), None);
        remembered.remember_position(set(8), Object(16), Ok(5));
        assert_eq!(remembered.position(set(8), Object(16)), Some(Ok(5)));
        remembered.clear();
        assert_eq!(remembered.position(set(8), Object(16)), None);
        assert_eq!(remembered.position(RememberedSet::new(0, 20, 0), Object(0)), None);
        remembered.remember_position(set(8), Object(16), Ok(6));
        assert_eq!(remembered.position(set(8), Object(24)), None);
    }

    #[test]
    fn a_set_from_which_a_key_was_removed_is_another_set() {
        let mut remembered = RememberedObjects::default();
        let [word, other] = [640, 1 << 20].map(Word::direct);
        let (before, before_other) = (remembered.set(word, 20), remembered.set(other, 20));
        remembered.remember_position(before, Object(16), Ok(3));
        remembered.forget_set(word);
        assert_eq!(remembered.position(remembered.set(word, 20), Object(16)), None);
        assert_eq!(remembered.set(other, 20), before_other);
    }

    #[test]
    fn positions_are_those_of_a_number_of_keys_and_of_a_length() {
        let mut remembered = RememberedObjects::default();
        remembered.remember_position(set(8), ShortBar(65, 1), Ok(7));
        assert_eq!(remembered.position(set(8), ShortBar(65, 1)), Some(Ok(7)));
        let longer = RememberedSet::new(8, 21, 0);
        assert_eq!(remembered.position(longer, ShortBar(65, 1)), None);
        assert_eq!(remembered.position(set(8), ShortBar(65, 2)), None);
        assert_eq!(remembered.position(set(8), Object(65)), None);
        remembered.remember_position(set(8), ShortBar(66, 1), Err(usize::MAX));
        assert_eq!(remembered.position(set(8), ShortBar(66, 1)), None);
    }
}
