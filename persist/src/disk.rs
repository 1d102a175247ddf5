//! The storage of a store, as a trait.
//!
//! All other modules access files only through [`Disk`] and [`DiskFile`]. So the same code runs on
//! the real file system ([`RealDisk`]) and on a simulated one ([`crate::sim::SimDisk`]) whose
//! writes can fail, tear and get lost.
//!
//! The trait guarantees no more than POSIX:
//!
//! - Written bytes survive a crash for certain once [`DiskFile::flush`] has returned. Until then
//!   any part of them may be missing, in any order, down to single sectors, and the length of the
//!   file may be ahead of its contents.
//! - The creation, renaming or removal of a file survives a crash for certain once
//!   [`Disk::sync_dir`] of its directory has returned. A rename is atomic.
//! - After a failed flush, nothing is known about the writes since the last successful one, and a
//!   later successful flush proves nothing about them.
//!
//! There is no `append`: a caller knows the end of the file and passes it as an offset, so it can
//! retry a partial write in place.

#[allow(unsafe_code, reason = "defines the unsafe contract of a mappable file")]
mod mappable;
pub(crate) mod platform;
#[allow(unsafe_code, reason = "declares that the files of a locked directory are mappable")]
mod real;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

pub use mappable::MappableFile;
pub use real::RealDisk;

/// The maximum unit in which file systems free space, in bytes.
pub const BLOCK: u64 = 4096;

/// A directory tree that holds one store. Names are relative to its root, with `/` between
/// directory and file; the root itself is `""`.
pub trait Disk: Send + Sync + 'static {
    /// Returns the full path of a name, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// Takes the exclusive lock on the tree, without waiting. Dropping the guard releases it, and
    /// so does the end of the process.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if the lock is held.
    fn lock(&self) -> io::Result<Box<dyn DiskLock>>;

    /// Returns the time in seconds since 1970. It may jump: only the age of snapshots depends on it.
    fn seconds(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// Returns 32 unpredictable bytes.
    ///
    /// # Errors
    /// As the system's source of randomness reports.
    fn random(&self) -> io::Result<[u8; 32]>;

    /// Creates an empty file for reading and writing. Truncates an existing file.
    ///
    /// # Errors
    /// As the file system reports.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or as the file system reports.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Lists the names directly in a directory (not paths), sorted.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or as the file system reports.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Creates a directory. An existing directory is not an error.
    ///
    /// # Errors
    /// As the file system reports.
    fn make_dir(&self, dir: &str) -> io::Result<()>;

    /// Renames a file within its directory, and replaces a file that has the new name.
    ///
    /// # Errors
    /// As the file system reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the file system reports.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all creations, renamings and removals in a directory durable.
    ///
    /// # Errors
    /// As the file system reports. The module's documentation says what an error means.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
}

/// The guard of [`Disk::lock`]. Dropping it releases the lock.
pub trait DiskLock: Send + Sync {}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Returns the length of the file, in bytes.
    ///
    /// # Errors
    /// As the file system reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// As the file system reports.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file ends before, or as the file system reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, and extends the file if necessary. After an error any
    /// part of them may have been written.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`] if there is no room, or
    /// as the file system reports.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Truncates the file to `length` bytes, or extends it with zeros.
    ///
    /// # Errors
    /// As the file system reports.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Punches a hole: frees the space of a part of the file. The part reads as zeros afterwards,
    /// and the file keeps its length. The part should begin and end at multiples of [`BLOCK`] and
    /// are within the file.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] if the file system cannot punch holes, or as it reports.
    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let _ = (offset, length);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns the space that the file takes on the disk, in bytes: less than its length if it has
    /// holes.
    ///
    /// # Errors
    /// As the file system reports.
    fn allocated(&self) -> io::Result<u64> {
        self.len()
    }

    /// Returns the file for mapping it into memory; `None` if it cannot be mapped.
    fn mappable(&self) -> Option<MappableFile<'_>> {
        None
    }

    /// Is given the file that is mapped in place of this one, which cannot be mapped. A simulated
    /// disk keeps it, to simulate faults of the mapping.
    fn attach_mirror(&self, mirror: &std::fs::File) {
        let _ = mirror;
    }

    /// Makes contents and length durable (`fdatasync`).
    ///
    /// # Errors
    /// As the file system reports. The module's documentation says what an error means.
    fn flush(&self) -> io::Result<()>;
}
