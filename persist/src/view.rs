//! Reading an open store from outside: a *view* is the list of its files at one moment.
//!
//! The files of a store are only appended to, replaced by a rename, or removed. So a reader that has
//! opened the files, and reads no more of each than its length at that moment, sees the store as it
//! was then, while the owner works on. Two things would change what is before these lengths, and do
//! not happen while a [`StoreView`] exists: a collection, after which gaps between pins are punched and
//! filled, and the reuse of the file of a pruned log segment.
//!
//! The owner makes a [`StoreView`] and passes the list on, in the way it chooses. The reader opens a
//! [`ViewDisk`], on which [`StoreInspection`](crate::StoreInspection) and exports work as on the disk of
//! a closed store. If a file has been removed in between, the reader asks for another view.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::disk::{Disk, DiskFile, DiskLock, MappableFile, RealDisk};
use crate::error::{DiskError, LogError, PinError};
use crate::journal::JournalKind;
use crate::space::layout::{BODIES_DIR, INDEX_DIR};
use crate::store::Store;
use crate::{format_file, set_aside, snapshots};

/// How long the making of a view waits for a collection to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Why a view could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The events could not be made durable.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The pins could not be made durable.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A file could not be listed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A collection did not end in time.
    #[error("a collection of garbage is in progress; try again later")]
    Collecting,
}

/// The name of a file, relative to the store's directory, and its length, in bytes.
pub type ViewFile = (String, u64);

/// The files of an open store at one moment. While it exists, no garbage of the store is collected.
pub struct StoreView {
    files: Vec<ViewFile>,
    _count: ViewCount,
    _read_guard: Arc<()>,
}

/// Counts a view as long as it exists.
struct ViewCount(Arc<AtomicUsize>);

impl ViewCount {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for ViewCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl StoreView {
    /// Makes a view of an open store, after everything in it is durable. A collection that is
    /// running ends early.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub fn new(store: &Store) -> Result<Self, ViewError> {
        let context = store.context();
        let count = ViewCount::new(&context.views);
        let files = store.pins().files();
        let start = Instant::now();
        while files.is_collecting() {
            if start.elapsed() > PATIENCE {
                return Err(ViewError::Collecting);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        store.commit_pins()?;
        store.commit()?;
        // What a file refers to is listed after it: a snapshot needs groups and events, and a group
        // needs records.
        let mut list = Vec::new();
        let mut add = |dir: &str, active: Option<&ViewFile>| -> Result<(), DiskError> {
            let names = match context.list(dir) {
                Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(()),
                names => names?,
            };
            for name in names {
                let name = format!("{dir}/{name}");
                match active.filter(|active| active.0 == name) {
                    Some(active) => list.push(active.clone()),
                    None => match context.length(&name) {
                        // Removed in the meantime.
                        Err(error) if error.error.kind() == io::ErrorKind::NotFound => {}
                        length => list.push((name, length?)),
                    },
                }
            }
            Ok(())
        };
        add(snapshots::DIR, None)?;
        add(set_aside::DIR, None)?;
        {
            let catalogue = files.lock_catalogue();
            add(JournalKind::CATALOGUE.dir, Some(&catalogue.journal.active_end()))?;
        }
        let read_guard = store.log().with_journal(|journal| {
            add(JournalKind::LOG.dir, Some(&journal.active_end()))?;
            Ok::<_, DiskError>(journal.read_guard())
        })?;
        add(BODIES_DIR, None)?;
        add(INDEX_DIR, None)?;
        list.push((format_file::NAME.into(), context.length(format_file::NAME)?));
        Ok(Self { files: list, _count: count, _read_guard: read_guard })
    }

    /// Returns the files.
    pub fn files(&self) -> &[ViewFile] {
        &self.files
    }
}

/// The files of a view, open for reading.
pub struct ViewDisk {
    root: RealDisk,
    files: BTreeMap<String, Arc<dyn DiskFile>>,
}

impl ViewDisk {
    /// Opens the files of a view of the store in a directory.
    ///
    /// The owner of the store must keep the view as long as the result is used. If it does not, the
    /// result may be found damaged; nothing worse happens.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if a file was removed since the view was made, and others as the
    /// file system reports.
    pub fn open(dir: &Path, view: &[ViewFile]) -> io::Result<Self> {
        let root = RealDisk::read_only(dir);
        let open = |(name, length): &ViewFile| {
            let file = ViewedFile { file: root.open(name)?, length: *length };
            Ok((name.clone(), Arc::new(file) as Arc<dyn DiskFile>))
        };
        let files = view.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { root, files })
    }
}

fn read_only<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ViewDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path(name)
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        Ok(Box::new(ViewLock))
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        self.root.random()
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        read_only()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let names = self.files.keys().filter_map(|name| match dir {
            "" => Some(name.as_str()),
            dir => name.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')),
        });
        let names: Vec<String> =
            names.filter(|name| !name.contains('/')).map(str::to_owned).collect();
        if names.is_empty() && dir == set_aside::DIR {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(names)
    }

    fn make_dir(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        read_only()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        read_only()
    }
}

/// The owner of the store has its lock.
struct ViewLock;

impl DiskLock for ViewLock {}

/// A file, up to its length in the view.
struct ViewedFile {
    file: Arc<dyn DiskFile>,
    length: u64,
}

impl DiskFile for ViewedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        read_only()
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        read_only()
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.file.allocated()?.min(self.length))
    }

    fn mappable(&self) -> Option<MappableFile<'_>> {
        self.file.mappable()
    }

    fn flush(&self) -> io::Result<()> {
        read_only()
    }
}
