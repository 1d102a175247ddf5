//! Bodies mapped at their addresses.
//!
//! A file of the simulated disk cannot be mapped. Its slot has a *mirror* then, a file in memory that
//! is filled when the store is opened and gets every record that the file gets.
//!
//! # Safety
//!
//! Its invariant: *what is mapped in a slot is written only where there is no pin, behind the end of
//! the slot or in a gap of the last collection; it is never cut short while it is mapped; and it is written
//! only by us*: whoever has the store open, or collects in it, holds the lock on its directory.
//! Nobody looks into a gap: no pin there is found, and none refers to one.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use vm::pinspace::nameless;
use vm::pinspace::range::{SLOT_SIZE, SLOTS};
use vm::pinspace::{Backing, BackingError, Frozen, NewPin, Owner, PinSpace, RangeError, Slot};

use super::body::{self, Body};
use super::catalogue::Entry;
use super::files::{Files, PinSurvey, Pins};
use crate::disk::DiskLock;
use crate::error::{CreateError, Damage, OpenError, PinError, ReadError};
use crate::health::WriteError;
use crate::journal::Home;
use crate::lock::lock;
use crate::opening::not_created;

/// A store takes its first slot among those from this one up to where images begin; those below are
/// for stores whose settings ask for one.
const FIRST_SLOT: usize = 64;

/// Bytes that are copied at once into a mirror.
const COPY: usize = 1 << 20;

/// The pins of a store, in files that are mapped.
///
/// They stay open, and the store locked, as long as anyone holds a pin in them.
pub(crate) struct MappedPins {
    mapped: Arc<Mapped>,
    space: Arc<PinSpace>,
}

/// The files, and the slots in which their bodies are mapped.
struct Mapped {
    pins: Pins,
    // Where both are held, the files are taken first.
    slots: Mutex<Vec<Mapping>>,
    owner: Owner,
    home: Home,
    /// Last, so that it is let go when all else is done.
    _lock: Arc<dyn DiskLock>,
}

/// A slot with the bodies that are mapped in it.
pub(super) struct Mapping {
    slot: Slot,
    mirror: Option<File>,
}

/// What the pin space keeps its pins with.
struct Keeper(Arc<Mapped>);

impl MappedPins {
    /// Begins the pins of a new store, in that slot if one is asked for.
    pub(crate) fn create(
        home: &Home,
        slot: Option<usize>,
        lock: Arc<dyn DiskLock>,
    ) -> Result<Self, CreateError> {
        let owner = Owner::new();
        let slot = match slot {
            Some(slot) => Slot::claim(Some(slot), owner),
            // Chosen by chance, so that two stores can mostly be open together.
            None => {
                let chance = usize::from(home.store[0]) % (SLOTS / 2 - FIRST_SLOT);
                Slot::claim_from(FIRST_SLOT + chance, owner)
            }
        };
        let range = |source| CreateError::Range { path: home.disk.path(""), source };
        let slot = slot.map_err(range)?;
        let pins = Pins::create(home.clone(), slot.number()).map_err(not_created)?;
        Self::assemble(home, pins, vec![slot], owner, lock).map_err(range)
    }

    /// Takes up what the survey found. Nothing on disk is changed before the slots are had.
    pub(crate) fn resume(
        home: &Home,
        survey: PinSurvey,
        lock: Arc<dyn DiskLock>,
    ) -> Result<Self, OpenError> {
        let owner = Owner::new();
        let range = |source| OpenError::Range { path: home.disk.path(""), source };
        let claim = |body: &Body| Slot::claim(Some(body.slot), owner);
        let slots: Result<Vec<_>, _> = survey.bodies().iter().map(claim).collect();
        let slots = slots.map_err(range)?;
        Self::assemble(home, survey.resume()?, slots, owner, lock).map_err(range)
    }

    fn assemble(
        home: &Home,
        pins: Pins,
        slots: Vec<Slot>,
        owner: Owner,
        dir_lock: Arc<dyn DiskLock>,
    ) -> Result<Self, RangeError> {
        let files = lock(pins.files());
        let mapped = slots.into_iter().zip(&files.bodies).map(|(slot, body)| map(slot, body));
        let slots = mapped.collect::<Result<Vec<_>, _>>()?;
        slots.iter().for_each(|mapping| mapping.slot.expect_random());
        drop(files);
        let (slots, home) = (Mutex::new(slots), home.clone());
        let mapped = Arc::new(Mapped { pins, slots, owner, home, _lock: dir_lock });
        let space = PinSpace::new(Keeper(Arc::clone(&mapped)));
        Ok(Self { mapped, space })
    }

    /// Goes on in another slot before a file of bodies would be longer than that.
    pub(crate) fn set_limit(&self, bytes: u64) {
        self.mapped.files().limit = bytes.min(SLOT_SIZE as u64);
    }

    /// What pins are frozen into and found in.
    pub(crate) fn space(&self) -> &Arc<PinSpace> {
        &self.space
    }

    /// The pin at that address, which must be the one of that hash.
    pub(crate) fn at(&self, address: u64, hash: &crate::Hash) -> Result<Frozen, PinError> {
        let found = usize::try_from(address).ok().and_then(|address| self.space.at(address));
        let found = found.filter(|found| found.hash().as_bytes() == hash);
        found.ok_or_else(|| self.mapped.damage(address).into())
    }

