//! The context that all parts of one store share: its disk, its id and its health.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::disk::{Disk, DiskFile, DiskLock};
use crate::encoding::StoreId;
use crate::error::{DiskError, OpenError};
use crate::format_file;
use crate::health::{StoreHealth, WriteError};

/// The extension of a file that is not complete yet. Such a file has no meaning.
pub(crate) const TEMPORARY: &str = ".new";

/// The context of one store. Cloning is cheap, and clones share the disk and the health.
#[derive(Clone)]
pub(crate) struct StoreContext {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) store: StoreId,
    pub(crate) health: Arc<StoreHealth>,
    /// The number of views of the open store (`view`), while which no garbage is collected.
    pub(crate) views: Arc<AtomicUsize>,
}

impl StoreContext {
    /// Creates the context of a healthy store.
    pub(crate) fn new(disk: Arc<dyn Disk>, store: StoreId) -> Self {
        Self { disk, store, health: Arc::default(), views: Arc::default() }
    }

    /// Locks an existing store and reads its id.
    ///
    /// # Errors
    /// See [`lock_existing`] and [`format_file::read`].
    pub(crate) fn lock(disk: Arc<dyn Disk>) -> Result<(Self, Arc<dyn DiskLock>), OpenError> {
        let lock = lock_existing(disk.as_ref())?;
        let store = format_file::read(disk.as_ref())?;
        Ok((Self::new(disk, store), lock))
    }

    /// Whether the open store is read from outside.
    pub(crate) fn is_viewed(&self) -> bool {
        self.views.load(Ordering::SeqCst) > 0
    }

    /// Wraps an error of the file system that concerns the file or directory `name`.
    pub(crate) fn error(&self, name: &str, action: &'static str, source: io::Error) -> DiskError {
        DiskError::new(self.disk.path(name), action, source)
    }

    /// Lists the names in a directory.
    pub(crate) fn list(&self, dir: &str) -> Result<Vec<String>, DiskError> {
        self.disk.list(dir).map_err(|error| self.error(dir, "list", error))
    }

    /// Removes a file. The removal is durable after [`sync_dir`](Self::sync_dir).
    pub(crate) fn remove(&self, name: &str) -> Result<(), DiskError> {
        self.disk.remove(name).map_err(|error| self.error(name, "remove", error))
    }

    /// Returns the length of a file, in bytes.
    pub(crate) fn length(&self, name: &str) -> Result<u64, DiskError> {
        let length = self.disk.open(name).and_then(|file| file.len());
        length.map_err(|error| self.error(name, "read", error))
    }

    /// Makes the entries of a directory durable.
    pub(crate) fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        self.disk.sync_dir(dir).map_err(|error| self.error(dir, "flush", error))
    }

    /// Flushes a file. A failure stops the store.
    pub(crate) fn flush(&self, name: &str, file: &dyn DiskFile) -> Result<(), WriteError> {
        file.flush().map_err(|error| self.health.fail(self.error(name, "flush", error)))
    }

    /// Creates a file with the given contents, durably and atomically: the file exists with all of
    /// its contents or not at all.
    pub(crate) fn publish(
        &self,
        dir: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<Arc<dyn DiskFile>, WriteError> {
        self.health.check()?;
        let temporary = format!("{name}{TEMPORARY}");
        let classify = |action| {
            let temporary = &temporary;
            move |error| self.health.classify(self.error(temporary, action, error))
        };
        let file = self.disk.create(&temporary).map_err(classify("create"))?;
        file.write_at(0, bytes).map_err(classify("write"))?;
        // A flush that finds no room need not stop the store: a retry starts with an empty file,
        // and nothing depends on this one yet.
        file.flush().map_err(classify("flush"))?;
        self.disk.rename(&temporary, name).map_err(classify("rename"))?;
        self.sync_dir(dir).map_err(|error| self.health.fail(error))?;
        Ok(file)
    }
}

/// Locks the directory of a store that should exist.
///
/// # Errors
/// [`OpenError::InUse`] if another process or another handle holds the lock,
/// [`OpenError::NotAStore`] if there is no such directory, and [`OpenError::Disk`].
fn lock_existing(disk: &dyn Disk) -> Result<Arc<dyn DiskLock>, OpenError> {
    let path = disk.path("");
    disk.lock().map(Arc::from).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse { path },
        io::ErrorKind::NotFound => {
            OpenError::NotAStore { path, reason: "there is no such directory".into() }
        }
        _ => DiskError::new(path, "lock", error).into(),
    })
}
