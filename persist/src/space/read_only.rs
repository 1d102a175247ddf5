//! The pins of a closed store, mapped for a check.
//!
//! # Safety
//!
//! The invariant of [`super::pin_store`] holds: the caller holds the store's lock, and nothing is
//! written.

use std::sync::Arc;

use plan::pinspace::{
    BackingError, FrozenPin, NewPin, PinSpace, PinSpaceBacking, PinSpaceId, RangeSlot,
};

use super::body::{self, BodyFile};
use super::pin_store::{MappedSlot, find_pin};
use crate::context::StoreContext;
use crate::error::{DiskError, OpenError, StoreDamage};
use crate::types::PinHash;

/// The pins of a closed store.
pub(crate) struct ReadOnlyPins {
    space: Arc<PinSpace>,
    /// The body files that cannot be read at all.
    pub(crate) damaged: Vec<StoreDamage>,
}

/// A backing that holds the slots and rejects new pins.
struct ReadOnlyBacking {
    owner: PinSpaceId,
    _slots: Vec<MappedSlot>,
}

impl ReadOnlyPins {
    /// Maps all body files with intact headers.
    pub(crate) fn open(context: &StoreContext) -> Result<Self, OpenError> {
        let owner = PinSpaceId::new();
        let (mut slots, mut damaged) = (Vec::new(), Vec::new());
        for slot in body::list_slots(context)? {
            match BodyFile::open(context, slot) {
                Ok(body) => {
                    // SAFETY: the store is locked, so no other code writes or truncates the file.
                    // The slot is claimed just before.
                    let map = |slot| unsafe { MappedSlot::map(slot, &body, context) };
                    let mapped = RangeSlot::claim(Some(slot), owner).and_then(map);
                    let range = |reason| OpenError::Range { path: context.disk.path(""), reason };
                    slots.push(mapped.map_err(range)?);
                }
                Err(OpenError::Damaged { damage, .. }) => damaged.push(damage),
                Err(OpenError::Version { path, found, .. }) => {
                    let reason = format!("the file has version {found}");
                    damaged.push(body::body_damage(path, 8, reason));
                }
                Err(OpenError::Disk(error)) if error.is_read() => {
                    damaged.push(body::body_damage(error.path.clone(), 0, error.reason()));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Self { space: PinSpace::new(ReadOnlyBacking { owner, _slots: slots }), damaged })
    }

    /// Returns the pin at an address from the store's catalogue, if it is intact and has the given
    /// hash.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(crate) fn at(&self, address: u64, hash: &PinHash) -> Result<FrozenPin, String> {
        // SAFETY: the catalogue is checked, so a pin was stored at this address.
        unsafe { find_pin(&self.space, address, hash) }
    }
}

/// Returns the lengths of all body files, in bytes.
pub(crate) fn body_lengths(context: &StoreContext) -> Result<Vec<u64>, DiskError> {
    let length = |slot| context.length(&body::file_name(slot));
    body::list_slots(context)?.into_iter().map(length).collect()
}

// SAFETY: no address is returned by `place` or `find`, and the mapped slots stay claimed.
unsafe impl PinSpaceBacking for ReadOnlyBacking {
    fn owner(&self) -> PinSpaceId {
        self.owner
    }

    fn find(&mut self, _: &plan::Hash) -> Result<Option<usize>, BackingError> {
        Ok(None)
    }

    fn place(&mut self, _: usize) -> Result<usize, BackingError> {
        Err("the store is open for reading only".into())
    }

    fn keep(&mut self, _: NewPin<'_>) -> Result<(), BackingError> {
        Err("the store is open for reading only".into())
    }
}
