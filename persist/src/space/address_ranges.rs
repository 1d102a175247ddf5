//! Sets of addresses, stored as sorted ranges.

use plan::pinspace::range::ALIGNMENT;

/// A set of addresses: half-open ranges that are ascending, not empty, and do not touch.
///
/// The set is a sorted vector and not a search tree: the catalogue stores it as such a list, it is
/// built once in ascending order, and a collection keeps one with 16 bytes per gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AddressRanges(Vec<(u64, u64)>);

impl AddressRanges {
    /// Creates the set of the given ranges. Returns `None` if they violate the invariant.
    pub(crate) fn from_ascending(ranges: Vec<(u64, u64)>) -> Option<Self> {
        let are_apart = ranges.is_sorted_by(|one, next| one.1 < next.0);
        let are_full = ranges.iter().all(|(from, to)| from < to);
        (are_apart && are_full).then_some(Self(ranges))
    }

    /// Returns the ranges, ascending.
    pub(crate) fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    pub(crate) fn contains(&self, address: u64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= address);
        after.checked_sub(1).is_some_and(|at| address < self.0[at].1)
    }

    /// Adds a range that begins after all others or touches the last one. Ignores an empty range.
    pub(crate) fn push(&mut self, from: u64, to: u64) {
        match self.0.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(to),
            _ if from < to => self.0.push((from, to)),
            _ => {}
        }
    }

    /// Returns the union of two sets.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = [self.as_slice(), other.as_slice()].concat();
        // The input is two sorted runs, which this sort merges.
        all.sort();
        let mut union = Self::default();
        all.into_iter().for_each(|(from, to)| union.push(from, to));
        union
    }
}

/// Returns the first address at or after `address` at which a record may begin.
pub(crate) fn align_up(address: u64) -> u64 {
    address.next_multiple_of(ALIGNMENT as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(ranges: &[(u64, u64)]) -> AddressRanges {
        AddressRanges::from_ascending(ranges.to_vec()).expect("ascending")
    }

    #[test]
    fn a_union_contains_the_addresses_of_both_sets() {
        let one = ranges(&[(0, 10), (20, 30), (50, 60)]);
        let other = ranges(&[(5, 7), (10, 15), (25, 52)]);
        let union = one.union(&other);
        assert_eq!(union, ranges(&[(0, 15), (20, 60)]));
        for address in 0..70 {
            let either = one.contains(address) || other.contains(address);
            assert_eq!(union.contains(address), either, "{address}");
        }
    }

    #[test]
    fn empty_touching_or_unordered_ranges_are_rejected() {
        for wrong in [vec![(4, 4)], vec![(4, 3)], vec![(4, 8), (8, 9)], vec![(4, 8), (1, 2)]] {
            assert_eq!(AddressRanges::from_ascending(wrong), None);
        }
    }
}
