//! A file that is written by system calls and read through a mapping.
//!
//! A read from a mapped page costs a few loads; a system call costs a microsecond. Where a file
//! cannot be mapped (a simulated disk, or too few addresses), reads are system calls.
//!
//! If a page cannot be read, because the disk fails or the file was cut short by another process,
//! all further reads are errors ([`plan::page_fault`]).
//!
//! # Safety
//!
//! The module maps memory that changes. Its invariant: *the file is changed only through its one
//! [`MappedFile`], which is borrowed mutably for that, and is never truncated below the length that
//! the `MappedFile` has seen*. So nothing changes while a slice of the mapping is borrowed.
//! [`MappedFile::new`] demands this of its caller. If another process truncates the file, the read
//! that meets the missing page sees a replacement page, and returns an error in place of what it
//! made of it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};
use plan::page_fault::MappedRange;

use crate::disk::DiskFile;

/// The minimum length of a mapping, in bytes.
const MINIMUM_MAPPING: u64 = 1 << 20;

/// A file and a mapping of its beginning.
pub(crate) struct MappedFile {
    file: Arc<dyn DiskFile>,
    path: Box<Path>,
    /// The known length of the file.
    length: u64,
    map: Option<RegisteredMap>,
}

/// A mapping that the fault handler knows.
struct RegisteredMap {
    /// Dropped before the mapping.
    range: MappedRange,
    /// Extends beyond the end of the file, so that it can stay when the file grows.
    bytes: Mmap,
}

impl MappedFile {
    /// Maps a file. `path` is for messages.
    ///
    /// # Safety
    /// As long as the result exists, the file must not be changed in any other way than through
    /// it, neither by this process nor by another one; except that another process may truncate it.
    ///
    /// # Errors
    /// If the length of the file cannot be read. A file that cannot be mapped is not an error.
    pub(super) unsafe fn new(file: Arc<dyn DiskFile>, path: &Path) -> io::Result<Self> {
        let length = file.len()?;
        let mut mapped = Self { file, path: path.into(), length, map: None };
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
        let Ok(bytes) = (unsafe { MmapOptions::new().len(size).map(file.file()) }) else { return };
        let start = bytes.as_ptr().addr();
        // SAFETY: the mapping is dropped after its registration. `read` tolerates any bytes, and
        // looks for lost pages before it returns.
        let range = unsafe { MappedRange::register(start, size, &self.path, 0, None) };
        self.map = range.map(|range| RegisteredMap { range, bytes });
    }

    /// Calls `visit` with `N` bytes at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file ends before, and errors of the file system.
    /// `visit` may have been called with other bytes then.
    pub(crate) fn read<const N: usize, T>(
        &self,
        offset: u64,
        visit: impl FnOnce(&[u8; N]) -> T,
    ) -> io::Result<T> {
        let end = offset.checked_add(N as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(RegisteredMap { range, bytes }) = &self.map
            && let Some(bytes) = bytes.get(offset as usize..end as usize)
            && let Some(bytes) = bytes.as_array()
        {
            let visited = visit(bytes);
            if range.has_lost_page() {
                return Err(io::Error::other("a page could not be read while it was in use"));
            }
            return Ok(visited);
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
        if self.map.as_ref().is_some_and(|map| (map.bytes.len() as u64) < self.length) {
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
    fn a_file_that_is_cut_short_while_it_is_mapped_gives_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = RealDisk::new(dir.path()).create("file").expect("made");
        // SAFETY: no other code writes the temporary file, except that it is truncated below.
        let mapped = unsafe { MappedFile::new(Arc::clone(&file), Path::new("file")) };
        let mut mapped = mapped.expect("read");
        mapped.write(0, &[7; 3 * 4096]).expect("room");
        let read = |mapped: &MappedFile, page: u64| mapped.read(4096 * page, |bytes| *bytes);
        assert_eq!(read(&mapped, 2).expect("there"), [7; 8]);
        file.truncate(4096).expect("shorter");
        let error = read(&mapped, 2).expect_err("the page is lost");
        assert_eq!(error.to_string(), "a page could not be read while it was in use");
        read(&mapped, 0).expect_err("the mapping is not used any more");
    }

    #[test]
    fn reads_see_writes_also_beyond_the_first_mapping() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = RealDisk::new(dir.path()).create("file").expect("made");
        // SAFETY: no other code knows the temporary file.
        let mut mapped = unsafe { MappedFile::new(file, Path::new("file")) }.expect("read");
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
