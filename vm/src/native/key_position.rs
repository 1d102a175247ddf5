//! A set that helpers of compiled code remember until the next collection, and the position of a key in it.

/// The position of a key in a set, or the position where it would be.
pub(super) type KeyPosition = Result<usize, usize>;

/// A set, as it is compared with those of slots: its word, the number of its keys, and the number of times
/// that a key may have been removed from it. A set that an owner changes in place gets other numbers. Two words, so
/// that it is passed in registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RememberedSet {
    pub(super) word: u64,
    /// The two numbers.
    edition: u64,
}

impl RememberedSet {
    /// No set has the word 0.
    pub(super) const NONE: RememberedSet = RememberedSet { word: 0, edition: 0 };

    #[inline(always)]
    pub(super) const fn new(word: u64, count: u32, removals: u32) -> RememberedSet {
        RememberedSet { word, edition: (removals as u64) << 32 | count as u64 }
    }

    /// The number of keys.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        self.edition as u32 as usize
    }
}

/// The last search for a nat in a set.
#[derive(Clone, Copy)]
pub(super) struct NatSearch {
    set: RememberedSet,
    nat: u64,
    place: usize,
    is_found: bool,
}

impl Default for NatSearch {
    fn default() -> NatSearch {
        NatSearch::NONE
    }
}

impl NatSearch {
    /// No search.
    pub(super) const NONE: NatSearch =
        NatSearch { set: RememberedSet::NONE, nat: 0, place: 0, is_found: false };

    #[inline(always)]
    pub(super) fn new(set: RememberedSet, nat: u64, position: KeyPosition) -> NatSearch {
        let (Ok(place) | Err(place)) = position;
        NatSearch { set, nat, place, is_found: position.is_ok() }
    }

    /// The position of a nat in a set, if it was the last that was searched for.
    #[inline(always)]
    pub(super) fn position(self, set: RememberedSet, nat: u64) -> Option<KeyPosition> {
        let is_that = self.nat == nat && self.set == set;
        is_that.then_some(if self.is_found { Ok(self.place) } else { Err(self.place) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_search_is_known_for_the_same_set_and_nat_only() {
        let set = RememberedSet::new(8, 20, 1);
        assert_eq!(NatSearch::NONE.position(set, 0), None);
        for position in [Ok(3), Err(4)] {
            let search = NatSearch::new(set, 5, position);
            assert_eq!(search.position(set, 5), Some(position));
            assert_eq!(search.position(set, 6), None);
            for other in [(16, 20, 1), (8, 21, 1), (8, 20, 2)] {
                let (word, count, removals) = other;
                assert_eq!(search.position(RememberedSet::new(word, count, removals), 5), None);
            }
        }
    }

    #[test]
    fn a_set_has_its_count() {
        assert_eq!(RememberedSet::new(8, 20, u32::MAX).count(), 20);
    }
}
