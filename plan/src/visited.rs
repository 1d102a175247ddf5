//! [`VisitedObjects`]: the objects that a visit of a value has met.

use crate::map::Map;

/// The bytes of addresses that share a part of the set.
const PART_BYTES: usize = 1 << 16;

/// A set of objects, by their addresses: a bit for each word of the parts of memory that have an
/// object in the set.
#[derive(Default)]
pub(crate) struct VisitedObjects(Map<usize, Box<[u64; PART_BYTES / 512]>>);

impl VisitedObjects {
    /// Adds an object, and returns whether it is new.
    pub(crate) fn insert(&mut self, address: usize) -> bool {
        let part = self.0.entry(address / PART_BYTES);
        let bits = part.or_insert_with(|| Box::new([0; PART_BYTES / 512]));
        let word = address % PART_BYTES / 8;
        let before = bits[word / 64];
        bits[word / 64] |= 1 << (word % 64);
        bits[word / 64] != before
    }
}

#[cfg(test)]
mod tests {
    use super::VisitedObjects;

    #[test]
    fn a_visited_object_is_not_new_and_its_neighbours_are() {
        let mut visited = VisitedObjects::default();
        for address in [8, 16, 0, 1 << 16, (1 << 16) + 8, 1 << 40, 504, 512] {
            assert!(visited.insert(address), "{address}");
            assert!(!visited.insert(address), "{address}");
        }
    }
}
