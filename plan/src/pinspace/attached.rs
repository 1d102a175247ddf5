//! The pin spaces that a heap may point into, and the damage that it has found in them.
//!
//! A damaged pin reads as the pin of 0 until the work on the heap notices: the heap interrupts
//! itself, and its results are discarded ([`AttachedSpaces::check`]).

use super::range::{self, PinSpaceId, SLOTS, is_frozen};
use super::record;
use super::space::PinSpace;
use crate::interrupt::Interrupt;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// The bytes of a pin are not those that were written. The heap must not be used any more.
#[derive(Clone, Debug)]
pub struct DamagedPin {
    /// The file and offset of the pin, or its address if it is in no file.
    pub place: Arc<str>,
}

/// The slots of the pin range that the last full collection found references to.
pub(crate) struct ReferencedSlots([u64; SLOTS / 64]);

impl Default for ReferencedSlots {
    fn default() -> ReferencedSlots {
        ReferencedSlots([0; SLOTS / 64])
    }
}

impl ReferencedSlots {
    pub(crate) fn clear(&mut self) {
        self.0 = [0; SLOTS / 64];
    }

    /// Records the slot of an address, if the address is in the pin range.
    #[inline]
    pub(crate) fn note(&mut self, address: usize) {
        if is_frozen(address) {
            let slot = range::slot_of(address);
            self.0[slot / 64] |= 1 << (slot % 64);
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        (0..SLOTS).filter(|slot| self.0[slot / 64] >> (slot % 64) & 1 == 1)
    }
}

/// The pin spaces that a heap may point into. It keeps them alive.
#[derive(Default)]
pub struct AttachedSpaces {
    attached: Vec<Arc<PinSpace>>,
    pub(crate) referenced: ReferencedSlots,
    /// The address of a damaged record that was read and has not been reported; 0 if there is none.
    unreported: Cell<usize>,
    /// The place of the first damaged pin that was reported.
    first_damage: OnceCell<Arc<str>>,
}

impl AttachedSpaces {
    /// Keeps a pin space alive while the heap may point into it.
    pub(crate) fn attach(&mut self, space: &Arc<PinSpace>) {
        if !self.attached.iter().any(|attached| Arc::ptr_eq(attached, space)) {
            self.attached.push(Arc::clone(space));
        }
    }

    /// Releases the pin spaces that the last full collection found no reference to.
    pub fn detach_unreferenced(&mut self) {
        let owners: Vec<PinSpaceId> = self.referenced.iter().filter_map(range::owner_of).collect();
        self.attached.retain(|space| owners.contains(&space.owner()));
    }

    /// Whether a pin is intact: verifies the record of a frozen pin on its first read, and is true
    /// for a pin of the heap. Damage is recorded, and interrupts the work on the heap.
    #[inline(always)]
    pub(crate) fn is_intact(&self, pin: usize, interrupt: &Interrupt) -> bool {
        !is_frozen(pin) || range::is_verified(pin) || self.first_read(pin, interrupt)
    }

    #[cold]
    #[inline(never)]
    fn first_read(&self, pin: usize, interrupt: &Interrupt) -> bool {
        // SAFETY: a heap with a reference to a frozen pin keeps its pin space alive, which keeps
        // the slot claimed.
        let is_intact = unsafe { record::verify(pin) };
        if !is_intact {
            self.unreported.set(pin);
            interrupt.set();
        }
        is_intact
    }

    /// Whether a damaged pin has been read since the heap was created.
    #[inline]
    pub fn has_damage(&self) -> bool {
        self.unreported.get() != 0 || self.first_damage.get().is_some()
    }

    /// Fails if a damaged pin has been read since the heap was created.
    ///
    /// # Errors
    /// [`DamagedPin`].
    pub fn check(&self, interrupt: &Interrupt) -> Result<(), DamagedPin> {
        let address = self.unreported.take();
        if address != 0 {
            // The work may have ended before it saw the interrupt, which must not stop the next
            // work.
            let _ = interrupt.is_due();
            let space = self.attached.iter().find(|space| space.contains(address));
            let place = space.map(|space| space.backing().name(address));
            let place = place.unwrap_or_else(|| format!("address {address:#x}"));
            // The first damage that was reported stays.
            let _ = self.first_damage.set(place.into());
        }
        match self.first_damage.get() {
            Some(place) => Err(DamagedPin { place: Arc::clone(place) }),
            None => Ok(()),
        }
    }
}
