//! The index of the pin space: an on-disk hash table from a pin's hash to its address.
//!
//! It is an extendible hash table in two files, which are written page by page and read through
//! mappings: a *directory* of bucket numbers, and *buckets* of one page each. A look-up reads one
//! number and one page, for any number of pins. A full bucket is split in two; a directory that has
//! too few bits for that is doubled by appending a copy.
//!
//! The index is derived from the catalogue and never trusted: an address from it is used only if
//! the record there has the hash, and a pin that it lacks is at worst written again. Its files
//! therefore need no checks. They have at least the lengths that the checkpoint's depth and count
//! demand, so a file that was cut short is found when the index is opened. An index whose files
//! cannot be read is built again from the catalogue, at the next commit if the store is open.
//!
//! # Checkpoints
//!
//! From time to time the index is *checkpointed*: its files are flushed and then its [`IndexShape`]
//! is written durably. After a crash, the index continues with that shape, and the pins that were
//! added since are added again. Between two checkpoints:
//!
//! - A bucket that the checkpointed directory refers to only gains or loses entries in place. A
//!   split writes both halves to other pages; the old page becomes free with the next checkpoint.
//! - The entries of the checkpointed directory are not written. Changes are kept in memory and in
//!   the next shape.
//!
//! So every sector has its contents of the last checkpoint or of a later time, and no entry that
//! was not inserted by then. No write order and no flush is needed in between.
//!
//! # Safety
//!
//! The files are mapped ([`MappedFile`]). Invariant: *an index is created or opened only while the
//! store's directory is locked, and at most one is open per store; nothing else writes its files*.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::address_ranges::AddressRanges;
use super::bucket::{BucketRef, IndexBucket, PAGE};
use super::layout::{INDEX_BUCKETS, INDEX_DIRECTORY};
use super::mapped_file::MappedFile;
use crate::disk::{Disk, DiskFile};
use crate::encoding::u64_at;
use crate::error::DiskError;
use crate::types::PinHash;

/// The maximum depth: a directory of this depth uses all 31-bit bucket numbers.
const DEPTH_MAX: u32 = 31;

/// A file of the index, with its name.
pub(super) type IndexFile = (&'static str, Arc<dyn DiskFile>);

/// The shape of the index at a checkpoint: what is needed to interpret its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexShape {
    /// The number of low key bits that select a directory entry.
    pub(crate) depth: u32,
    /// The number of pages, including free ones.
    pub(crate) count: u32,
    /// The pages that no directory entry refers to.
    pub(crate) free: Vec<u32>,
    /// The directory entries whose values in the file may be outdated, with their bucket numbers.
    pub(crate) changed: Vec<(u32, u32)>,
}

impl IndexShape {
    /// Whether an index can have this shape.
    fn is_possible(&self) -> bool {
        let is_page = |number: &u32| *number < self.count;
        self.depth <= DEPTH_MAX
            && self.count > 0
            && self.free.iter().all(is_page)
            && self
                .changed
                .iter()
                .all(|(entry, number)| *entry >> self.depth == 0 && is_page(number))
    }
}

/// The open index.
pub(crate) struct PinIndex {
    disk: Arc<dyn Disk>,
    directory: MappedFile,
    buckets: MappedFile,
    /// See [`IndexShape::depth`].
    depth: u32,
    /// See [`IndexShape::count`].
    count: u32,
    /// The number of directory entries at the last checkpoint.
    checkpointed_entries: u64,
    /// The checkpointed directory entries that have changed since, with their bucket numbers.
    changed: HashMap<u64, u32>,
    /// The pages that were free at the last checkpoint and still are.
    free_pages: Vec<u32>,
    /// The pages that were allocated since the last checkpoint.
    new_pages: HashSet<u32>,
    /// The pages that only the checkpointed directory refers to.
    retired_pages: Vec<u32>,
}

/// Returns the key of a hash. The rest of the hash is compared with the record.
fn key(hash: &PinHash) -> u64 {
    u64_at(hash, 0)
}

impl PinIndex {
    /// Creates an empty index and replaces an existing one. The existing one must have no
    /// checkpoint.
    pub(crate) fn create(disk: &Arc<dyn Disk>) -> Result<Self, DiskError> {
        let make = |name: &str| {
            let failed = |error| DiskError::new(disk.path(name), "create", error);
            // SAFETY: by the module's invariant, this index is the only writer of its files.
            let map = |file| unsafe { MappedFile::new(file, &disk.path(name)) };
            disk.create(name).and_then(map).map_err(failed)
        };
        let (directory, buckets) = (make(INDEX_DIRECTORY)?, make(INDEX_BUCKETS)?);
        let mut index = Self::new(disk, directory, buckets, IndexShape::default());
        index.checkpointed_entries = 0;
        let first = index.add_bucket(&IndexBucket::empty(0))?;
        index.set_directory_entry(0, first)?;
        Ok(index)
    }

