//! The storage that a store stands on, as a trait.
//!
//! Everything above this module reaches files only through [`Disk`] and
//! [`DiskFile`], so that the same code runs over the real file system
//! ([`RealDisk`]) and over the simulated one ([`crate::sim::SimDisk`]) whose
//! writes can fail, tear and be lost.
//!
//! What the trait promises is no more than POSIX does:
//!
//! - What was written is certain to survive a crash only once [`DiskFile::flush`]
//!   has returned. Until then any part of it may be missing, in any order, down
//!   to single sectors, and the length of the file may be ahead of its contents.
//! - A file created, renamed or removed is certain to be so after a crash only
//!   once [`Disk::sync_dir`] of its directory has returned. A rename is atomic.
//! - After a failed flush nothing is known about the writes since the last good
//!   one, and a second flush that succeeds says nothing about them either.
//!
//! There is no `append`: whoever writes knows where the end is, and states it,
//! so that a write that failed halfway can be written again in its place.

mod real;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub use real::RealDisk;

/// File systems give room back in units of so many bytes, or of fewer.
pub const BLOCK: u64 = 4096;

/// A directory tree that holds one store. Names are relative to its root, with
/// `/` between directory and file; the root itself is `""`.
pub trait Disk: Send + Sync + 'static {
    /// The name as the user knows it, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// Takes the exclusive lock on the tree, without waiting. It is released when
    /// the returned guard is dropped, and by the system when the process ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where somebody else holds it.
    fn lock(&self) -> io::Result<Box<dyn DiskLock>>;

    /// 32 bytes that nobody can guess.
    ///
    /// # Errors
    /// Whatever the system's source of randomness reports.
    fn random(&self) -> io::Result<[u8; 32]>;

    /// Creates an empty file for reading and writing; one of that name that is
    /// there already is emptied.
    ///
    /// # Errors
    /// As the file system reports.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or as the file system reports.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// The names directly in a directory (not paths), sorted.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or as the file system reports.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Makes a directory; one that is there already is no error.
    ///
    /// # Errors
    /// As the file system reports.
    fn make_dir(&self, dir: &str) -> io::Result<()>;

    /// Gives a file another name in the same directory, replacing what had it.
    ///
    /// # Errors
    /// As the file system reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the file system reports.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every creation, renaming and removal in a directory durable.
    ///
    /// # Errors
    /// As the file system reports; see the module's text on what that means.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
}

/// The guard of [`Disk::lock`]: dropping it releases the lock.
pub trait DiskLock: Send + Sync {}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the file system reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// As the file system reports.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills all of `buffer` from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before that.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, growing the file if need be. After an
    /// error any part of it may have been written.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`] where
    /// there is no room, or as the file system reports.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to `length` bytes, or grows it with zeros.
    ///
    /// # Errors
    /// As the file system reports.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Gives the room of a part of the file back to the file system. It reads as zeros from then
    /// on, and the file stays as long as it is. The part should begin and end with multiples of
    /// [`BLOCK`], and lie within the file.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where the file system cannot do that, or as it reports.
    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let _ = (offset, length);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How many bytes it takes on the disk: fewer than its length where it has holes.
    ///
    /// # Errors
    /// As the file system reports.
    fn allocated(&self) -> io::Result<u64> {
        self.len()
    }

    /// The file, for mapping it; none where there is no such thing.
    fn as_file(&self) -> Option<&std::fs::File> {
        None
    }

    /// Makes contents and length durable (`fdatasync`).
    ///
    /// # Errors
    /// As the file system reports; see the module's text on what that means.
    fn flush(&self) -> io::Result<()>;
}
