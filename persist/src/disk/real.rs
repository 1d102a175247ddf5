//! [`Disk`] on the operating system's file system.
//!
//! # Safety
//!
//! The module declares its files mappable. The exclusive `flock` on the directory keeps other
//! stores and other processes of this program away from the files; writing to them in any other way
//! while a store is open is outside the contract of a store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::platform::punch_hole;
use super::{Disk, DiskFile, DiskLock, MappableFile};

/// A directory of the real file system.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
    read_only: bool,
}

impl RealDisk {
    /// Uses the directory `root`, which must exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read_only: false }
    }

    /// Uses the directory `root` and opens its files for reading only.
    pub fn read_only(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read_only: true }
    }

    /// Uses the directory `root`. Creates it durably, with its parents, if it does not exist.
    ///
    /// # Errors
    /// As the file system reports.
    pub fn make(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let missing: Vec<&Path> =
            root.ancestors().take_while(|dir| !is_here(dir) && !dir.exists()).collect();
        fs::create_dir_all(&root)?;
        for dir in missing {
            let parent = dir.parent().filter(|parent| !is_here(parent));
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(Self { root, read_only: false })
    }

    fn full_path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

/// Whether a path is empty, which denotes the current directory.
fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl Disk for RealDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.full_path(name)
    }

    // The lock is on the directory itself. A lock file could get lost in a copy or be left behind.
    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        let dir = File::open(&self.root)?;
        flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _dir: dir }))
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(RealFile(options.open(self.full_path(name))?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(!self.read_only);
        Ok(Arc::new(RealFile(options.open(self.full_path(name))?)))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.full_path(dir))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        match fs::create_dir(self.full_path(dir)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.full_path(from), self.full_path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.full_path(name))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.full_path(dir))?.sync_all()
    }
}

/// Keeps the locked directory open. Closing it releases the lock.
struct RealLock {
    _dir: File,
}

impl DiskLock for RealLock {}

/// An open file of the file system.
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        punch_hole(&self.0, offset, length)
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(512 * self.0.metadata()?.blocks())
    }

    fn mappable(&self) -> Option<MappableFile<'_>> {
        // SAFETY: see the module's documentation.
        Some(unsafe { MappableFile::new(&self.0) })
    }

    fn flush(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
