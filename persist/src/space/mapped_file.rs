//! A file that is written by system calls and read through a mapping.
//!
//! A read from a mapped page costs a few loads; a system call costs a microsecond. Where a file
//! cannot be mapped (a simulated disk, or too few addresses), reads are system calls.
//!
//! # Safety
//!
//! The module maps memory that changes. Its invariant: *the file is changed only through its one
//! [`MappedFile`], which is borrowed mutably for that, and is never truncated below the length that
//! the `MappedFile` has seen*. So nothing changes while a slice of the mapping is borrowed.
//! [`MappedFile::new`] demands this of its caller.

use std::io;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

use crate::disk::DiskFile;

/// The minimum length of a mapping, in bytes.
const MINIMUM_MAPPING: u64 = 1 << 20;

/// A file and a mapping of its beginning.
pub(crate) struct MappedFile {
    file: Arc<dyn DiskFile>,
    /// The known length of the file.
    length: u64,
    /// Extends beyond the end of the file, so that it can stay when the file grows.
    map: Option<Mmap>,
}

impl MappedFile {
    /// Maps a file.
    ///
    /// # Safety
    /// As long as the result exists, the file must not be changed in any other way than through
    /// it, neither by this process nor by another one.
    ///
    /// # Errors
    /// If the length of the file cannot be read. A file that cannot be mapped is not an error.
    pub(super) unsafe fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        let length = file.len()?;
        let mut mapped = Self { file, length, map: None };
        mapped.remap();
        Ok(mapped)
    }

    /// Returns the length of the file, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    fn remap(&mut self) {
        self.map = None;
        let Some(file) = self.file.mappable() else { return };
        let Ok(size) = usize::try_from((2 * self.length).max(MINIMUM_MAPPING)) else { return };
        // SAFETY: by the contract of `new`, the file changes only in `write`, which borrows `self`
        // mutably, so no slice of the mapping is borrowed then. `read` hands out only bytes before
        // `length`, which the file has.
        self.map = unsafe { MmapOptions::new().len(size).map(file.file()) }.ok();
    }

    /// Calls `visit` with `N` bytes at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file ends before, and errors of the file system.
    pub(crate) fn read<const N: usize, T>(
        &self,
        offset: u64,
        visit: impl FnOnce(&[u8; N]) -> T,
    ) -> io::Result<T> {
        let end = offset.checked_add(N as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mapped = self.map.as_ref().and_then(|map| map.get(offset as usize..end as usize));
        if let Some(bytes) = mapped.and_then(|bytes| bytes.as_array()) {
            return Ok(visit(bytes));
        }
        let mut bytes = [0; N];
        self.file.read_at(offset, &mut bytes)?;
        Ok(visit(&bytes))
    }

    /// Returns the first `length` bytes of the file.
    pub(crate) fn read_prefix(&self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes bytes at `offset`. Extends the file if necessary.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)?;
        self.length = self.length.max(offset + bytes.len() as u64);
        if self.map.as_ref().is_some_and(|map| (map.len() as u64) < self.length) {
            self.remap();
        }
        Ok(())
    }

    /// Returns the file, for flushing it.
    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, RealDisk};

    #[test]
    fn reads_see_writes_also_beyond_the_first_mapping() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = RealDisk::new(dir.path()).create("file").expect("made");
        // SAFETY: no other code knows the temporary file.
        let mut mapped = unsafe { MappedFile::new(file) }.expect("read");
        for number in 0..700u64 {
            mapped.write(4096 * number, &[number as u8; 4096]).expect("room");
            mapped.write(0, &number.to_le_bytes()).expect("room");
            let first = mapped.read(0, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes));
            assert_eq!(first.expect("there"), number);
        }
        for number in 1..700u64 {
            let same = |bytes: &[u8; 4096]| bytes.iter().all(|byte| *byte == number as u8);
            assert!(mapped.read(4096 * number, same).expect("there"), "{number}");
        }
        let beyond = mapped.read(4096 * 700 - 7, |_: &[u8; 8]| ());
        assert_eq!(beyond.expect_err("the end").kind(), io::ErrorKind::UnexpectedEof);
    }
}
