//! Files of bodies, one to a slot: a header, then records.

use std::sync::Arc;

use vm::pinspace::range::ALIGNMENT;

use super::BODIES_DIR;
use super::catalogue::End;
use crate::disk::DiskFile;
use crate::error::{Damage, DiskError, OpenError};
use crate::frame::{VERSION, short, u32_at};
use crate::health::WriteError;
use crate::journal::Home;

const BODY_MAGIC: [u8; 8] = *b"PALLASBD";
/// Bytes before the first record of a file of bodies.
pub(crate) const BODY_HEADER: usize = 64;

/// One file of bodies.
pub(crate) struct Body {
    pub(crate) slot: usize,
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The offset behind the last record.
    pub(crate) end: u64,
    /// Whether it was written to since it was last flushed.
    pub(crate) dirty: bool,
}

impl Body {
    pub(crate) fn name(slot: usize) -> String {
        format!("{BODIES_DIR}/{slot:03}.body")
    }

    /// The slot that a file of this name (without directory) belongs to.
    fn slot(name: &str) -> Option<usize> {
        let digits = name.strip_suffix(".body").filter(|digits| digits.len() == 3)?;
        digits.parse().ok()
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

    pub(crate) fn create(home: &Home, slot: usize) -> Result<Self, WriteError> {
        let name = Self::name(slot);
        let file = home.publish(BODIES_DIR, &name, &Self::header(home, slot))?;
        Ok(Self { slot, name, file, end: BODY_HEADER as u64, dirty: false })
    }

    fn open(home: &Home, slot: usize) -> Result<Self, OpenError> {
        let name = Self::name(slot);
        let failed = |action| {
            let path = home.disk.path(&name);
            move |error| OpenError::Disk(DiskError::new(path, action, error))
        };
        let refused = |reason: &str| {
            let damage = damage(home.disk.path(&name), 0, reason.into());
            Err(OpenError::Damaged { damage, usable: vec![] })
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
            let path = home.disk.path(&name);
            return Err(OpenError::Version { path, found, supported: VERSION });
        }
        if bytes != Self::header(home, slot) {
            return refused("the file's header is not that of these pins");
        }
        Ok(Self { slot, name, file, end, dirty: false })
    }
}

/// The slots that have files, ascending.
pub(crate) fn slots(home: &Home) -> Result<Vec<usize>, DiskError> {
    let failed = |error| home.error(BODIES_DIR, "list", error);
    let names = home.disk.list(BODIES_DIR).map_err(failed)?;
    Ok(names.iter().filter_map(|name| Body::slot(name)).collect())
}

/// Opens all files of bodies, the one in which they end last.
pub(crate) fn open_bodies(home: &Home, end: End) -> Result<Vec<Body>, OpenError> {
    let slots = slots(home)?.into_iter();
    let mut bodies = slots.map(|slot| Body::open(home, slot)).collect::<Result<Vec<_>, _>>()?;
    if end.offset == 0 {
        // Nothing was ever committed: it goes on in the first file.
        bodies.truncate(1);
        bodies.iter_mut().for_each(|body| body.end = BODY_HEADER as u64);
        return Ok(bodies);
    }
    let last = bodies.iter().position(|body| body.slot as u64 == end.slot);
    let Some(last) = last.map(|last| bodies.remove(last)) else {
        let path = home.disk.path(&Body::name(end.slot as usize));
        let damage = damage(path, 0, "the file in which the pins end is missing".into());
        return Err(OpenError::Damaged { damage, usable: vec![] });
    };
    if last.end.next_multiple_of(ALIGNMENT as u64) < end.offset {
        let path = home.disk.path(&last.name);
        let damage = damage(path, last.end, "the file ends before the last pin does".into());
        return Err(OpenError::Damaged { damage, usable: vec![] });
    }
    bodies.push(Body { end: end.offset, ..last });
    Ok(bodies)
}

pub(crate) fn damage(path: std::path::PathBuf, offset: u64, reason: String) -> Damage {
    Damage { path, offset, reason, advice: "restore this file from a copy".into() }
}
