//! The index of the pin space: from a pin's hash to its address.
//!
//! An extendible hash table in two files that are written in place, a page at a time, and read where
//! they are mapped, so that it is never loaded: a *directory* of bucket numbers, and *buckets* of one page each. A
//! look-up reads one number and one page, however many pins there are. A full bucket is split in
//! two; a directory that is too coarse for that is doubled, which only appends to it.
//!
//! The index is derived from the catalogue and never believed: an address found here counts only if
//! the record there has the hash, and what is missing here is at worst written a second time. So its
//! files need no checks of their own.
//!
//! Now and then it is *settled*: flushed, and its [`Shape`] written down durably. Whatever happens
//! then, it can be taken up in that shape and be told again what it was told since:
//!
//! - A bucket that the settled directory names only gains entries in place, or loses some; to split
//!   it, both halves go to other pages. What it is divided from becomes free when the next shape is durable.
//! - The places of the settled directory are not written before the shape says how they change.
//!
//! So each sector is as it was when the index was settled, or of a later time, and has no
//! entry that was not put in by then. No order of writes and no flush in between is needed.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::bucket::{Bucket, BucketRef, PAGE};
use crate::Hash;
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::frame::u64_at;
use crate::space::ranges::Ranges;
use crate::space::window::Window;

/// Deeper, and the directory's numbers (4 bytes each) would not do.
const DEPTH_MAX: u32 = 31;

const DIRECTORY: &str = "index/directory";
const BUCKETS: &str = "index/buckets";
/// All files of the index, its state included.
pub(crate) const FILES: [&str; 3] = [DIRECTORY, BUCKETS, super::state::NAME];

/// What hangs the files together, as of when the index was settled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many bits of a hash the directory tells apart.
    pub(crate) depth: u32,
    /// How many pages there are, free ones included.
    pub(crate) count: u32,
    /// Pages that no place names.
    pub(crate) free: Vec<u32>,
    /// Places of the directory that its file may have otherwise, and the numbers of their buckets.
    pub(crate) changed: Vec<(u32, u32)>,
}

impl Shape {
    /// Whether an index can have it.
    fn is_possible(&self) -> bool {
        let is_page = |number: &u32| *number < self.count;
        self.depth <= DEPTH_MAX
            && self.count > 0
            && self.free.iter().all(is_page)
            && self
                .changed
                .iter()
                .all(|(place, number)| *place >> self.depth == 0 && is_page(number))
    }
}

/// The open index.
pub(crate) struct Index {
    disk: Arc<dyn Disk>,
    directory: Window,
    buckets: Window,
    depth: u32,
    count: u32,
    /// So many places does the settled directory have.
    settled: u64,
    /// Those of its places that have changed since.
    changed: HashMap<u64, u32>,
    /// Pages that were free when it was settled, and still are.
    free: Vec<u32>,
    /// Pages that have been taken since.
    young: HashSet<u32>,
    /// Pages that only the settled directory names.
    left: Vec<u32>,
}

/// The part of a hash that entries are told apart by; the rest is compared with the record.
fn key(hash: &Hash) -> u64 {
    u64_at(hash, 0)
}

impl Index {
    /// An empty index, whatever was there before. No state may tell of that any more.
    pub(crate) fn create(disk: &Arc<dyn Disk>) -> Result<Self, DiskError> {
        let make = |name: &str| {
            let failed = |error| DiskError::new(disk.path(name), "create", error);
            disk.create(name).and_then(Window::new).map_err(failed)
        };
        let (directory, buckets) = (make(DIRECTORY)?, make(BUCKETS)?);
        let mut index = Self::new(disk, directory, buckets, Shape::default());
        index.settled = 0;
        let first = index.add_bucket(&Bucket::empty(0))?;
        index.set_place(0, first)?;
        Ok(index)
    }

    /// The index that is there, in the shape in which it was settled; none if its files cannot be it.
    pub(crate) fn open(disk: &Arc<dyn Disk>, shape: Shape) -> Result<Option<Self>, DiskError> {
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
        let is_there = shape.is_possible()
            && directory.len() >= 4 << shape.depth
            && buckets.len() >= u64::from(shape.count) * PAGE as u64;
        Ok(is_there.then(|| Self::new(disk, directory, buckets, shape)))
    }

    fn new(disk: &Arc<dyn Disk>, directory: Window, buckets: Window, shape: Shape) -> Self {
        let Shape { depth, count, free, changed } = shape;
        Self {
            disk: Arc::clone(disk),
            directory,
            buckets,
            depth,
            count,
            settled: 1 << depth,
            changed: changed.into_iter().map(|(place, to)| (u64::from(place), to)).collect(),
            free,
            young: HashSet::new(),
            left: vec![],
        }
    }

    /// Where the pin with that hash may be.
    pub(crate) fn find(&self, hash: &Hash) -> Result<Option<u64>, DiskError> {
        let key = key(hash);
        self.read_bucket(self.number_of(key)?, |bucket| bucket.find(key))
    }

