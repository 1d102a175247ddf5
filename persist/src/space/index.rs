//! The index of the pin space: from a pin's hash to its address.
//!
//! An extendible hash table in two files that are written in place, a page at a time, and read where
//! they are mapped, so that it is never loaded: a *directory* of bucket numbers, and *buckets* of one page each. A
//! look-up reads one number and one page, however many pins there are. A full bucket is split in
//! two; a directory that is too coarse for that is doubled, which only appends to it.
//!
//! The index is derived from the catalogue and never believed: an address found here counts only if
//! the record there has the hash, and what is missing here is at worst written a second time. So its
//! files need no checks of their own. After a loss of power it is built anew.
//!
//! Order of writes, so that a process may be ended at any of them: a new bucket, then the
//! directory, then the bucket that was split, in which the entries that have gone were stale
//! from the write before on.

use std::io;
use std::sync::Arc;

use crate::Hash;
use crate::disk::Disk;
use crate::error::DiskError;
use crate::frame::{u32_at, u64_at};
use crate::space::ranges::Ranges;
use crate::space::window::Window;

const PAGE: usize = 4096;
/// Bytes before a bucket's entries: its depth and its count, 8 each.
const HEAD: usize = 16;
const ENTRY: usize = 16;
/// Entries in a bucket.
const CAPACITY: usize = (PAGE - HEAD) / ENTRY;
/// Deeper, and the directory's numbers (4 bytes each) would not do.
const DEPTH_MAX: u32 = 31;

const DIRECTORY: &str = "index/directory";
const BUCKETS: &str = "index/buckets";
/// All files of the index, its state included.
pub(crate) const FILES: [&str; 3] = [DIRECTORY, BUCKETS, super::state::NAME];

/// The open index.
pub(crate) struct Index {
    disk: Arc<dyn Disk>,
    directory: Window,
    buckets: Window,
    /// How many bits of a hash the directory tells apart.
    depth: u32,
    count: u32,
}

/// The part of a hash that entries are told apart by; the rest is compared with the record.
fn key(hash: &Hash) -> u64 {
    u64_at(hash, 0)
}

impl Index {
    /// An empty index, whatever was there before.
    pub(crate) fn create(disk: &Arc<dyn Disk>) -> Result<Self, DiskError> {
        let make = |name: &str| {
            let failed = |error| DiskError::new(disk.path(name), "create", error);
            disk.create(name).and_then(Window::new).map_err(failed)
        };
        let (directory, buckets) = (make(DIRECTORY)?, make(BUCKETS)?);
        let mut index = Self { disk: Arc::clone(disk), directory, buckets, depth: 0, count: 0 };
        index.add_bucket(&Bucket::empty(0))?;
        index.set_directory(0, 0)?;
        Ok(index)
    }

    /// The index that is there; none if its files cannot be one.
    pub(crate) fn open(disk: &Arc<dyn Disk>) -> Result<Option<Self>, DiskError> {
        let mut files = Vec::new();
        for name in [DIRECTORY, BUCKETS] {
            match disk.open(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(DiskError::new(disk.path(name), "open", error)),
                Ok(file) => {
                    let failed = |error| DiskError::new(disk.path(name), "read", error);
                    files.push(Window::new(file).map_err(failed)?);
                }
            }
        }
        let (Some(buckets), Some(directory)) = (files.pop(), files.pop()) else {
            return Ok(None);
        };
        // A doubling that was cut short has left a tail that does not count.
        let Some(depth) = (directory.len() / 4).checked_ilog2().filter(|depth| *depth <= DEPTH_MAX)
        else {
            return Ok(None);
        };
        let count = u32::try_from(buckets.len() / PAGE as u64).unwrap_or(0);
        let index = Self { disk: Arc::clone(disk), directory, buckets, depth, count };
        Ok((count > 0).then_some(index))
    }

    /// Where the pin with that hash may be.
    pub(crate) fn find(&self, hash: &Hash) -> Result<Option<u64>, DiskError> {
        let key = key(hash);
        let number = self.number_of(key)?;
        self.read_bucket(number, |page| {
            let mut entries = entries(page);
            entries.find(|(known, _)| *known == key).map(|(_, address)| address)
        })
    }

