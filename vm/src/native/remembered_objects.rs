//! [`RememberedObjects`]: what helpers of compiled code remember of objects, by their addresses, until
//! the next collection, which moves them.

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

/// The position of a key in a set, or the position where it would be.
pub(super) type KeyPosition = Result<usize, usize>;

/// The logarithm of the number of slots of the table of key positions.
const SLOTS_LOG2: u32 = 12;

/// A slot: the words of a set and of a key, and the position of the key in the set.
#[derive(Clone, Copy)]
struct KeySlot {
    keys: u64,
    key: u64,
    position: KeyPosition,
}

/// What helpers remember of objects. A set and a key never change, so what was found once holds while
/// both stay where they are. Of objects that an owner may still change in place, nothing is remembered.
#[derive(Default)]
pub(super) struct RememberedObjects {
    /// The leaf that a row's items were last read from.
    pub(super) row_leaf: RowLeaf,
    /// A direct-mapped table: a later search replaces an earlier one in the same slot. Empty if no
    /// search has been remembered since the last collection; the memory is kept.
    positions: Vec<KeySlot>,
}

impl RememberedObjects {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.row_leaf = RowLeaf::default();
        self.positions.clear();
    }

    /// The position of a key in a set, if it is remembered.
    pub(super) fn position(&self, keys: u64, key: u64) -> Option<KeyPosition> {
        let slot = self.positions.get(slot_number(keys, key))?;
        (slot.keys == keys && slot.key == key).then_some(slot.position)
    }

    /// Remembers the position of a key, which is an object, in a set.
    pub(super) fn remember_position(&mut self, keys: u64, key: u64, position: KeyPosition) {
        if self.positions.is_empty() {
            // No set has the word 0.
            self.positions.resize(1 << SLOTS_LOG2, KeySlot { keys: 0, key: 0, position: Ok(0) });
        }
        self.positions[slot_number(keys, key)] = KeySlot { keys, key, position };
    }
}

/// The slot of a set and a key. Objects that are made one after the other have different slots.
fn slot_number(keys: u64, key: u64) -> usize {
    // The golden ratio: Fibonacci hashing.
    let mixed = (key ^ keys.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOTS_LOG2)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_remembered_by_set_and_key_until_they_are_cleared() {
        let mut remembered = RememberedObjects::default();
        assert_eq!(remembered.position(8, 16), None);
        remembered.remember_position(8, 16, Ok(3));
        remembered.remember_position(8, 24, Err(4));
        assert_eq!(remembered.position(8, 16), Some(Ok(3)));
        assert_eq!(remembered.position(8, 24), Some(Err(4)));
        assert_eq!(remembered.position(16, 8), None);
        remembered.remember_position(8, 16, Ok(5));
        assert_eq!(remembered.position(8, 16), Some(Ok(5)));
        remembered.clear();
        assert_eq!(remembered.position(8, 16), None);
        assert_eq!(remembered.position(0, 0), None);
        remembered.remember_position(8, 16, Ok(6));
        assert_eq!(remembered.position(8, 24), None);
    }
}