    /// Opens the index in the shape of its last checkpoint. Returns `None` if its files are missing
    /// or too short for that shape.
    pub(crate) fn open(disk: &Arc<dyn Disk>, shape: IndexShape) -> Result<Option<Self>, DiskError> {
        let mut files = Vec::new();
        for name in [INDEX_DIRECTORY, INDEX_BUCKETS] {
            match disk.open(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(DiskError::new(disk.path(name), "open", error)),
                Ok(file) => {
                    let failed = |error| DiskError::new(disk.path(name), "read", error);
                    // SAFETY: by the module's invariant, this index is the only writer of its
                    // files.
                    let mapped = unsafe { MappedFile::new(file, &disk.path(name)) };
                    files.push(mapped.map_err(failed)?);
                }
            }
        }
        let (Some(buckets), Some(directory)) = (files.pop(), files.pop()) else {
            return Ok(None);
        };
        let is_complete = shape.is_possible()
            && directory.len() >= 4 << shape.depth
            && buckets.len() >= u64::from(shape.count) * PAGE as u64;
        Ok(is_complete.then(|| Self::new(disk, directory, buckets, shape)))
    }

    fn new(
        disk: &Arc<dyn Disk>,
        directory: MappedFile,
        buckets: MappedFile,
        shape: IndexShape,
    ) -> Self {
        let IndexShape { depth, count, free, changed } = shape;
        Self {
            disk: Arc::clone(disk),
            directory,
            buckets,
            depth,
            count,
            checkpointed_entries: 1 << depth,
            changed: changed.into_iter().map(|(entry, to)| (u64::from(entry), to)).collect(),
            free_pages: free,
            new_pages: HashSet::default(),
            retired_pages: vec![],
        }
    }

    /// Returns the address at which the pin with this hash may be.
    pub(crate) fn find(&self, hash: &PinHash) -> Result<Option<u64>, DiskError> {
        let key = key(hash);
        self.read_bucket(self.bucket_number(key)?, |bucket| bucket.find(key))
    }

    /// Inserts or replaces the address of a pin.
    pub(crate) fn insert(&mut self, hash: &PinHash, address: u64) -> Result<(), DiskError> {
        let key = key(hash);
        loop {
            let number = self.bucket_number(key)?;
            let mut bucket = self.read_bucket(number, |bucket| bucket.to_bucket())?;
            if bucket.insert(key, address) {
                return self.write_bucket(number, &bucket);
            }
            self.split(key, number, &bucket)?;
        }
    }

    /// Removes all entries whose address is in `gone`. The caller must write a checkpoint
    /// afterwards.
    pub(crate) fn remove_all(&mut self, gone: &AddressRanges) -> Result<(), DiskError> {
        self.remove_in_pages(gone, 0..self.count)
    }

    /// Removes all entries in some pages whose address is in `gone`. The caller visits all pages up to
    /// [`page_count`](Self::page_count), and inserts nothing before it has.
    pub(crate) fn remove_in_pages(
        &mut self,
        gone: &AddressRanges,
        pages: Range<u32>,
    ) -> Result<(), DiskError> {
        let free: HashSet<u32> = self.free_pages.iter().copied().collect();
        for number in pages.filter(|number| !free.contains(number)) {
            let mut bucket = self.read_bucket(number, |bucket| bucket.to_bucket())?;
            if bucket.remove_all(gone) {
                self.write_bucket(number, &bucket)?;
            }
        }
        Ok(())
    }

    /// Returns the number of pages, including free ones.
    pub(crate) fn page_count(&self) -> u32 {
        self.count
    }

    /// Returns the files to flush before the [`shape`](Self::shape) is written.
    pub(super) fn files(&self) -> [IndexFile; 2] {
        [(INDEX_BUCKETS, self.buckets.file()), (INDEX_DIRECTORY, self.directory.file())]
    }

    /// Returns the current shape.
    pub(crate) fn shape(&self) -> IndexShape {
        let changed = self.changed.iter().map(|(entry, number)| (*entry as u32, *number));
        IndexShape {
            depth: self.depth,
            count: self.count,
            free: self.free_pages.iter().chain(&self.retired_pages).copied().collect(),
            changed: changed.collect(),
        }
    }

