//! A file that is written a piece at a time and read through a mapping.
//!
//! A read of a mapped page costs a few loads where a call of the system costs a microsecond. Where
//! a file cannot be mapped (the disk is simulated, addresses are short), it is read by calls.
//!
//! # Safety
//!
//! The module maps memory that changes. Its invariant: *the file is changed only through the one
//! [`Window`] on it, which is borrowed uniquely for that, and never cut short below what it has been
//! seen to have*. So nothing changes while a slice of the mapping is borrowed. It relies, as bodies
//! do, on the lock on the directory.

use std::io;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

use crate::disk::DiskFile;

/// At least so much is mapped at once.
const LEAST: u64 = 1 << 20;

/// A file, and as much of it as is mapped.
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    /// The file's length, so far as it is known.
    length: u64,
    /// Reaches behind the file's end, so that it need not be made anew whenever that grows.
    map: Option<Mmap>,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        let length = file.len()?;
        let mut window = Self { file, length, map: None };
        window.remap();
        Ok(window)
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    fn remap(&mut self) {
        self.map = None;
        let Some(file) = self.file.as_file() else { return };
        let Ok(size) = usize::try_from((2 * self.length).max(LEAST)) else { return };
        // SAFETY: by the module's invariant the file does not change while a slice is borrowed. What
        // lies behind its end is mapped but never looked at.
        self.map = unsafe { MmapOptions::new().len(size).map(file) }.ok();
    }

    /// Hands out `N` bytes.
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

    /// The first so many bytes.
    pub(crate) fn read_all(&self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)?;
        self.length = self.length.max(offset + bytes.len() as u64);
        if self.map.as_ref().is_some_and(|map| (map.len() as u64) < self.length) {
            self.remap();
        }
        Ok(())
    }

    /// The file, for flushing it.
    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, RealDisk};

    #[test]
    fn what_is_written_is_read_also_beyond_the_first_mapping() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = RealDisk::new(dir.path()).create("file").expect("made");
        let mut window = Window::new(file).expect("read");
        for number in 0..700u64 {
            window.write(4096 * number, &[number as u8; 4096]).expect("room");
            window.write(0, &number.to_le_bytes()).expect("room");
            let first = window.read(0, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes));
            assert_eq!(first.expect("there"), number);
        }
        for number in 1..700u64 {
            let same = |bytes: &[u8; 4096]| bytes.iter().all(|byte| *byte == number as u8);
            assert!(window.read(4096 * number, same).expect("there"), "{number}");
        }
        let beyond = window.read(4096 * 700 - 7, |_: &[u8; 8]| ());
        assert_eq!(beyond.expect_err("the end").kind(), io::ErrorKind::UnexpectedEof);
    }
}
