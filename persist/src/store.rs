//! The store: one locked directory with an event log, pins and snapshots.

mod create;
mod open;
mod parts;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use plan::pinspace::{FrozenPin, PinSpace};

use crate::context::StoreContext;
use crate::detached;
use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{
    CreateError, DiskError, LogError, OpenError, PinError, SnapshotError, StoreDamage,
    StoreReadError,
};
use crate::journal::PrunedLog;
use crate::log::{EventLog, LogAppender, LogRecords};
use crate::set_aside::{SetAsideFiles, SetAsideId, SetAsideList, SetAsideRecord};
use crate::settings::StoreSettings;
use crate::snapshots::{self, SnapshotFiles};
use crate::space::{CatalogueEntry, NOT_AS_WRITTEN, PinStore, WrittenPins};
use crate::types::{Seq, Snapshot};
use parts::StoreParts;

/// The data from which a machine continues: a state and the events after it.
pub struct RecoveryReport {
    /// The snapshot with the state; `None` if none was ever written.
    pub snapshot: Option<Snapshot>,
    /// The damaged snapshots that are newer than `snapshot`.
    pub damaged: Vec<StoreDamage>,
    /// The events after the snapshot.
    pub records: LogRecords,
}

/// An open store. Any thread may call any method.
pub struct Store {
    context: StoreContext,
    path: PathBuf,
    log: EventLog,
    pins: PinStore,
    snapshots: Mutex<SnapshotFiles>,
    set_aside: Mutex<SetAsideFiles>,
    // The last field, so that the lock is released after everything else is dropped.
    lock: Option<Arc<dyn DiskLock>>,
}

