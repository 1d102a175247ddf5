//! Files of bodies: one for each slot, a header and then records.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use vm::pinspace::range::{ALIGNMENT, BASE, SLOT_SIZE, SLOTS};

use super::BODIES_DIR;
use super::catalogue::End;
use crate::disk::DiskFile;
use crate::error::{Damage, DiskError, OpenError};
use crate::frame::{VERSION, short, u32_at};
use crate::health::WriteError;
use crate::journal::Home;

pub(crate) const BODY_MAGIC: [u8; 8] = *b"PALLASBD";
/// Bytes before the first record of a file of bodies.
pub(crate) const BODY_HEADER: usize = 64;

/// One file of bodies.
pub(crate) struct Body {
    pub(crate) slot: usize,
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The offset behind the last record.
    pub(crate) end: u64,
    /// Whether something was written to it since it was last flushed.
    pub(crate) dirty: bool,
}

/// The address of an offset in a slot's file.
pub(crate) fn address(slot: usize, offset: u64) -> u64 {
    (BASE + slot * SLOT_SIZE) as u64 + offset
}

/// The slot and the offset in its file of an address in the range.
pub(crate) fn place(address: u64) -> (usize, u64) {
    let offset = address.wrapping_sub(BASE as u64);
    ((offset / SLOT_SIZE as u64) as usize, offset % SLOT_SIZE as u64)
}

/// The name of a slot's file.
pub(crate) fn name(slot: usize) -> String {
    format!("{BODIES_DIR}/{slot:03}.body")
}

/// The slot that a file of this name (without directory) belongs to.
pub(crate) fn slot_of(name: &str) -> Option<usize> {
    let digits = name.strip_suffix(".body").filter(|digits| digits.len() == 3)?;
    digits.parse().ok().filter(|slot| *slot < SLOTS)
}

fn header(home: &Home, slot: usize) -> [u8; BODY_HEADER] {
    let mut bytes = [0; BODY_HEADER];
    bytes[..8].copy_from_slice(&BODY_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&home.store);
    bytes[32..40].copy_from_slice(&(slot as u64).to_le_bytes());
    let check = short(&blake3::hash(&bytes[..48]));
    bytes[48..].copy_from_slice(&check);
    bytes
}

/// Damage of a file of bodies.
pub(crate) fn damage(path: PathBuf, offset: u64, reason: impl Into<String>) -> Damage {
    Damage { path, offset, reason: reason.into(), advice: "restore this file from a copy".into() }
}

impl Body {
    /// Begins the file of a slot.
    pub(crate) fn create(home: &Home, slot: usize) -> Result<Self, WriteError> {
        let name = name(slot);
        let file = home.publish(BODIES_DIR, &name, &header(home, slot))?;
        Ok(Self { slot, name, file, end: BODY_HEADER as u64, dirty: false })
    }

    /// Opens the file of a slot. Its end is that of the file.
    pub(crate) fn open(home: &Home, slot: usize) -> Result<Self, OpenError> {
        let name = name(slot);
        let path = home.disk.path(&name);
        let failed = |action| {
            let path = path.clone();
            move |error| OpenError::Disk(DiskError::new(path, action, error))
        };
        let refused = |reason: &str| {
            Err(OpenError::Damaged { damage: damage(path.clone(), 0, reason), usable: vec![] })
        };
        let file = home.disk.open(&name).map_err(failed("open"))?;
        let end = file.len().map_err(failed("read"))?;
        if end < BODY_HEADER as u64 {
            return refused("the file ends within its header");
        }
        let mut bytes = [0; BODY_HEADER];
        file.read_at(0, &mut bytes).map_err(failed("read"))?;
        let found = u32_at(&bytes, 8);
        if bytes[..8] == BODY_MAGIC && found != VERSION {
            return Err(OpenError::Version { path, found, supported: VERSION });
        }
        if bytes != header(home, slot) {
            return refused("the file's header is not that of these pins");
        }
        Ok(Self { slot, name, file, end, dirty: false })
    }
}

/// The slots of the files that there are.
pub(crate) fn slots(home: &Home) -> Result<Vec<usize>, DiskError> {
    let names = home.disk.list(BODIES_DIR);
    let names = names.map_err(|error: io::Error| home.error(BODIES_DIR, "list", error))?;
    Ok(names.iter().filter_map(|name| slot_of(name)).collect())
}

/// Opens all files of bodies, the one in which they end last.
pub(crate) fn open_all(home: &Home, end: End) -> Result<Vec<Body>, OpenError> {
    let slots = slots(home)?;
    let refused = |name: &str, offset, reason: &str| {
        let damage = damage(home.disk.path(name), offset, reason);
        Err(OpenError::Damaged { damage, usable: vec![] })
    };
    let mut bodies =
        slots.into_iter().map(|slot| Body::open(home, slot)).collect::<Result<Vec<_>, _>>()?;
    if end.offset == 0 {
        // Nothing was ever committed: it goes on in the first file.
        bodies.truncate(1);
        bodies.iter_mut().for_each(|body| body.end = BODY_HEADER as u64);
        if bodies.is_empty() {
            return refused(BODIES_DIR, 0, "the directory holds no file of pins");
        }
        return Ok(bodies);
    }
    let last = bodies.iter().position(|body| body.slot as u64 == end.slot);
    let Some(last) = last.map(|last| bodies.remove(last)) else {
        let name = usize::try_from(end.slot).map(name).unwrap_or_else(|_| BODIES_DIR.into());
        return refused(&name, 0, "the file in which the pins end is missing");
    };
    if last.end.next_multiple_of(ALIGNMENT as u64) < end.offset {
        return refused(&last.name, last.end, "the file ends before the last pin does");
    }
    bodies.push(Body { end: end.offset, ..last });
    Ok(bodies)
}