    /// Continues after a checkpoint: the current shape and all file contents are durable.
    pub(crate) fn finish_checkpoint(&mut self) -> Result<(), DiskError> {
        self.checkpointed_entries = 1 << self.depth;
        self.free_pages.append(&mut self.retired_pages);
        self.new_pages.clear();
        for (entry, number) in &self.changed {
            let written = self.directory.write(4 * entry, &number.to_le_bytes());
            written.map_err(|error| self.failed(INDEX_DIRECTORY, "write", error))?;
        }
        self.changed.clear();
        Ok(())
    }

    fn failed(&self, name: &str, action: &'static str, error: io::Error) -> DiskError {
        DiskError::new(self.disk.path(name), action, error)
    }

    /// Splits a full bucket by the next bit of its keys.
    fn split(&mut self, key: u64, number: u32, bucket: &IndexBucket) -> Result<(), DiskError> {
        let depth = bucket.depth();
        if depth == self.depth {
            self.double_directory()?;
        }
        let (clear, set) = bucket.split();
        let is_new = self.new_pages.contains(&number);
        let page_of_set = self.add_bucket(&set)?;
        let page_of_clear = if is_new { number } else { self.add_bucket(&clear)? };
        // All directory entries whose low bits are those of the bucket.
        let low = key & ((1 << depth) - 1);
        for entry in (low..1 << self.depth).step_by(1 << depth) {
            let is_set = entry >> depth & 1 == 1;
            self.set_directory_entry(entry, if is_set { page_of_set } else { page_of_clear })?;
        }
        if is_new {
            self.write_bucket(number, &clear)
        } else {
            self.retired_pages.push(number);
            Ok(())
        }
    }

    /// Doubles the directory by appending a copy of it. Does not touch the checkpointed entries.
    fn double_directory(&mut self) -> Result<(), DiskError> {
        let full = || io::Error::other("the index has reached its largest size");
        if self.depth >= DEPTH_MAX {
            return Err(self.failed(INDEX_DIRECTORY, "grow", full()));
        }
        let length = 4u64 << self.depth;
        let copy = self.directory.read_prefix(length);
        let mut copy = copy.map_err(|error| self.failed(INDEX_DIRECTORY, "read", error))?;
        for (entry, number) in &self.changed {
            let at = 4 * *entry as usize;
            copy[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let written = self.directory.write(length, &copy);
        written.map_err(|error| self.failed(INDEX_DIRECTORY, "write", error))?;
        self.depth += 1;
        Ok(())
    }

    /// Returns the number of the bucket for a key.
    fn bucket_number(&self, key: u64) -> Result<u32, DiskError> {
        let entry = key & ((1 << self.depth) - 1);
        if let Some(number) = self.changed.get(&entry) {
            return Ok(*number);
        }
        let read = self.directory.read(4 * entry, |bytes| u32::from_le_bytes(*bytes));
        read.map_err(|error| self.failed(INDEX_DIRECTORY, "read", error))
    }

    fn set_directory_entry(&mut self, entry: u64, number: u32) -> Result<(), DiskError> {
        if entry < self.checkpointed_entries {
            self.changed.insert(entry, number);
            return Ok(());
        }
        let written = self.directory.write(4 * entry, &number.to_le_bytes());
        written.map_err(|error| self.failed(INDEX_DIRECTORY, "write", error))
    }

    fn read_bucket<T>(
        &self,
        number: u32,
        visit: impl FnOnce(BucketRef<'_>) -> T,
    ) -> Result<T, DiskError> {
        let visit_valid = |page: &[u8; PAGE]| BucketRef::new(page, self.depth).map(visit);
        let read = self.buckets.read(u64::from(number) * PAGE as u64, visit_valid);
        let damaged = || io::Error::other("the bucket is damaged");
        read.and_then(|found| found.ok_or_else(damaged))
            .map_err(|error| self.failed(INDEX_BUCKETS, "read", error))
    }

    fn add_bucket(&mut self, bucket: &IndexBucket) -> Result<u32, DiskError> {
        let number = self.free_pages.last().copied().unwrap_or(self.count);
        self.write_bucket(number, bucket)?;
        if self.free_pages.pop().is_none() {
            self.count += 1;
        }
        self.new_pages.insert(number);
        Ok(number)
    }

    fn write_bucket(&mut self, number: u32, bucket: &IndexBucket) -> Result<(), DiskError> {
        let written = self.buckets.write(u64::from(number) * PAGE as u64, bucket.bytes());
        written.map_err(|error| self.failed(INDEX_BUCKETS, "write", error))
    }
}

#[cfg(test)]
mod tests;