    /// Notes where a pin is, in the place of what was known of it.
    pub(crate) fn insert(&mut self, hash: &Hash, address: u64) -> Result<(), DiskError> {
        let key = key(hash);
        loop {
            let (number, mut bucket) = self.bucket_of(key)?;
            if bucket.insert(key, address) {
                return self.write_bucket(number, &bucket);
            }
            self.split(key, number, &bucket)?;
        }
    }

    /// Forgets all pins at these addresses.
    pub(crate) fn remove_all(&mut self, free: &Ranges) -> Result<(), DiskError> {
        for number in 0..self.count {
            let mut bucket = self.read_bucket(number, |page| Bucket(*page))?;
            if bucket.retain(|address| !free.contains(address)) {
                self.write_bucket(number, &bucket)?;
            }
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) fn flush(&self) -> Result<(), DiskError> {
        for (name, file) in [(BUCKETS, &self.buckets), (DIRECTORY, &self.directory)] {
            file.flush().map_err(|error| self.failed(name, "flush", error))?;
        }
        Ok(())
    }

    fn failed(&self, name: &str, action: &'static str, error: io::Error) -> DiskError {
        DiskError::new(self.disk.path(name), action, error)
    }

    /// Divides a full bucket by the next bit of its keys.
    fn split(&mut self, key: u64, number: u32, bucket: &Bucket) -> Result<(), DiskError> {
        let depth = bucket.depth();
        if depth == self.depth {
            self.double()?;
        }
        let (stay, go) = bucket.divide();
        let new = self.add_bucket(&go)?;
        // Every place of the directory whose low bits are those of the bucket, and the next is set.
        let first = (key & ((1 << depth) - 1)) | 1 << depth;
        for place in (first..1 << self.depth).step_by(1 << (depth + 1)) {
            self.set_directory(place, new)?;
        }
        self.write_bucket(number, &stay)
    }

    /// Doubles the directory: both halves say the same.
    fn double(&mut self) -> Result<(), DiskError> {
        let full = || io::Error::other("the index has reached its largest size");
        if self.depth >= DEPTH_MAX {
            return Err(self.failed(DIRECTORY, "grow", full()));
        }
        let length = 4u64 << self.depth;
        let half = self.directory.read_all(length);
        let half = half.map_err(|error| self.failed(DIRECTORY, "read", error))?;
        let written = self.directory.write(length, &half);
        written.map_err(|error| self.failed(DIRECTORY, "write", error))?;
        self.depth += 1;
        Ok(())
    }

    /// The number of the bucket for a key.
    fn number_of(&self, key: u64) -> Result<u32, DiskError> {
        let place = key & ((1 << self.depth) - 1);
        let read = self.directory.read(4 * place, |bytes| u32::from_le_bytes(*bytes));
        read.map_err(|error| self.failed(DIRECTORY, "read", error))
    }

    fn bucket_of(&self, key: u64) -> Result<(u32, Bucket), DiskError> {
        let number = self.number_of(key)?;
        Ok((number, self.read_bucket(number, |page| Bucket(*page))?))
    }

    fn read_bucket<T>(
        &self,
        number: u32,
        visit: impl FnOnce(&[u8; PAGE]) -> T,
    ) -> Result<T, DiskError> {
        let whole = |page: &[u8; PAGE]| {
            let is_whole = count(page) <= CAPACITY && depth(page) <= self.depth;
            is_whole.then(|| visit(page))
        };
        let read = self.buckets.read(u64::from(number) * PAGE as u64, whole);
        let damaged = || io::Error::other("the bucket is damaged");
        read.and_then(|found| found.ok_or_else(damaged))
            .map_err(|error| self.failed(BUCKETS, "read", error))
    }

    fn add_bucket(&mut self, bucket: &Bucket) -> Result<u32, DiskError> {
        let number = self.count;
        self.write_bucket(number, bucket)?;
        self.count += 1;
        Ok(number)
    }

    fn write_bucket(&mut self, number: u32, bucket: &Bucket) -> Result<(), DiskError> {
        let written = self.buckets.write(u64::from(number) * PAGE as u64, &bucket.0);
        written.map_err(|error| self.failed(BUCKETS, "write", error))
    }

    fn set_directory(&mut self, place: u64, number: u32) -> Result<(), DiskError> {
        let written = self.directory.write(4 * place, &number.to_le_bytes());
        written.map_err(|error| self.failed(DIRECTORY, "write", error))
    }
}

/// How many low bits all keys of a bucket have in common.
fn depth(page: &[u8; PAGE]) -> u32 {
    u32_at(page, 0)
}

fn count(page: &[u8; PAGE]) -> usize {
    u32_at(page, 8) as usize
}

fn entries(page: &[u8; PAGE]) -> impl Iterator<Item = (u64, u64)> {
    let used = &page[HEAD..HEAD + ENTRY * count(page)];
    used.chunks_exact(ENTRY).map(|entry| (u64_at(entry, 0), u64_at(entry, 8)))
}

/// A page of entries: `[depth, count, (key, address)...]`.
struct Bucket([u8; PAGE]);

impl Bucket {
    fn empty(depth: u32) -> Self {
        let mut bucket = Self([0; PAGE]);
        bucket.put(0, u64::from(depth));
        bucket
    }

