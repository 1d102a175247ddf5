//! A page of the index: entries whose keys agree in their low bits.
//!
//! ```text
//! depth 8 | count 8 | 255 entries of (key 8, address 8)
//! ```
//!
//! An entry without an address is a *hole*. Taking an entry out leaves one, and no entry ever moves
//! within its page: so each of them stands in one sector, and any mixture of sectors from two times
//! has only entries of these times.

use super::ranges::Ranges;
use crate::frame::{u32_at, u64_at};

pub(crate) const PAGE: usize = 4096;
/// Bytes before a bucket's entries: its depth and its count, 8 each.
const HEAD: usize = 16;
const ENTRY: usize = 16;
/// Entries in a bucket. Few in tests, so that a small index has many, yet more than a sector's.
const CAPACITY: usize = if cfg!(test) { 40 } else { (PAGE - HEAD) / ENTRY };

/// The bytes of a bucket where they were read.
#[derive(Clone, Copy)]
pub(crate) struct BucketRef<'a>(&'a [u8; PAGE]);

impl<'a> BucketRef<'a> {
    /// The bucket in that page; none if it cannot be one.
    pub(crate) fn new(page: &'a [u8; PAGE], depth_max: u32) -> Option<Self> {
        let bucket = Self(page);
        (bucket.len() <= CAPACITY && bucket.depth() <= depth_max).then_some(bucket)
    }

    /// How many low bits all of its keys have in common.
    pub(crate) fn depth(self) -> u32 {
        u32_at(self.0, 0)
    }

    /// Entries and holes.
    fn len(self) -> usize {
        u32_at(self.0, 8) as usize
    }

    /// Keys and addresses, holes included.
    fn places(self) -> impl Iterator<Item = (u64, u64)> + 'a {
        let used = &self.0[HEAD..HEAD + ENTRY * self.len()];
        used.chunks_exact(ENTRY).map(|entry| (u64_at(entry, 0), u64_at(entry, 8)))
    }

    /// The address that goes with a key.
    pub(crate) fn find(self, key: u64) -> Option<u64> {
        let found = self.places().find(|(known, address)| *known == key && *address != 0);
        found.map(|(_, address)| address)
    }

    /// A copy, for changing it.
    pub(crate) fn to_bucket(self) -> Bucket {
        Bucket(*self.0)
    }
}

/// A bucket that is being changed.
pub(crate) struct Bucket([u8; PAGE]);

impl Bucket {
    pub(crate) fn empty(depth: u32) -> Self {
        let mut bucket = Self([0; PAGE]);
        bucket.put(0, u64::from(depth));
        bucket
    }

    pub(crate) fn bytes(&self) -> &[u8; PAGE] {
        &self.0
    }

    fn look(&self) -> BucketRef<'_> {
        BucketRef(&self.0)
    }

    pub(crate) fn depth(&self) -> u32 {
        self.look().depth()
    }

    fn put(&mut self, at: usize, word: u64) {
        self.0[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }

    fn put_place(&mut self, place: usize, key: u64, address: u64) {
        self.put(HEAD + ENTRY * place, key);
        self.put(HEAD + ENTRY * place + 8, address);
    }

    /// Adds or replaces an entry; false if there is no room.
    pub(crate) fn insert(&mut self, key: u64, address: u64) -> bool {
        let count = self.look().len();
        let known = self.look().places().position(|(known, _)| known == key);
        let hole = || self.look().places().position(|(_, address)| address == 0);
        let place = known.or_else(hole).unwrap_or(count);
        if place >= CAPACITY {
            return false;
        }
        self.put_place(place, key, address);
        if place == count {
            self.put(8, count as u64 + 1);
        }
        true
    }

    /// Takes out the entries with these addresses; says whether there was any.
    pub(crate) fn remove_all(&mut self, free: &Ranges) -> bool {
        let is_free = |(_, (_, address)): &(usize, (u64, u64))| free.contains(*address);
        let gone: Vec<usize> =
            self.look().places().enumerate().filter(is_free).map(|(place, _)| place).collect();
        gone.iter().for_each(|place| self.put_place(*place, 0, 0));
        !gone.is_empty()
    }

    /// Two buckets for the keys whose next bit is clear, and set.
    pub(crate) fn divide(&self) -> (Self, Self) {
        let depth = self.depth();
        let mut halves = [Self::empty(depth + 1), Self::empty(depth + 1)];
        for (key, address) in self.look().places().filter(|(_, address)| *address != 0) {
            halves[(key >> depth & 1) as usize].insert(key, address);
        }
        let [clear, set] = halves;
        (clear, set)
    }
}
