//! Allocation of the gaps that a collection left between pins.

use plan::pinspace::range::SLOT_SIZE;

use super::address_ranges::{AddressRanges, align_up};

/// Allocates addresses in the gaps of the last collection, in ascending order.
///
/// Because of that order, a single address records the progress. A gap that is too small for a
/// record is skipped until the next collection finds it again. For one record, the allocator skips
/// at most as many bytes as the record takes, so small records use at least half of all gap bytes
/// before the body files grow.
#[derive(Debug, Default)]
pub(super) struct GapAllocator {
    gaps: Vec<(u64, u64)>,
    /// The index in `gaps` of the first gap that is not used up.
    next: usize,
}

impl GapAllocator {
    /// Creates an allocator for the free ranges of a collection, from the address `fill` on.
    ///
    /// Ranges that reach the end of a slot are not gaps: the slot's file grows there, or it has
    /// been removed.
    pub(super) fn new(free: &AddressRanges, fill: u64) -> Self {
        let is_gap = |range: &&(u64, u64)| !range.1.is_multiple_of(SLOT_SIZE as u64);
        let mut gaps: Vec<_> = free.as_slice().iter().filter(is_gap).copied().collect();
        gaps.retain_mut(|gap| {
            gap.0 = gap.0.max(fill);
            gap.0 < gap.1
        });
        Self { gaps, next: 0 }
    }

    /// Returns the address in a gap for a record of `bytes` bytes; `None` if the record should go
    /// to the end of a body file.
    pub(super) fn find(&self, bytes: u64) -> Option<u64> {
        let mut skipped = 0;
        for (from, to) in &self.gaps[self.next..] {
            if bytes <= to - from {
                return Some(*from);
            }
            skipped += to - from;
            if skipped > bytes {
                break;
            }
        }
        None
    }

    /// Removes a record's bytes from the gaps. Returns false if `address` is not the start of a
    /// gap.
    pub(super) fn allocate(&mut self, address: u64, bytes: u64) -> bool {
        let rest = &self.gaps[self.next..];
        let Ok(at) = rest.binary_search_by_key(&address, |gap| gap.0) else { return false };
        // A gap that is full may end where the body file does.
        if rest[at].0 == rest[at].1 {
            return false;
        }
        self.next += at;
        let gap = &mut self.gaps[self.next];
        gap.0 = align_up(address + bytes).min(gap.1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gap_does_not_contain_the_record_behind_it() {
        let free = AddressRanges::from_ascending(vec![(64, 192)]).expect("ascending");
        let mut gaps = GapAllocator::new(&free, 0);
        assert!(gaps.allocate(64, 128));
        assert!(!gaps.allocate(192, 64));
        assert_eq!(gaps.find(1), None);
    }

    #[test]
    fn gaps_are_filled_in_order_and_few_bytes_are_skipped() {
        let end = crate::space::body::address(1, 0);
        let free = vec![(64, 192), (256, 320), (640, 1664), (end - 64, end)];
        let free = AddressRanges::from_ascending(free).expect("ascending");
        let mut gaps = GapAllocator::new(&free, 0);
        assert_eq!(gaps.find(100), Some(64));
        assert_eq!(gaps.find(2000), None);
        assert!(gaps.allocate(64, 60));
        assert_eq!(gaps.find(65), None, "too many bytes would be skipped");
        assert_eq!(gaps.find(128), Some(640), "as many bytes as it takes may be skipped");
        assert_eq!(gaps.find(64), Some(128));
        assert!(gaps.allocate(640, 960));
        assert_eq!(gaps.find(64), Some(1600));
        assert_eq!(gaps.find(65), None, "the end of a slot is not a gap");
        assert!(!gaps.allocate(64, 60));
        let again = GapAllocator::new(&free, 704);
        assert_eq!(again.find(64), Some(704));
        assert_eq!(GapAllocator::new(&free, 1664).find(1), None);
    }
}
