//! Bodies mapped at their addresses.
//!
//! # Safety
//!
//! This is the one module of the crate with unsafe code. Its invariant: *a file of bodies is
//! written only where there is no pin, behind the end of its slot or in a gap of the last collection;
//! while it is mapped it is never cut short; and it is written only by us*: whoever has the pin
//! space open, or collects in it, holds the lock on its directory. Nobody looks into a gap: no pin there
//! is found, and no pin refers to one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use vm::pinspace::{Backing, BackingError, NewPin, Owner, PinSpace, RangeError, Slot};

use super::bodies::Body;
use super::catalogue::Entry;
use super::files::{self, Files};
use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{CreateError, DiskError, OpenError, PinError, ReadError};
use crate::format_file::{self, PIN_SPACE};
use crate::health::Health;
use crate::journal::Home;
use crate::lock::lock;
use crate::opening;

/// Why a pin space on disk was not created or opened.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// Its files could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// Its files are not to be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its files cannot be mapped.
    #[error("{}: {source}", path.display())]
    Range {
        /// Its directory.
        path: PathBuf,
        /// What is in the way.
        source: RangeError,
    },
}

/// A pin space in a directory.
///
/// It stays open as long as anyone holds a pin in it.
pub struct PinFiles {
    keeper: Arc<Mutex<Mapped>>,
    space: Arc<PinSpace>,
}

/// The files, and the slots in which their bodies are mapped.
struct Mapped {
    files: Files,
    slots: Vec<Slot>,
    owner: Owner,
    /// Last, so that it is let go when all else is done.
    _lock: Box<dyn DiskLock>,
}

/// What the pin space keeps its pins with.
struct Keeper(Arc<Mutex<Mapped>>);

impl PinFiles {
    /// Creates a pin space in a directory that is empty or does not exist.
    ///
    /// # Errors
    /// See [`SpaceError`].
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, SpaceError> {
        let dir = dir.as_ref();
        let owner = Owner::new();
        let range = |source| SpaceError::Range { path: dir.into(), source };
        let failed = |error| DiskError::new(dir.into(), "create", error);
        let disk: Arc<dyn Disk> =
            Arc::new(RealDisk::make(dir).map_err(|error| CreateError::Disk(failed(error)))?);
        let lock = opening::lock_new(disk.as_ref())?;
        if let Some(name) = disk.list("").map_err(|e| CreateError::Disk(failed(e)))?.first() {
            return Err(CreateError::Foreign { path: disk.path(name) }.into());
        }
        let slot = Slot::claim(None, owner).map_err(range)?;
        let random = disk.random().map_err(|error| CreateError::Disk(failed(error)))?;
        let store = crate::frame::array(&random, 0);
        let home = Home { disk, store, health: Arc::new(Health::default()) };
        files::make_dirs(&home).map_err(CreateError::Disk)?;
        let refused = |error| opening::not_created(error);
        let files = Files::create(home.clone(), slot.number()).map_err(refused)?;
        let identity = format_file::encode(PIN_SPACE, store);
        home.publish("", format_file::NAME, &identity).map_err(refused)?;
        Self::assemble(files, vec![slot], owner, lock).map_err(range)
    }

