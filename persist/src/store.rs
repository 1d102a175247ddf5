//! The store: one directory, locked, with a log, pins and snapshots.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vm::pinspace::range::SLOT_SIZE;
use vm::pinspace::{Frozen, PinSpace};

use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{
    CreateError, Damage, DiskError, LogError, OpenError, PinError, ReadError, SnapshotError,
};
use crate::journal::{Home, Pruned};
use crate::lock::lock;
use crate::log::{Appender, Log};
use crate::opening::{self, Parts};
use crate::records::Records;
use crate::snapshots::{self, Snapshot, Snapshots};
use crate::space::Entry;
use crate::space::mapped::MappedPins;
use crate::{Hash, Seq};

/// What can be chosen of a store. None of it is recorded on disk: the same store
/// may be opened with other settings each time.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A log segment is ended before it would grow beyond this, in bytes (a
    /// larger event has a segment to itself). Default: 64 MiB.
    pub log_segment: u64,
    /// Which slot of the range of pins (`vm::pinspace::range`) a new store begins in. Stores that
    /// are to be open in one process need slots of their own. Default: one that is free, by chance.
    pub slot: Option<usize>,
    /// A file of pins is ended before it would grow beyond this, in bytes, and another slot begun (a larger
    /// pin has a file to itself). Default and most: the size of a slot, 64 GiB.
    pub body_file: u64,
    /// The log's file is made longer by so many bytes at a time, before they are needed: a flush
    /// is cheaper where the file need not grow. Default: 1 MiB; 0 lets it grow by what is written.
    pub log_ahead: u64,
    /// So many files that the log no longer needs are kept, to be written over by its next segments.
    /// Default: 2.
    pub log_spares: usize,
    /// How long the committer may let an event wait for others to be flushed
    /// together with it, while nobody waits for it. Default: zero, that is, until
    /// the flush before it has ended.
    pub commit_delay: Duration,
    /// How many snapshots to keep; at least 2, whatever is given. Default: 3.
    pub keep_snapshots: usize,
    /// How many bytes of events may be queued before appending has to wait for
    /// the disk. Default: 64 MiB.
    pub max_pending: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_segment: 64 << 20,
            slot: None,
            body_file: SLOT_SIZE as u64,
            log_ahead: 1 << 20,
            log_spares: 2,
            commit_delay: Duration::ZERO,
            keep_snapshots: 3,
            max_pending: 64 << 20,
        }
    }
}

impl Settings {
    /// How many snapshots are kept: never so few that the loss of one is fatal.
    pub(crate) fn keep(&self) -> usize {
        self.keep_snapshots.max(2)
    }
}

/// Where a machine goes on from: a state, and what happened since.
pub struct Recovery {
    /// The state; `None` where no snapshot was ever written.
    pub snapshot: Option<Snapshot>,
    /// Newer snapshots that were passed over because they are damaged.
    pub damaged: Vec<Damage>,
    /// The events since.
    pub records: Records,
}

/// An open store. All methods may be called from any thread.
pub struct Store {
    home: Home,
    path: PathBuf,
    log: Log,
    pins: MappedPins,
    snapshots: Mutex<Snapshots>,
    // Last, so that it is released when all else is done.
    lock: Option<Arc<dyn DiskLock>>,
}