    /// The damage of the pin at an address.
    pub(crate) fn damage(&self, address: u64) -> Damage {
        self.mapped.damage(address)
    }

    /// See [`Pins::commit`].
    pub(crate) fn commit(&self) -> Result<u64, WriteError> {
        self.mapped.pins.commit()
    }

    /// Visits all pins that are durable, each after those that it refers to. Reads the catalogue
    /// alone, and no body.
    pub(crate) fn each_entry(
        &self,
        visit: impl FnMut(&Entry) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.mapped.pins.each_entry(visit)
    }

    /// Makes everything durable, index included, so that the next opening has nothing to do.
    pub(crate) fn close(&self) -> Result<(), WriteError> {
        self.mapped.pins.close()
    }
}

/// Maps a file of bodies in its slot, up to its end.
pub(super) fn map(mut slot: Slot, body: &Body) -> Result<Mapping, RangeError> {
    let mirror = match body.file.as_file() {
        Some(_) => None,
        None => Some(mirror(body)?),
    };
    let Some(file) = mirror.as_ref().or(body.file.as_file()) else {
        unreachable!("there is one or the other")
    };
    // SAFETY: by the module's invariant; the slot has just been claimed.
    unsafe { slot.map(file) }?;
    let length = file.metadata().map_err(RangeError::Map)?.len();
    slot.set_end(length.min(body.end) as usize);
    Ok(Mapping { slot, mirror })
}

/// A file in memory with what a file of bodies has.
fn mirror(body: &Body) -> Result<File, RangeError> {
    let file = nameless()?;
    let end = body.file.len().map_err(RangeError::Map)?.min(body.end);
    let mut at = 0;
    while at < end {
        let mut piece = vec![0; (end - at).min(COPY as u64) as usize];
        body.file.read_at(at, &mut piece).map_err(RangeError::Map)?;
        file.write_all_at(&piece, at).map_err(RangeError::Map)?;
        at += piece.len() as u64;
    }
    Ok(file)
}

impl Mapped {
    fn files(&self) -> MutexGuard<'_, Files> {
        lock(self.pins.files())
    }

    /// Where an address is on disk.
    fn place(&self, address: u64) -> (PathBuf, u64) {
        let (slot, offset) = body::place(address);
        (self.home.disk.path(&body::name(slot)), offset)
    }

    /// The damage of the pin there.
    fn damage(&self, address: u64) -> Damage {
        let (path, offset) = self.place(address);
        body::damage(path, offset, "the pin that stands here is not the one that was written")
    }

    /// Claims, makes and maps another file, that goes on where the others end.
    fn add_slot(&self, files: &mut Files) -> Result<(), BackingError> {
        let last = files.bodies.last().map_or(0, |body| body.slot);
        let slot = Slot::claim_from(last + 1, self.owner)?;
        let body = files.add_slot(slot.number())?;
        let mapping = map(slot, body)?;
        mapping.slot.expect_random();
        lock(&self.slots).push(mapping);
        Ok(())
    }
}

// SAFETY: addresses are those of records in files that are mapped in our slots, which stay claimed as
// long as `Mapped` lives. A record is written before the slot's end allows reading it, or into a gap before
// anyone knows its address; and the files are written nowhere else.
unsafe impl Backing for Keeper {
    fn owner(&self) -> Owner {
        self.0.owner
    }

    fn find(&mut self, hash: &vm::Hash) -> Result<Option<usize>, BackingError> {
        let found = self.0.files().find(hash.as_bytes())?;
        Ok(found.map(|address| address as usize))
    }

    fn place(&mut self, bytes: usize) -> Result<usize, BackingError> {
        if !Files::can_ever_place(bytes) {
            let path = self.0.home.disk.path("");
            let (length, limit) = (bytes as u64, SLOT_SIZE as u64);
            return Err(PinError::TooLarge { path, length, limit }.into());
        }
        let files = &mut *self.0.files();
        if files.place(bytes)?.is_none() {
            self.0.add_slot(files)?;
        }
        Ok(files.place(bytes)?.ok_or("a fresh slot has no room")? as usize)
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError> {
        let files = &mut *self.0.files();
        let entry = Entry {
            hash: *pin.hash.as_bytes(),
            address: pin.address as u64,
            bytes: pin.record.len() as u64,
            edges: pin.edges.iter().map(|edge| *edge as u64).collect(),
        };
        let slots = lock(&self.0.slots);
        let (number, _) = body::place(entry.address);
        let mapping = slots.iter().rev().find(|mapping| mapping.slot.number() == number);
        let Some(Mapping { slot, mirror }) = mapping else {
            unreachable!("a place is in a slot of ours")
        };
        let at = pin.address - slot.address();
        if let Some(mirror) = mirror {
            mirror.write_all_at(pin.record, at as u64)?;
        }
        if files.keep(pin.record, &entry)? {
            slot.set_end(at + pin.record.len());
        }
        Ok(())
    }

    fn name(&self, address: usize) -> String {
        let (path, offset) = self.0.place(address as u64);
        format!("{}, byte {offset}", path.display())
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Whoever wants to know of an error closes the store.
        let _ = self.pins.close();
    }
}
