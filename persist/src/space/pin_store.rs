//! The pins of an open store: body files mapped at the addresses of their slots.
//!
//! A record is verified by reading its file through [`DiskFile`] before its mapping is used.
//!
//! The file of a simulated disk cannot be mapped. Its slot maps a *mirror* instead: a file in
//! memory that is filled when the store is opened and receives every later record.
//!
//! # Safety
//!
//! The module maps memory that outlives any borrow. Its invariant: *a mapped body file is written
//! only where no pin is, after the end of its slot or in a gap of the last collection; it is never
//! truncated while it is mapped; and no other process writes it*. The lock on the store's directory
//! guarantees the last part: only its holder opens or collects the store. No code reads a gap,
//! because no pin there can be found and no pin refers to one. `collect::background` argues this for
//! a collection of an open store, which makes gaps of pins that were in use before.
//!
//! The second invariant: *a pin is read only at an address that the catalogue, the index or a
//! snapshot of this store gives for it*. The catalogue and the snapshots are checked, so a pin was
//! stored at each of their addresses. The index is not checked. An address from a damaged page of it
//! could point into a bar whose bytes imitate a record; but the record must then have the requested
//! hash, and a check for exactly this address, which a program cannot observe. A store's files are
//! trusted like the program: a user who can forge them can change the program's state anyway.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use plan::pinspace::nameless;
use plan::pinspace::range::{SLOT_SIZE, SLOTS};
use plan::pinspace::{
    BackingError, FrozenPin, NewPin, PinFault, PinSpace, PinSpaceBacking, PinSpaceId, RangeError,
    RangeSlot, SlotFile, SlotReader,
};

use super::body::{self, BodyFile};
use super::catalogue::CatalogueEntry;
use super::pin_files::{PinFiles, PinTable};
use super::survey::PinSurvey;
use crate::context::StoreContext;
use crate::disk::{BLOCK, DiskFile, DiskLock};
use crate::error::{CreateError, OpenError, PinError, StoreDamage, StoreReadError};
use crate::health::WriteError;
use crate::types::PinHash;

/// The first slot that a new store may choose. It chooses between this slot and the slots of
/// images; settings can request a lower slot.
const FIRST_SLOT: usize = 64;

/// The number of bytes that are copied into a mirror in one step.
const COPY: usize = 1 << 20;

/// The pins of a store, in mapped files.
///
/// The files stay open, and the store stays locked, as long as a pin is held.
pub(crate) struct PinStore {
    mapping: Arc<StoreMapping>,
    space: Arc<PinSpace>,
}

/// The files of a store and the slots in which their bodies are mapped.
struct StoreMapping {
    files: PinFiles,
    // A thread that holds both has locked the table of `files` first.
    slots: Mutex<Vec<MappedSlot>>,
    owner: PinSpaceId,
    written: Arc<WrittenPins>,
    context: StoreContext,
    /// The last field, so that the lock is released after everything else is dropped.
    _lock: Arc<dyn DiskLock>,
}

/// The pins that were written since the store was opened. Any thread may read the counts.
#[derive(Default, Debug)]
pub struct WrittenPins {
    count: AtomicU64,
    bytes: AtomicU64,
}

impl WrittenPins {
    /// Returns the count of pins.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns the bytes of their bodies.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A slot and the body file that is mapped in it.
pub(super) struct MappedSlot {
    slot: RangeSlot,
    mirror: Option<File>,
}

/// The backing of the store's pin space.
struct StoreBacking(Arc<StoreMapping>);

impl PinStore {
    /// Creates the pins of a new store, in the given slot or in one chosen at random.
    pub(crate) fn create(
        context: &StoreContext,
        slot: Option<usize>,
        lock: Arc<dyn DiskLock>,
    ) -> Result<Self, CreateError> {
        let owner = PinSpaceId::new();
        let slot = match slot {
            Some(slot) => RangeSlot::claim(Some(slot), owner),
            // A random slot, so that two stores can usually be open in one process.
            None => {
                let offset = usize::from(context.store[0]) % (SLOTS / 2 - FIRST_SLOT);
                RangeSlot::claim_from(FIRST_SLOT + offset, owner)
            }
        };
        let range = |reason| CreateError::Range { path: context.disk.path(""), reason };
        let slot = slot.map_err(range)?;
        let files = PinFiles::create(context.clone(), slot.number())?;
        Self::assemble(context, files, vec![slot], owner, lock).map_err(range)
    }