impl Store {
    /// Creates a store with default settings in a directory that is empty or does not exist.
    ///
    /// # Errors
    /// See [`CreateError`]. Existing files are not changed.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, CreateError> {
        Self::create_with(dir, StoreSettings::default())
    }

    /// Creates a store with the given settings, like [`Store::create`].
    ///
    /// # Errors
    /// See [`CreateError`]. Existing files are not changed.
    pub fn create_with(
        dir: impl AsRef<Path>,
        settings: StoreSettings,
    ) -> Result<Self, CreateError> {
        let dir = dir.as_ref();
        let disk = RealDisk::make(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CreateError::Foreign { path: dir.into() },
            _ => CreateError::Disk(DiskError::new(dir.into(), "create", error)),
        })?;
        Self::create_on(Arc::new(disk), settings)
    }

    /// Creates a store on the given disk, like [`Store::create`].
    ///
    /// # Errors
    /// See [`CreateError`]. Existing files are not changed.
    pub fn create_on(disk: Arc<dyn Disk>, settings: StoreSettings) -> Result<Self, CreateError> {
        Ok(Self::assemble(create::create(disk, &settings)?, &settings))
    }

    /// Opens a store with default settings. Truncates the torn tail that a crash left, which held
    /// nothing that was acknowledged.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing on disk is changed then, unless the file system fails in the
    /// middle of the repair.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(dir, StoreSettings::default())
    }

    /// Opens a store with the given settings, like [`Store::open`].
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn open_with(dir: impl AsRef<Path>, settings: StoreSettings) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::new(dir.as_ref())), settings)
    }

    /// Opens the store on the given disk, like [`Store::open`].
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn open_on(disk: Arc<dyn Disk>, settings: StoreSettings) -> Result<Self, OpenError> {
        Ok(Self::assemble(open::open(disk, &settings)?, &settings))
    }

    fn assemble(parts: StoreParts, settings: &StoreSettings) -> Self {
        let StoreParts { context, lock, log, pins, snapshots, set_aside } = parts;
        pins.set_body_limit(settings.body_file);
        Self {
            path: context.disk.path(""),
            log: EventLog::new(context.clone(), settings, log),
            context,
            pins,
            snapshots: Mutex::new(snapshots),
            set_aside: Mutex::new(set_aside),
            lock: Some(lock),
        }
    }

    /// Returns the store's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes everything durable and closes the store. Dropping a store does the same but cannot
    /// report an error.
    ///
    /// # Errors
    /// Like [`Store::commit`]; the store is closed nevertheless.
    pub fn close(mut self) -> Result<(), LogError> {
        self.close_parts()
    }

    fn close_parts(&mut self) -> Result<(), LogError> {
        if self.lock.is_none() {
            return Ok(());
        }
        let pins = self.pins.close().map_err(LogError::from);
        let log = self.log.close();
        self.lock = None;
        pins.and(log)
    }

    /// Returns the newest intact snapshot and the events after it.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub fn recover(&self) -> Result<RecoveryReport, StoreReadError> {
        let snapshots = self.snapshots.lock();
        let damaged = snapshots.damaged_newer();
        self.recovery(snapshots.newest().cloned(), damaged)
    }

    /// Returns an older snapshot and the events after it, in case the newest state is unusable.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub fn recover_from(&self, snapshot: &Snapshot) -> Result<RecoveryReport, StoreReadError> {
        self.recovery(Some(snapshot.clone()), vec![])
    }

    fn recovery(
        &self,
        snapshot: Option<Snapshot>,
        damaged: Vec<StoreDamage>,
    ) -> Result<RecoveryReport, StoreReadError> {
        let covers = snapshot.as_ref().map_or(Seq::START, |snapshot| snapshot.covers);
        let records = self.log.records(covers.next().0)?;
        Ok(RecoveryReport { snapshot, damaged, records })
    }

    /// Returns the durable events from a sequence on.
    ///
    /// # Errors
    /// [`StoreReadError::Gap`] if the log begins after `first`; see [`StoreReadError`].
    pub fn records_from(&self, first: Seq) -> Result<LogRecords, StoreReadError> {
        self.log.records(first.0)
    }

    /// Appends an event to the log in memory. A commit makes it durable. Blocks while too many
    /// bytes are queued.
    ///
    /// If the event refers to pins, commit those first ([`Store::commit_pins`]).
    ///
    /// # Errors
    /// See [`LogError`]; the event was not appended.
    pub fn append(&self, payload: &[u8]) -> Result<Seq, LogError> {
        self.log.append(payload)
    }

    /// Makes all appended events durable and returns the last sequence.
    ///
    /// # Errors
    /// See [`LogError`]; [`Store::durable`] returns the last event that is durable.
    pub fn commit(&self) -> Result<Seq, LogError> {
        self.log.commit()
    }

    /// Waits until an event is durable. Triggers a commit if none is in progress.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        self.log.wait_durable(seq)
    }

    /// Returns the sequence of the last appended event; [`Seq::START`] if there is none.
    pub fn last(&self) -> Seq {
        self.log.last()
    }

    /// Returns the sequence of the last event that is known to be durable.
    pub fn durable(&self) -> Seq {
        self.log.durable()
    }

    /// Returns a handle that appends from other threads, with commits in the background.
    ///
    /// # Errors
    /// [`LogError::NoCommitter`] if the committer's thread cannot be started.
    pub fn appender(&self) -> Result<LogAppender, LogError> {
        self.log.appender()
    }

    /// Returns the pin space in which pins are frozen and found. [`Store::commit_pins`] and
    /// [`Store::write_snapshot`] make them durable. The store stays locked as long as a pin of it
    /// is held.
    pub fn space(&self) -> &Arc<PinSpace> {
        self.pins.space()
    }

    /// Returns the root pin of a snapshot of this store, which holds its state.
    ///
    /// # Errors
    /// [`PinError::Damaged`] if the pin is damaged or missing, or the store does not have this
    /// snapshot.
    pub fn root(&self, snapshot: &Snapshot) -> Result<FrozenPin, PinError> {
        // A pin is read only at an address that the store itself has recorded. The lock keeps the
        // snapshot until its root is held, so that no collection frees it in between.
        let snapshots = self.snapshots.lock();
        if !snapshots.contains(snapshot) {
            let reason = NOT_AS_WRITTEN.to_owned();
            return Err(self.pins.damage(snapshot.address, reason).into());
        }
        self.pins.at(snapshot.address, &snapshot.root)
    }

    /// Returns the pin of an entry that [`Store::each_pin`] of this store has passed.
    ///
    /// # Errors
    /// [`PinError::Damaged`] if the pin is damaged or missing.
    pub fn pin(&self, entry: &CatalogueEntry) -> Result<FrozenPin, PinError> {
        self.pins.at(entry.address, &entry.hash)
    }

    /// Calls `visit` for each durable pin, after all pins that it refers to. Reads the catalogue
    /// and no body.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub fn each_pin(&self, mut visit: impl FnMut(&CatalogueEntry)) -> Result<(), StoreReadError> {
        self.pins.each_entry(|entry| {
            visit(entry);
            Ok(())
        })
    }

    /// Returns the counts of the pins that were written since the store was opened.
    pub fn written_pins(&self) -> Arc<WrittenPins> {
        Arc::clone(self.pins.written())
    }

    /// Makes durable all pins that were frozen before the call. Other threads may freeze pins in
    /// the meantime.
    ///
    /// # Errors
    /// [`PinError::Full`] and [`PinError::Failed`].
    pub fn commit_pins(&self) -> Result<(), PinError> {
        self.pins.commit()?;
        Ok(())
    }

    /// Writes a snapshot: the pin `root` holds the state after the event `covers`.
    ///
    /// First makes everything durable that the snapshot needs. The previous snapshot stays valid
    /// until the new one is durable. Then removes the snapshots that [`StoreSettings::retention`] does not
    /// keep.
    ///
    /// # Errors
    /// See [`SnapshotError`]; the previous snapshot then stays the newest.
    pub fn write_snapshot(&self, root: &FrozenPin, covers: Seq) -> Result<Snapshot, SnapshotError> {
        let mut snapshots = self.snapshots.lock();
        snapshots.check_order(covers)?;
        if !Arc::ptr_eq(root.space(), self.space()) {
            let path = self.context.disk.path(snapshots::DIR);
            return Err(SnapshotError::UnknownRoot { path, root: root.hash().into() });
        }
        let groups = self.pins.commit()?;
        self.log.wait_durable(covers)?;
        Ok(snapshots.write(root, covers, groups, |since| self.log.bytes_since(since.next().0))?)
    }

    /// Returns all snapshots, newest first, after the removal of others is durable: a snapshot that
    /// reappeared after a crash might have lost its pins.
    ///
    /// # Errors
    /// The damage of a snapshot whose pins are unknown, or an error of the file system.
    pub(crate) fn durable_snapshots(&self) -> Result<Vec<Snapshot>, StoreReadError> {
        self.snapshots.lock().durable_list()
    }

    /// Returns the pins.
    pub(crate) fn pins(&self) -> &PinStore {
        &self.pins
    }

    /// Returns the log.
    pub(crate) fn log(&self) -> &EventLog {
        &self.log
    }

    /// Returns what all parts of the store share.
    pub(crate) fn context(&self) -> &StoreContext {
        &self.context
    }

    /// Whether this is a fork whose machine has no effects outside until it is attached.
    ///
    /// # Errors
    /// As the file system reports.
    pub fn is_detached(&self) -> Result<bool, DiskError> {
        detached::is_detached(self.context.disk.as_ref())
    }

    /// Lets the machine of a fork have effects outside, durably. Does nothing for another store.
    ///
    /// # Errors
    /// [`LogError::Full`] and [`LogError::Failed`].
    pub fn attach(&self) -> Result<(), LogError> {
        detached::attach(&self.context)
    }

    /// Returns the intact snapshots, newest first.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.snapshots.lock().list()
    }

    /// Keeps the bytes of an input that no event can be made of. The input is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`LogError::Full`] and [`LogError::Failed`]; the input was not kept.
    pub fn set_aside(&self, payload: &[u8]) -> Result<SetAsideId, LogError> {
        Ok(self.set_aside.lock().add(payload)?)
    }

    /// Keeps an input that another store has set aside, under its id. The input is durable when
    /// this returns.
    ///
    /// # Errors
    /// Like [`Store::set_aside`].
    pub(crate) fn restore_set_aside(&self, record: &SetAsideRecord) -> Result<(), LogError> {
        Ok(self.set_aside.lock().restore(record)?)
    }

    /// Reads the inputs that were set aside and not removed.
    ///
    /// # Errors
    /// [`StoreReadError::Disk`]. Damage of single inputs is part of the result.
    pub fn set_aside_inputs(&self) -> Result<SetAsideList, StoreReadError> {
        Ok(self.set_aside.lock().read()?)
    }

    /// Removes inputs that were set aside, and returns how many there were. Ids without an input are
    /// ignored, so that a replay may remove the same input again.
    ///
    /// # Errors
    /// [`SnapshotError::Disk`].
    pub fn remove_set_aside(&self, ids: &[SetAsideId]) -> Result<usize, SnapshotError> {
        Ok(self.set_aside.lock().remove(ids)?)
    }

    /// Removes the log segments whose events are all covered by the oldest snapshot. Removes
    /// nothing before there is a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Disk`]; the segments removed so far stay removed.
    pub fn prune(&self) -> Result<PrunedLog, SnapshotError> {
        let snapshots = self.snapshots.lock();
        match snapshots.oldest() {
            Some(oldest) => self.log.prune(oldest.covers.next().0),
            None => Ok(PrunedLog::default()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The threads that waited have received the error; no other caller can receive it.
        let _ = self.close_parts();
    }
}