    fn depth(&self) -> u32 {
        depth(&self.0)
    }

    fn len(&self) -> usize {
        count(&self.0)
    }

    fn put(&mut self, at: usize, word: u64) {
        self.0[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }

    fn entries(&self) -> impl Iterator<Item = (u64, u64)> {
        entries(&self.0)
    }

    /// Adds or replaces an entry; false if there is no room.
    fn insert(&mut self, key: u64, address: u64) -> bool {
        let known = self.entries().position(|(known, _)| known == key);
        let place = known.unwrap_or(self.len());
        if place >= CAPACITY {
            return false;
        }
        self.put(HEAD + ENTRY * place, key);
        self.put(HEAD + ENTRY * place + 8, address);
        if known.is_none() {
            self.put(8, place as u64 + 1);
        }
        true
    }

    /// Keeps the entries whose addresses are wanted; says whether any has gone.
    fn retain(&mut self, wanted: impl Fn(u64) -> bool) -> bool {
        let mut kept = Self::empty(self.depth());
        for (key, address) in self.entries().filter(|(_, address)| wanted(*address)) {
            kept.insert(key, address);
        }
        let fewer = kept.len() < self.len();
        if fewer {
            *self = kept;
        }
        fewer
    }

    /// Two buckets for the keys whose next bit is clear, and set.
    fn divide(&self) -> (Self, Self) {
        let depth = self.depth();
        let mut halves = [Self::empty(depth + 1), Self::empty(depth + 1)];
        for (key, address) in self.entries() {
            halves[(key >> depth & 1) as usize].insert(key, address);
        }
        let [clear, set] = halves;
        (clear, set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimDisk;

    fn hash(number: u64) -> Hash {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn what_was_put_in_is_found_also_when_opened_again() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        disk.make_dir("index").expect("made");
        let mut index = Index::create(&disk).expect("made");
        for number in 0..20_000 {
            index.insert(&hash(number), 64 * number).expect("room");
        }
        index.insert(&hash(7), 1).expect("room");
        drop(index);
        let index = Index::open(&disk).expect("read").expect("an index");
        for number in (0..20_000).filter(|number| *number != 7) {
            assert_eq!(index.find(&hash(number)).expect("read"), Some(64 * number));
        }
        assert_eq!(index.find(&hash(7)).expect("read"), Some(1));
        assert_eq!(index.find(&hash(20_000)).expect("read"), None);
    }

    #[test]
    fn an_index_cut_off_anywhere_is_none_or_one() {
        let sim = SimDisk::new();
        let disk: Arc<dyn Disk> = Arc::new(sim.clone());
        disk.make_dir("index").expect("made");
        let mut index = Index::create(&disk).expect("made");
        for number in 0..2_000 {
            index.insert(&hash(number), 64 * number).expect("room");
        }
        drop(index);
        for (name, whole) in sim.files() {
            for length in [0, 1, 4, 5, whole.len() / 2, whole.len() - 1] {
                sim.overwrite(&name, &whole[..length]);
                if let Some(index) = Index::open(&disk).expect("read") {
                    for number in 0..2_000 {
                        let found = index.find(&hash(number)).unwrap_or(None);
                        assert!(found.is_none() || found == Some(64 * number));
                    }
                }
            }
            sim.overwrite(&name, &whole);
        }
    }
}