    /// Returns the counts of the pins that were written since the store was opened.
    pub(crate) fn written(&self) -> &Arc<WrittenPins> {
        &self.mapping.written
    }

    /// Opens the pins that were surveyed. Claims the slots before it changes anything on disk.
    pub(crate) fn resume(
        context: &StoreContext,
        survey: PinSurvey,
        lock: Arc<dyn DiskLock>,
    ) -> Result<Self, OpenError> {
        let owner = PinSpaceId::new();
        let range = |reason| OpenError::Range { path: context.disk.path(""), reason };
        let claim = |body: &BodyFile| RangeSlot::claim(Some(body.slot), owner);
        let slots: Result<Vec<_>, _> = survey.bodies().iter().map(claim).collect();
        let slots = slots.map_err(range)?;
        Self::assemble(context, survey.resume()?, slots, owner, lock).map_err(range)
    }

    fn assemble(
        context: &StoreContext,
        files: PinFiles,
        slots: Vec<RangeSlot>,
        owner: PinSpaceId,
        lock: Arc<dyn DiskLock>,
    ) -> Result<Self, RangeError> {
        let table = files.table().lock();
        // SAFETY: the store's lock is held until after the slots are dropped. `StoreBacking`
        // writes records only after the end of a slot or in a gap, and nothing truncates a body
        // file of an open store.
        let map = |(slot, body)| unsafe { MappedSlot::map(slot, body, context) };
        let slots = slots.into_iter().zip(&table.bodies).map(map).collect::<Result<Vec<_>, _>>()?;
        slots.iter().for_each(|mapped| mapped.slot.expect_random());
        drop(table);
        let (slots, context) = (Mutex::new(slots), context.clone());
        let mapping = Arc::new(StoreMapping {
            files,
            slots,
            owner,
            written: Arc::default(),
            context,
            _lock: lock,
        });
        let space = PinSpace::new(StoreBacking(Arc::clone(&mapping)));
        Ok(Self { mapping, space })
    }

    /// Sets the size above which a body file does not grow, in bytes.
    pub(crate) fn set_body_limit(&self, bytes: u64) {
        self.mapping.table().set_body_limit(bytes.min(SLOT_SIZE as u64));
    }

    /// Returns the pin space in which pins are frozen and found.
    pub(crate) fn space(&self) -> &Arc<PinSpace> {
        &self.space
    }

    /// Returns the pin at an address from this store's catalogue or from a snapshot.
    ///
    /// # Errors
    /// [`PinError::Damaged`] if there is no intact pin with this hash.
    pub(crate) fn at(&self, address: u64, hash: &PinHash) -> Result<FrozenPin, PinError> {
        // SAFETY: by the second invariant of this module.
        let found = unsafe { find_pin(&self.space, address, hash) };
        found.map_err(|reason| self.damage(address, reason).into())
    }

    /// Describes the damage of the pin at an address.
    pub(crate) fn damage(&self, address: u64, reason: String) -> StoreDamage {
        let (path, offset) = self.mapping.locate(address);
        body::body_damage(path, offset, reason)
    }

    /// See [`PinFiles::commit`].
    pub(crate) fn commit(&self) -> Result<u64, WriteError> {
        self.mapping.files.commit()
    }