    /// Notes where a pin is, in the place of what was known of it.
    pub(crate) fn insert(&mut self, hash: &Hash, address: u64) -> Result<(), DiskError> {
        let key = key(hash);
        loop {
            let number = self.number_of(key)?;
            let mut bucket = self.read_bucket(number, |bucket| bucket.to_bucket())?;
            if bucket.insert(key, address) {
                return self.write_bucket(number, &bucket);
            }
            self.split(key, number, &bucket)?;
        }
    }

    /// Forgets all pins at these addresses. It is to be settled after that.
    pub(crate) fn remove_all(&mut self, gone: &Ranges) -> Result<(), DiskError> {
        let free: HashSet<u32> = self.free.iter().copied().collect();
        for number in (0..self.count).filter(|number| !free.contains(number)) {
            let mut bucket = self.read_bucket(number, |bucket| bucket.to_bucket())?;
            if bucket.remove_all(gone) {
                self.write_bucket(number, &bucket)?;
            }
        }
        Ok(())
    }

    /// What is to be flushed before [`Index::shape`] is written down.
    pub(crate) fn files(&self) -> [(&'static str, Arc<dyn DiskFile>); 2] {
        [(BUCKETS, self.buckets.file()), (DIRECTORY, self.directory.file())]
    }

    /// The shape that it has by now.
    pub(crate) fn shape(&self) -> Shape {
        let changed = self.changed.iter().map(|(place, number)| (*place as u32, *number));
        Shape {
            depth: self.depth,
            count: self.count,
            free: self.free.iter().chain(&self.left).copied().collect(),
            changed: changed.collect(),
        }
    }

    /// Goes on from the shape that it has, which is durable with all that the files have.
    pub(crate) fn settle(&mut self) -> Result<(), DiskError> {
        self.settled = 1 << self.depth;
        self.free.append(&mut self.left);
        self.young.clear();
        for (place, number) in &self.changed {
            let written = self.directory.write(4 * place, &number.to_le_bytes());
            written.map_err(|error| DiskError::new(self.disk.path(DIRECTORY), "write", error))?;
        }
        self.changed.clear();
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
        let (clear, set) = bucket.divide();
        let is_young = self.young.contains(&number);
        let new = self.add_bucket(&set)?;
        let other = if is_young { number } else { self.add_bucket(&clear)? };
        // Every place of the directory whose low bits are those of the bucket.
        let low = key & ((1 << depth) - 1);
        for place in (low..1 << self.depth).step_by(1 << depth) {
            let is_set = place >> depth & 1 == 1;
            self.set_place(place, if is_set { new } else { other })?;
        }
        if is_young {
            self.write_bucket(number, &clear)
        } else {
            self.left.push(number);
            Ok(())
        }
    }

    /// Doubles the directory: both halves say the same. What the settled one has is not touched.
    fn double(&mut self) -> Result<(), DiskError> {
        let full = || io::Error::other("the index has reached its largest size");
        if self.depth >= DEPTH_MAX {
            return Err(self.failed(DIRECTORY, "grow", full()));
        }
        let length = 4u64 << self.depth;
        let half = self.directory.read_all(length);
        let mut half = half.map_err(|error| self.failed(DIRECTORY, "read", error))?;
        for (place, number) in &self.changed {
            let at = 4 * *place as usize;
            half[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let written = self.directory.write(length, &half);
        written.map_err(|error| self.failed(DIRECTORY, "write", error))?;
        self.depth += 1;
        Ok(())
    }

    /// The number of the bucket for a key.
    fn number_of(&self, key: u64) -> Result<u32, DiskError> {
        let place = key & ((1 << self.depth) - 1);
        if let Some(number) = self.changed.get(&place) {
            return Ok(*number);
        }
        let read = self.directory.read(4 * place, |bytes| u32::from_le_bytes(*bytes));
        read.map_err(|error| self.failed(DIRECTORY, "read", error))
    }

    fn set_place(&mut self, place: u64, number: u32) -> Result<(), DiskError> {
        if place < self.settled {
            self.changed.insert(place, number);
            return Ok(());
        }
        let written = self.directory.write(4 * place, &number.to_le_bytes());
        written.map_err(|error| self.failed(DIRECTORY, "write", error))
    }

    fn read_bucket<T>(
        &self,
        number: u32,
        visit: impl FnOnce(BucketRef<'_>) -> T,
    ) -> Result<T, DiskError> {
        let whole = |page: &[u8; PAGE]| BucketRef::new(page, self.depth).map(visit);
        let read = self.buckets.read(u64::from(number) * PAGE as u64, whole);
        let damaged = || io::Error::other("the bucket is damaged");
        read.and_then(|found| found.ok_or_else(damaged))
            .map_err(|error| self.failed(BUCKETS, "read", error))
    }

    fn add_bucket(&mut self, bucket: &Bucket) -> Result<u32, DiskError> {
        let number = self.free.last().copied().unwrap_or(self.count);
        self.write_bucket(number, bucket)?;
        if self.free.pop().is_none() {
            self.count += 1;
        }
        self.young.insert(number);
        Ok(number)
    }

    fn write_bucket(&mut self, number: u32, bucket: &Bucket) -> Result<(), DiskError> {
        let written = self.buckets.write(u64::from(number) * PAGE as u64, bucket.bytes());
        written.map_err(|error| self.failed(BUCKETS, "write", error))
    }
}

#[cfg(test)]
mod tests;
