//! Bodies mapped for looking at a store that is not open.
//!
//! # Safety
//!
//! As for [`super::mapped`]: whoever looks holds the store's lock, and nothing is written.

use std::sync::Arc;

use vm::pinspace::{Backing, BackingError, Frozen, NewPin, Owner, PinSpace, Slot};

use super::body::{self, Body};
use super::mapped::{Mapping, map};
use crate::Hash;
use crate::error::{Damage, DiskError, OpenError};
use crate::journal::Home;

/// The pins of a store, for reading.
pub(crate) struct PinLook {
    space: Arc<PinSpace>,
    /// Files that cannot be read at all.
    pub(crate) damaged: Vec<Damage>,
}

/// Keeps the slots.
struct Reader {
    owner: Owner,
    _slots: Vec<Mapping>,
}

impl PinLook {
    /// Maps all files of bodies whose headers are whole.
    pub(crate) fn open(home: &Home) -> Result<Self, OpenError> {
        let owner = Owner::new();
        let (mut slots, mut damaged) = (Vec::new(), Vec::new());
        for slot in body::slots(home)? {
            match Body::open(home, slot) {
                Ok(body) => {
                    let claimed = Slot::claim(Some(slot), owner).and_then(|slot| map(slot, &body));
                    let range = |source| OpenError::Range { path: home.disk.path(""), source };
                    slots.push(claimed.map_err(range)?);
                }
                Err(OpenError::Damaged { damage, .. }) => damaged.push(damage),
                Err(OpenError::Version { path, found, .. }) => {
                    let reason = format!("the file says that it is of version {found}");
                    damaged.push(body::damage(path, 8, reason));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Self { space: PinSpace::new(Reader { owner, _slots: slots }), damaged })
    }

    /// The pin at that address, if it is whole and the one of that hash.
    pub(crate) fn at(&self, address: u64, hash: &Hash) -> Option<Frozen> {
        let found = self.space.at(usize::try_from(address).ok()?)?;
        (found.hash().as_bytes() == hash).then_some(found)
    }
}

/// How many bytes the files of bodies have.
pub(crate) fn lengths(home: &Home) -> Result<Vec<u64>, DiskError> {
    let length = |slot| {
        let name = body::name(slot);
        let length = home.disk.open(&name).and_then(|file| file.len());
        length.map_err(|error| home.error(&name, "read", error))
    };
    body::slots(home)?.into_iter().map(length).collect()
}

// SAFETY: no address is given out but of what is mapped in our slots, which stay claimed.
unsafe impl Backing for Reader {
    fn owner(&self) -> Owner {
        self.owner
    }

    fn find(&mut self, _: &vm::Hash) -> Result<Option<usize>, BackingError> {
        Ok(None)
    }

    fn place(&mut self, _: usize) -> Result<usize, BackingError> {
        Err("the store is only looked at".into())
    }

    fn keep(&mut self, _: NewPin<'_>) -> Result<(), BackingError> {
        Err("the store is only looked at".into())
    }
}