    /// See [`PinFiles::each_entry`].
    pub(crate) fn each_entry(
        &self,
        visit: impl FnMut(&CatalogueEntry) -> Result<(), StoreReadError>,
    ) -> Result<(), StoreReadError> {
        self.mapping.files.each_entry(visit)
    }

    /// Returns the open files.
    pub(crate) fn files(&self) -> &PinFiles {
        &self.mapping.files
    }

    /// See [`PinFiles::close`].
    pub(crate) fn close(&self) -> Result<(), WriteError> {
        self.mapping.files.close()
    }
}

/// The reason for damage where another pin, or none, is found in place of the one that is wanted.
pub(crate) const NOT_AS_WRITTEN: &str = "the pin at this offset is not the one that was written";

/// Returns the pin at an address if it is intact and has the given hash.
///
/// # Errors
/// The reason why it cannot be used.
///
/// # Safety
/// As for [`PinSpace::at`].
pub(super) unsafe fn find_pin(
    space: &Arc<PinSpace>,
    address: u64,
    hash: &PinHash,
) -> Result<FrozenPin, String> {
    let address = usize::try_from(address).map_err(|_| NOT_AS_WRITTEN)?;
    // SAFETY: by this function's contract.
    let found = unsafe { space.at(address) }.map_err(|fault| match fault {
        PinFault::Absent | PinFault::Mismatch => NOT_AS_WRITTEN.to_owned(),
        fault => format!("the pin at this offset: {fault}"),
    })?;
    if found.hash().as_bytes() == hash { Ok(found) } else { Err(NOT_AS_WRITTEN.into()) }
}

/// Reads a body file to verify records.
struct BodyReader(Arc<dyn DiskFile>);

impl SlotReader for BodyReader {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

impl MappedSlot {
    /// Maps a body file in its slot and allows reading up to the file's end.
    ///
    /// # Safety
    /// As long as the result exists, the file must not be truncated, and bytes before the slot's
    /// end must not be written unless they are in a gap without pins. Nothing that was mapped in
    /// the slot before may be in use.
    pub(super) unsafe fn map(
        mut slot: RangeSlot,
        body: &BodyFile,
        context: &StoreContext,
    ) -> Result<Self, RangeError> {
        let mirror = match body.file.mappable() {
            Some(_) => None,
            None => Some(create_mirror(body)?),
        };
        let mappable = body.file.mappable();
        let Some(file) = mirror.as_ref().or(mappable.as_ref().map(|it| it.file())) else {
            unreachable!("a file without a mapping has a mirror")
        };
        let reader = Arc::new(BodyReader(Arc::clone(&body.file)));
        let contents = SlotFile { path: Some(context.disk.path(&body.name)), reader };
        // SAFETY: the caller guarantees it for the body file. A mirror is only written by
        // `StoreBacking::keep`, after the slot's end or in a gap, and truncated only to simulate
        // another process that does so.
        unsafe { slot.map(file, contents) }?;
        let length = file.metadata().map_err(RangeError::Map)?.len();
        // SAFETY: the file has at least that many bytes, and does not change below the body's end.
        unsafe { slot.set_end(length.min(body.end) as usize) };
        Ok(Self { slot, mirror })
    }
}

/// Creates a file in memory with the contents of a body file. Blocks that cannot be read are zero:
/// the records in them fail when they are verified.
fn create_mirror(body: &BodyFile) -> Result<File, RangeError> {
    let file = nameless()?;
    let end = body.file.len().map_err(RangeError::Map)?.min(body.end);
    file.set_len(end).map_err(RangeError::Map)?;
    let copy = |at: u64, size: u64| {
        let mut piece = vec![0; (end - at).min(size) as usize];
        body.file.read_at(at, &mut piece).map(|()| file.write_all_at(&piece, at))
    };
    for at in (0..end).step_by(COPY) {
        if let Ok(written) = copy(at, COPY as u64) {
            written.map_err(RangeError::Map)?;
            continue;
        }
        for at in (at..end.min(at + COPY as u64)).step_by(BLOCK as usize) {
            copy(at, BLOCK).unwrap_or(Ok(())).map_err(RangeError::Map)?;
        }
    }
    body.file.attach_mirror(&file);
    Ok(file)
}

impl StoreMapping {
    fn table(&self) -> MutexGuard<'_, PinTable> {
        self.files.table().lock()
    }

