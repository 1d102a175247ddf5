//! Body files: one per slot of the pin range, with a header and the records of pins.

use std::path::PathBuf;
use std::sync::Arc;

use plan::pinspace::range::{ALIGNMENT, BASE, SLOT_SIZE, SLOTS};

use super::catalogue::BodyEnd;
use super::layout::BODIES_DIR;
use crate::context::StoreContext;
use crate::disk::DiskFile;
use crate::encoding::{check, u32_at};
use crate::error::{DiskError, OpenError, StoreDamage};
use crate::health::WriteError;

/// The first bytes of a body file.
pub(crate) const BODY_MAGIC: [u8; 8] = *b"PALLASBD";
/// The length of a body file's header, in bytes.
pub(crate) const BODY_HEADER: usize = 64;
const VERSION: u32 = 1;

/// One open body file.
pub(crate) struct BodyFile {
    pub(crate) slot: usize,
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The offset after the last record.
    pub(crate) end: u64,
    /// Whether the file was written since its last flush.
    pub(crate) dirty: bool,
}

/// Returns the address of an offset in a slot's file.
pub(crate) fn address(slot: usize, offset: u64) -> u64 {
    (BASE + slot * SLOT_SIZE) as u64 + offset
}

/// Returns the slot of an address in the pin range, and the offset in the slot's file.
pub(crate) fn locate(address: u64) -> (usize, u64) {
    let offset = address.wrapping_sub(BASE as u64);
    ((offset / SLOT_SIZE as u64) as usize, offset % SLOT_SIZE as u64)
}

/// Returns the path of a slot's file.
pub(crate) fn file_name(slot: usize) -> String {
    format!("{BODIES_DIR}/{slot:03}.body")
}

/// Parses a file name (without directory) and returns the slot.
pub(crate) fn slot_of(name: &str) -> Option<usize> {
    let digits = name.strip_suffix(".body").filter(|digits| digits.len() == 3)?;
    digits.parse().ok().filter(|slot| *slot < SLOTS)
}

fn header(context: &StoreContext, slot: usize) -> [u8; BODY_HEADER] {
    let mut bytes = [0; BODY_HEADER];
    bytes[..8].copy_from_slice(&BODY_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&context.store);
    bytes[32..40].copy_from_slice(&(slot as u64).to_le_bytes());
    let check = check(&bytes[..48]);
    bytes[48..].copy_from_slice(&check);
    bytes
}

/// Describes damage in a body file.
pub(crate) fn body_damage(path: PathBuf, offset: u64, reason: impl Into<String>) -> StoreDamage {
    let advice = "restore this file from a copy; if `pallas check` finds an older snapshot whole, \
                  `pallas start --from-snapshot` starts from it";
    StoreDamage { path, offset, reason: reason.into(), advice: advice.into() }
}

impl BodyFile {
    /// Creates the file of a slot.
    pub(crate) fn create(context: &StoreContext, slot: usize) -> Result<Self, WriteError> {
        let name = file_name(slot);
        let file = context.publish(BODIES_DIR, &name, &header(context, slot))?;
        Ok(Self { slot, name, file, end: BODY_HEADER as u64, dirty: false })
    }

    /// Opens the file of a slot and checks its header. Sets `end` to the end of the file.
    ///
    /// # Errors
    /// [`OpenError::Damaged`], [`OpenError::Version`] and [`OpenError::Disk`].
    pub(crate) fn open(context: &StoreContext, slot: usize) -> Result<Self, OpenError> {
        let name = file_name(slot);
        let path = context.disk.path(&name);
        let failed = |action| {
            let path = path.clone();
            move |error| OpenError::Disk(DiskError::new(path, action, error))
        };
        let damaged = |reason: &str| {
            Err(OpenError::Damaged { damage: body_damage(path.clone(), 0, reason), usable: vec![] })
        };
        let file = context.disk.open(&name).map_err(failed("open"))?;
        let end = file.len().map_err(failed("read"))?;
        if end < BODY_HEADER as u64 {
            return damaged("the file ends within its header");
        }
        let mut bytes = [0; BODY_HEADER];
        file.read_at(0, &mut bytes).map_err(failed("read"))?;
        let found = u32_at(&bytes, 8);
        if bytes[..8] == BODY_MAGIC && found != VERSION {
            return Err(OpenError::Version { path, found, supported: VERSION });
        }
        if bytes != header(context, slot) {
            return damaged("the file's header belongs to another store or slot");
        }
        Ok(Self { slot, name, file, end, dirty: false })
    }
}

/// Lists the slots that have a body file, ascending.
pub(crate) fn list_slots(context: &StoreContext) -> Result<Vec<usize>, DiskError> {
    Ok(context.list(BODIES_DIR)?.iter().filter_map(|name| slot_of(name)).collect())
}

/// Opens all body files. The file in which the records end is the last in the result.
///
/// # Errors
/// See [`OpenError`].
pub(crate) fn open_all(context: &StoreContext, end: BodyEnd) -> Result<Vec<BodyFile>, OpenError> {
    let slots = list_slots(context)?;
    let damaged = |name: &str, offset, reason: &str| {
        let damage = body_damage(context.disk.path(name), offset, reason);
        Err(OpenError::Damaged { damage, usable: vec![] })
    };
    let mut bodies = slots
        .into_iter()
        .map(|slot| BodyFile::open(context, slot))
        .collect::<Result<Vec<_>, _>>()?;
    if end.offset == 0 {
        // Nothing was ever committed: the first file is the one to fill.
        bodies.truncate(1);
        bodies.iter_mut().for_each(|body| body.end = BODY_HEADER as u64);
        if bodies.is_empty() {
            return damaged(BODIES_DIR, 0, "the directory holds no file of pins");
        }
        return Ok(bodies);
    }
    let last = bodies.iter().position(|body| body.slot as u64 == end.slot);
    let Some(last) = last.map(|last| bodies.remove(last)) else {
        let name = usize::try_from(end.slot).map(file_name).unwrap_or_else(|_| BODIES_DIR.into());
        return damaged(&name, 0, "the file in which the pins end is missing");
    };
    if last.end.next_multiple_of(ALIGNMENT as u64) < end.offset {
        return damaged(&last.name, last.end, "the file ends before the last pin does");
    }
    bodies.push(BodyFile { end: end.offset, ..last });
    Ok(bodies)
}
