//! Sets of addresses, as ranges.

use vm::pinspace::range::{ALIGNMENT, SLOT_SIZE};

/// A set of addresses: ranges, each from an address up to another, ascending and apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The set of these; none if they are not as they should be.
    pub(crate) fn from_ascending(ranges: Vec<(u64, u64)>) -> Option<Self> {
        let in_order = ranges.is_sorted_by(|one, next| one.1 < next.0);
        let full = ranges.iter().all(|(from, to)| from < to);
        (in_order && full).then_some(Self(ranges))
    }

    pub(crate) fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    pub(crate) fn contains(&self, address: u64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= address);
        after.checked_sub(1).is_some_and(|at| address < self.0[at].1)
    }

    /// Adds what lies behind all that is there, or touches its end.
    pub(crate) fn push(&mut self, from: u64, to: u64) {
        match self.0.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(to),
            _ if from < to => self.0.push((from, to)),
            _ => {}
        }
    }

    /// All that is in either.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = [self.as_slice(), other.as_slice()].concat();
        // Two runs that are in order already: this is a merge.
        all.sort();
        let mut union = Self::default();
        all.into_iter().for_each(|(from, to)| union.push(from, to));
        union
    }
}

/// Where the next record may begin.
pub(crate) fn aligned(address: u64) -> u64 {
    address.next_multiple_of(ALIGNMENT as u64)
}

/// The gaps that a pin space fills, and how far it has.
///
/// They are filled in the order of their addresses, so one address says how far. A gap that is too
/// small for a record is passed over, and found again by the next collection; but no more is passed
/// over for a record than it takes itself, so at least half of all gaps come to be used before
/// bodies grow by small records.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    gaps: Vec<(u64, u64)>,
    /// The number of the gap that is being filled.
    next: usize,
}

impl Filling {
    /// What a collection found free is filled, but for what reaches to the end of a slot: that is
    /// where bodies grow, or belongs to a file that is gone.
    pub(crate) fn new(free: &Ranges, fill: u64) -> Self {
        let is_gap = |range: &&(u64, u64)| !range.1.is_multiple_of(SLOT_SIZE as u64);
        let mut gaps: Vec<_> = free.as_slice().iter().filter(is_gap).copied().collect();
        gaps.retain_mut(|gap| {
            gap.0 = gap.0.max(fill);
            gap.0 < gap.1
        });
        Self { gaps, next: 0 }
    }

    /// The address in a gap for a record of so many bytes; none if it is better put elsewhere.
    pub(crate) fn place(&self, bytes: u64) -> Option<u64> {
        let mut passed = 0;
        for (from, to) in &self.gaps[self.next..] {
            if bytes <= to - from {
                return Some(*from);
            }
            passed += to - from;
            if passed > bytes {
                break;
            }
        }
        None
    }

    /// Notes that a record was put there. False if that is in no gap.
    pub(crate) fn take(&mut self, address: u64, bytes: u64) -> bool {
        let rest = &self.gaps[self.next..];
        let Ok(at) = rest.binary_search_by_key(&address, |gap| gap.0) else { return false };
        self.next += at;
        let gap = &mut self.gaps[self.next];
        gap.0 = aligned(address + bytes).min(gap.1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(ranges: &[(u64, u64)]) -> Ranges {
        Ranges::from_ascending(ranges.to_vec()).expect("ascending")
    }

    #[test]
    fn a_union_has_what_either_has() {
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
    fn ranges_out_of_order_are_none() {
        for wrong in [vec![(4, 4)], vec![(4, 3)], vec![(4, 8), (8, 9)], vec![(4, 8), (1, 2)]] {
            assert_eq!(Ranges::from_ascending(wrong), None);
        }
    }

    #[test]
    fn gaps_are_filled_in_order_and_little_is_passed_over() {
        let end = crate::space::body::address(1, 0);
        let free = ranges(&[(64, 192), (256, 320), (640, 1664), (end - 64, end)]);
        let mut filling = Filling::new(&free, 0);
        assert_eq!(filling.place(100), Some(64));
        assert_eq!(filling.place(2000), None);
        assert!(filling.take(64, 60));
        assert_eq!(filling.place(65), None, "too much would be passed over");
        assert_eq!(filling.place(128), Some(640), "as much as it takes may be");
        assert_eq!(filling.place(64), Some(128));
        assert!(filling.take(640, 960));
        assert_eq!(filling.place(64), Some(1600));
        assert_eq!(filling.place(65), None, "the end of a slot is no gap");
        assert!(!filling.take(64, 60));
        let again = Filling::new(&free, 704);
        assert_eq!(again.place(64), Some(704));
        assert_eq!(Filling::new(&free, 1664).place(1), None);
    }
}