    /// Opens a pin space.
    ///
    /// # Errors
    /// See [`SpaceError`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, SpaceError> {
        let dir = dir.as_ref();
        let owner = Owner::new();
        let range = |source| SpaceError::Range { path: dir.into(), source };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(dir));
        let lock = opening::lock_existing(disk.as_ref())?;
        let store = opening::read_format(disk.as_ref(), PIN_SPACE)?;
        let files = Files::open(Home { disk, store, health: Arc::new(Health::default()) })?;
        let claim = |body: &Body| Slot::claim(Some(body.slot), owner);
        let slots: Result<Vec<_>, _> = files.bodies.iter().map(claim).collect();
        Self::assemble(files, slots.map_err(range)?, owner, lock).map_err(range)
    }

    fn assemble(
        files: Files,
        mut slots: Vec<Slot>,
        owner: Owner,
        lock: Box<dyn DiskLock>,
    ) -> Result<Self, RangeError> {
        for (slot, body) in slots.iter_mut().zip(&files.bodies) {
            map(slot, body)?;
        }
        let keeper = Arc::new(Mutex::new(Mapped { files, slots, owner, _lock: lock }));
        let space = PinSpace::new(Keeper(Arc::clone(&keeper)));
        Ok(Self { keeper, space })
    }

    /// What pins are frozen into and found in.
    pub fn space(&self) -> &Arc<PinSpace> {
        &self.space
    }

    /// Makes durable all pins that have been frozen so far.
    ///
    /// # Errors
    /// [`PinError::Full`], [`PinError::Failed`].
    pub fn commit(&self) -> Result<(), PinError> {
        lock(&self.keeper).files.commit()
    }

    /// Visits all pins that are durable, each after those that it refers to. Reads the catalogue
    /// alone, and no body.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn each_entry(&self, mut visit: impl FnMut(&Entry)) -> Result<(), ReadError> {
        lock(&self.keeper).files.each_entry(|entry| {
            visit(entry);
            Ok(())
        })
    }

    /// Makes everything durable, index included, so that the next opening has nothing to do.
    /// Dropping the last holder does the same, but cannot report an error.
    ///
    /// # Errors
    /// As for [`PinFiles::commit`].
    pub fn close(self) -> Result<(), PinError> {
        lock(&self.keeper).files.close()
    }
}

/// Maps a file of bodies in its slot.
fn map(slot: &mut Slot, body: &Body) -> Result<(), RangeError> {
    let Some(file) = body.file.as_file() else {
        return Err(RangeError::Map(std::io::Error::from(std::io::ErrorKind::Unsupported)));
    };
    // SAFETY: by the module's invariant; the slot has just been claimed.
    unsafe { slot.map(file) }?;
    let end = file.metadata().map_err(RangeError::Map)?.len().min(body.end);
    slot.set_end(end as usize);
    Ok(())
}

// SAFETY: addresses are those of records in files that are mapped in our slots, which stay claimed as
// long as `Mapped` lives. A record is written before the slot's end allows reading it, or before anyone
// knows its address, in a gap; and the files are written nowhere else.
unsafe impl Backing for Keeper {
    fn owner(&self) -> Owner {
        lock(&self.0).owner
    }

    fn find(&mut self, hash: &vm::Hash) -> Result<Option<usize>, BackingError> {
        let found = lock(&self.0).files.find(hash.as_bytes())?;
        Ok(found.map(|address| address as usize))
    }

    fn place(&mut self, bytes: usize) -> Result<usize, BackingError> {
        let mapped = &mut *lock(&self.0);
        let limit = vm::pinspace::range::SLOT_SIZE as u64;
        if !Files::can_ever_place(bytes) {
            let path = mapped.files.home.disk.path("");
            return Err(PinError::TooLarge { path, length: bytes as u64, limit }.into());
        }
        if let Some(address) = mapped.files.place(bytes)? {
            return Ok(address as usize);
        }
        let mut slot = Slot::claim(None, mapped.owner)?;
        let body = mapped.files.add_slot(slot.number())?;
        map(&mut slot, body)?;
        mapped.slots.push(slot);
        let address = mapped.files.place(bytes)?;
        Ok(address.ok_or("a fresh slot has no room")? as usize)
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError> {
        let mapped = &mut *lock(&self.0);
        let entry = Entry {
            hash: *pin.hash.as_bytes(),
            address: pin.address as u64,
            bytes: pin.record.len() as u64,
            edges: pin.edges.iter().map(|edge| *edge as u64).collect(),
        };
        let grown = mapped.files.keep(pin.record, &entry)?;
        if let Some(slot) = mapped.slots.last().filter(|_| grown) {
            slot.set_end(pin.address - slot.address() + pin.record.len());
        }
        Ok(())
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Whoever wants to know of an error closes it.
        let _ = self.files.close();
    }
}
