//! The proof that a file may be mapped into memory.
//!
//! # Safety
//!
//! Mapped memory must not change behind the back of its readers. Any safe code can implement
//! [`super::DiskFile`], so a file that will be mapped is passed as a [`MappableFile`], and creating
//! one is unsafe.

use std::fs::File;

/// A file that may be mapped into memory while the lock of its disk is held.
#[derive(Debug, Clone, Copy)]
pub struct MappableFile<'a>(&'a File);

impl<'a> MappableFile<'a> {
    /// Declares that a file may be mapped.
    ///
    /// # Safety
    /// While a [`DiskLock`](super::DiskLock) of the file's disk is held, only its holder writes or
    /// truncates the file.
    pub unsafe fn new(file: &'a File) -> Self {
        Self(file)
    }

    /// Returns the file.
    pub fn file(&self) -> &'a File {
        self.0
    }
}