impl Store {
    /// Creates a store, with default settings, in a directory that is empty or
    /// does not exist.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing that was there is changed.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, CreateError> {
        Self::create_with(dir, Settings::default())
    }

    /// As [`Store::create`], with settings.
    ///
    /// # Errors
    /// As there.
    pub fn create_with(dir: impl AsRef<Path>, settings: Settings) -> Result<Self, CreateError> {
        let dir = dir.as_ref();
        let disk = RealDisk::make(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CreateError::Foreign { path: dir.into() },
            _ => CreateError::Disk(DiskError::new(dir.into(), "create", error)),
        })?;
        Self::create_on(Arc::new(disk), settings)
    }

    /// As [`Store::create`], on any disk.
    ///
    /// # Errors
    /// As there.
    pub fn create_on(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, CreateError> {
        Ok(Self::assemble(opening::create(disk, &settings)?, &settings))
    }

    /// Opens a store with default settings. A torn end that a crash left is cut
    /// off; it held nothing that was acknowledged.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing on disk is changed then, except that an error
    /// of the file system itself can interrupt the cutting off.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(dir, Settings::default())
    }

    /// As [`Store::open`], with settings.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(dir: impl AsRef<Path>, settings: Settings) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::new(dir.as_ref())), settings)
    }

    /// As [`Store::open`], on any disk.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, OpenError> {
        Ok(Self::assemble(opening::open(disk, &settings)?, &settings))
    }

    fn assemble(parts: Parts, settings: &Settings) -> Self {
        let Parts { home, lock, log, pins, snapshots } = parts;
        pins.set_limit(settings.body_file);
        Self {
            path: home.disk.path(""),
            log: Log::new(home.clone(), settings, log),
            home,
            pins,
            snapshots: Mutex::new(snapshots),
            lock: Some(lock),
        }
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes everything durable and closes the store. Dropping a store does the
    /// same, but cannot report an error.
    ///
    /// # Errors
    /// As [`Store::commit`]; the store is closed nevertheless.
    pub fn close(mut self) -> Result<(), LogError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), LogError> {
        if self.lock.is_none() {
            return Ok(());
        }
        let pins = self.pins.close().map_err(LogError::from);
        let log = self.log.close();
        self.lock = None;
        pins.and(log)
    }

    /// The newest snapshot that is whole, and the events since.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn recover(&self) -> Result<Recovery, ReadError> {
        let snapshots = lock(&self.snapshots);
        let damaged = snapshots.passed_over();
        self.recovery(snapshots.newest().cloned(), damaged)
    }

    /// The same from an older snapshot, for when the state of the newest proves
    /// unusable.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn recover_from(&self, snapshot: &Snapshot) -> Result<Recovery, ReadError> {
        self.recovery(Some(snapshot.clone()), vec![])
    }

    fn recovery(
        &self,
        snapshot: Option<Snapshot>,
        damaged: Vec<Damage>,
    ) -> Result<Recovery, ReadError> {
        let covers = snapshot.as_ref().map_or(Seq::START, |snapshot| snapshot.covers);
        let records = self.log.records(covers.next().0)?;
        Ok(Recovery { snapshot, damaged, records })
    }

    /// Appends an event to the log, in memory: it is durable only after a commit.
    /// Waits if too much is queued already.
    ///
    /// If the event names pins, commit those first ([`Store::commit_pins`]).
    ///
    /// # Errors
    /// See [`LogError`]; the event was not appended.
    pub fn append(&self, payload: &[u8]) -> Result<Seq, LogError> {
        self.log.append(payload)
    }

    /// Makes everything appended so far durable; returns the last sequence.
    ///
    /// # Errors
    /// See [`LogError`]; how much is durable is what [`Store::durable`] says.
    pub fn commit(&self) -> Result<Seq, LogError> {
        self.log.commit()
    }

    /// Waits until an event is durable, and sees to it that it will be.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        self.log.wait_durable(seq)
    }

    /// The last event appended; [`Seq::START`] if there is none.
    pub fn last(&self) -> Seq {
        self.log.last()
    }

    /// The last event known to be durable.
    pub fn durable(&self) -> Seq {
        self.log.durable()
    }

    /// A handle for appending from other threads, committed in the background.
    ///
    /// # Errors
    /// [`LogError::NoCommitter`] if there is no committer yet and its thread
    /// cannot be started.
    pub fn appender(&self) -> Result<Appender, LogError> {
        self.log.appender()
    }

    /// What pins are frozen into and found in. They are durable after [`Store::commit_pins`] or
    /// [`Store::write_snapshot`]. Whoever holds a pin in it keeps the store locked.
    pub fn space(&self) -> &Arc<PinSpace> {
        self.pins.space()
    }

    /// The pin that stands for a snapshot's state.
    ///
    /// # Errors
    /// [`PinError::Damaged`] if it is not whole.
    pub fn root(&self, snapshot: &Snapshot) -> Result<Frozen, PinError> {
        self.pins.at(snapshot.address, &snapshot.root)
    }

    /// The pin of that hash at an address that the catalogue tells of ([`Store::each_pin`]).
    ///
    /// # Errors
    /// [`PinError::Damaged`] if it is not whole.
    pub fn pin(&self, address: u64, hash: &Hash) -> Result<Frozen, PinError> {
        self.pins.at(address, hash)
    }

    /// The damage of the pin at an address, where there is none that is whole.
    pub(crate) fn damage(&self, address: u64) -> Damage {
        self.pins.damage(address)
    }

    /// Visits all pins that are durable, each after those that it refers to. Reads the catalogue
    /// alone, and no body.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn each_pin(&self, mut visit: impl FnMut(&Entry)) -> Result<(), ReadError> {
        self.pins.each_entry(|entry| {
            visit(entry);
            Ok(())
        })
    }

    /// Makes all pins that have been frozen so far durable. Others may be meanwhile.
    ///
    /// # Errors
    /// [`PinError::Full`] and [`PinError::Failed`].
    pub fn commit_pins(&self) -> Result<(), PinError> {
        self.pins.commit()?;
        Ok(())
    }

    /// Writes a snapshot: `root` stands for the state after the event `covers`.
    /// All that it needs is made durable first, and the previous snapshot stays
    /// valid until this one is. Then those beyond the number to be kept go.
    ///
    /// # Errors
    /// See [`SnapshotError`]; the newest snapshot is then the one it was.
    pub fn write_snapshot(&self, root: &Frozen, covers: Seq) -> Result<Snapshot, SnapshotError> {
        let mut snapshots = lock(&self.snapshots);
        snapshots.check_order(covers)?;
        if !Arc::ptr_eq(root.space(), self.space()) {
            let path = self.home.disk.path(snapshots::DIR);
            return Err(SnapshotError::UnknownRoot { path, root: root.hash().into() });
        }
        let groups = self.pins.commit()?;
        self.log.wait_durable(covers)?;
        Ok(snapshots.write(root, covers, groups)?)
    }

    /// The snapshots that are whole, newest first.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        lock(&self.snapshots).list()
    }

    /// Removes the log segments that the oldest kept snapshot covers entirely.
    /// Nothing is removed before there is a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Disk`]; what was removed before stays removed.
    pub fn prune(&self) -> Result<Pruned, SnapshotError> {
        let snapshots = lock(&self.snapshots);
        match snapshots.oldest() {
            Some(oldest) => self.log.prune(oldest.covers.next().0),
            None => Ok(Pruned::default()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // An error has been returned to whoever waited, or nobody did.
        let _ = self.shut();
    }
}