    /// Returns the body file of an address and the offset in it.
    fn locate(&self, address: u64) -> (PathBuf, u64) {
        let (slot, offset) = body::locate(address);
        (self.context.disk.path(&body::file_name(slot)), offset)
    }

    /// Claims and maps another slot with a new body file, which becomes the one to fill.
    fn add_slot(&self, table: &mut PinTable) -> Result<(), BackingError> {
        let last = table.bodies.last().map_or(0, |body| body.slot);
        let slot = RangeSlot::claim_from(last + 1, self.owner)?;
        let body = table.add_slot(slot.number())?;
        // SAFETY: as in `PinStore::assemble`; the slot was just claimed and is not in use.
        let mapped = unsafe { MappedSlot::map(slot, body, &self.context) }?;
        mapped.slot.expect_random();
        self.slots.lock().push(mapped);
        Ok(())
    }
}

// SAFETY: `place` and `find` return addresses of records in files that are mapped in slots of
// `owner`. The slots stay claimed as long as `StoreMapping` lives. `keep` writes a record before
// the slot's end allows reading it, or into a gap before anyone knows its address; and by the
// module's invariant the files are written nowhere else. A pin is only removed by
// `collect::background`, after a survey.
unsafe impl PinSpaceBacking for StoreBacking {
    fn owner(&self) -> PinSpaceId {
        self.0.owner
    }

    fn find(&mut self, hash: &plan::Hash) -> Result<Option<usize>, BackingError> {
        let found = self.0.table().find(hash.as_bytes())?;
        Ok(found.map(|address| address as usize))
    }

    fn may_use(&mut self, address: usize) -> bool {
        self.0.table().may_use(address as u64)
    }

    fn place(&mut self, bytes: usize) -> Result<usize, BackingError> {
        if !PinTable::fits_in_slot(bytes) {
            let path = self.0.context.disk.path("");
            let (length, limit) = (bytes as u64, SLOT_SIZE as u64);
            return Err(PinError::TooLarge { path, length, limit }.into());
        }
        let table = &mut *self.0.table();
        if table.find_space(bytes)?.is_none() {
            self.0.add_slot(table)?;
        }
        Ok(table.find_space(bytes)?.ok_or("a new slot has no room")? as usize)
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError> {
        let table = &mut *self.0.table();
        let entry = CatalogueEntry {
            hash: *pin.hash.as_bytes(),
            address: pin.address as u64,
            bytes: pin.record.len() as u64,
            edges: pin.edges.iter().map(|edge| *edge as u64).collect(),
        };
        let slots = self.0.slots.lock();
        let (number, _) = body::locate(entry.address);
        let mapped = slots.iter().rev().find(|mapped| mapped.slot.number() == number);
        let Some(MappedSlot { slot, mirror }) = mapped else {
            unreachable!("`place` returned an address in a mapped slot")
        };
        let at = pin.address - slot.address();
        if let Some(mirror) = mirror {
            mirror.write_all_at(pin.record, at as u64)?;
        }
        table.insert(pin.record, &entry)?;
        // A gap may reach a little beyond the end of the last record before it was freed.
        #[allow(unsafe_code, reason = "lets the record be read")]
        // SAFETY: the record has just been written up to there, and is not changed while it is in use.
        unsafe {
            slot.set_end(at + pin.record.len());
        }
        self.0.written.add(entry.bytes);
        Ok(())
    }
}

impl Drop for StoreMapping {
    fn drop(&mut self) {
        // `Store::close` reports errors; a drop cannot report one.
        let _ = self.files.close();
    }
}
