//! A bucket: one page of the index, with entries whose keys agree in their low bits.
//!
//! ```text
//! depth 8 | count 8 | 255 entries of (key 8, address 8)
//! ```
//!
//! An entry without an address is a *hole*; removing an entry leaves one. No entry moves within its
//! page, so each entry stays in one sector, and any mix of sectors from two points in time contains
//! only entries of these points.

use super::address_ranges::AddressRanges;
use crate::encoding::{u32_at, u64_at};

/// The size of a page, in bytes.
pub(crate) const PAGE: usize = 4096;
/// The offset of the entries. Depth and count precede them.
const HEAD: usize = 16;
/// The size of an entry, in bytes.
const ENTRY: usize = 16;
/// The number of entries in a bucket. Tests use fewer, so that a small index has many buckets, but
/// more than a sector holds.
const CAPACITY: usize = if cfg!(test) { 40 } else { (PAGE - HEAD) / ENTRY };

/// A borrowed page with a valid bucket.
#[derive(Clone, Copy)]
pub(crate) struct BucketRef<'a>(&'a [u8; PAGE]);

impl<'a> BucketRef<'a> {
    /// Interprets a page as a bucket. Returns `None` if depth or count are out of range.
    pub(crate) fn new(page: &'a [u8; PAGE], depth_max: u32) -> Option<Self> {
        let bucket = Self(page);
        (bucket.len() <= CAPACITY && bucket.depth() <= depth_max).then_some(bucket)
    }

    /// Returns the number of low bits that all keys have in common.
    pub(crate) fn depth(self) -> u32 {
        u32_at(self.0, 0)
    }

    /// Returns the number of entries, including holes.
    fn len(self) -> usize {
        u32_at(self.0, 8) as usize
    }

    /// Returns keys and addresses, including holes.
    fn entries(self) -> impl Iterator<Item = (u64, u64)> + 'a {
        let used = &self.0[HEAD..HEAD + ENTRY * self.len()];
        used.chunks_exact(ENTRY).map(|entry| (u64_at(entry, 0), u64_at(entry, 8)))
    }

    /// Returns the address of a key.
    pub(crate) fn find(self, key: u64) -> Option<u64> {
        let found = self.entries().find(|(known, address)| *known == key && *address != 0);
        found.map(|(_, address)| address)
    }

    /// Copies the bucket for modification.
    pub(crate) fn to_bucket(self) -> IndexBucket {
        IndexBucket(*self.0)
    }
}

/// An owned bucket.
pub(crate) struct IndexBucket([u8; PAGE]);

impl IndexBucket {
    pub(crate) fn empty(depth: u32) -> Self {
        let mut bucket = Self([0; PAGE]);
        bucket.put(0, u64::from(depth));
        bucket
    }

    pub(crate) fn bytes(&self) -> &[u8; PAGE] {
        &self.0
    }

    fn borrow(&self) -> BucketRef<'_> {
        BucketRef(&self.0)
    }

    pub(crate) fn depth(&self) -> u32 {
        self.borrow().depth()
    }

    fn put(&mut self, at: usize, word: u64) {
        self.0[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }

    fn put_entry(&mut self, entry: usize, key: u64, address: u64) {
        self.put(HEAD + ENTRY * entry, key);
        self.put(HEAD + ENTRY * entry + 8, address);
    }

    /// Adds or replaces an entry. Returns false if the bucket is full.
    pub(crate) fn insert(&mut self, key: u64, address: u64) -> bool {
        let count = self.borrow().len();
        let known = self.borrow().entries().position(|(known, _)| known == key);
        let hole = || self.borrow().entries().position(|(_, address)| address == 0);
        let position = known.or_else(hole).unwrap_or(count);
        if position >= CAPACITY {
            return false;
        }
        self.put_entry(position, key, address);
        if position == count {
            self.put(8, count as u64 + 1);
        }
        true
    }

    /// Removes the entries whose address is in `free`. Returns whether there were any.
    pub(crate) fn remove_all(&mut self, free: &AddressRanges) -> bool {
        let is_free = |(_, (_, address)): &(usize, (u64, u64))| free.contains(*address);
        let gone: Vec<usize> = self
            .borrow()
            .entries()
            .enumerate()
            .filter(is_free)
            .map(|(position, _)| position)
            .collect();
        gone.iter().for_each(|position| self.put_entry(*position, 0, 0));
        !gone.is_empty()
    }

    /// Returns two buckets: for the keys whose next bit is clear, and for those where it is set.
    pub(crate) fn split(&self) -> (Self, Self) {
        let depth = self.depth();
        let mut halves = [Self::empty(depth + 1), Self::empty(depth + 1)];
        for (key, address) in self.borrow().entries().filter(|(_, address)| *address != 0) {
            halves[(key >> depth & 1) as usize].insert(key, address);
        }
        let [clear, set] = halves;
        (clear, set)
    }
}
