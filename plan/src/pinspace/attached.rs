//! The pin spaces that a heap may point into, and first_damage that it has come upon in them.
//!
//! A damaged pin that is read counts as the pin of 0 until the work on the heap notices: the heap
//! interrupts itself, and whatever it computed meanwhile is thrown away
//! ([`AttachedSpaces::unless_damaged`]).

use super::range::{self, Owner, SLOTS, is_frozen};
use super::record;
use super::space::PinSpace;
use crate::interrupt::Interrupt;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// A pin is not what was written. Nothing that the heap holds may be used any more.
#[derive(Clone, Debug)]
pub struct DamagedPin {
    /// Where the pin is: file and offset, if it is in a file.
    pub place: Arc<str>,
}

/// The slots of the pin range that the last full collection unreported words into.
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

    /// Notes the slot of an address, if it is a frozen one.
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

/// The pin spaces that a heap may point into.
#[derive(Default)]
pub struct AttachedSpaces {
    attached: Vec<Arc<PinSpace>>,
    pub(crate) referenced: ReferencedSlots,
    /// The address of a damaged record that was read and not been reported; 0 if there is none.
    unreported: Cell<usize>,
    /// Where the first damaged pin is that was reported.
    first_damage: OnceCell<Arc<str>>,
}

impl AttachedSpaces {
    /// Keeps a pin space as long as the heap may point into it.
    pub(crate) fn attach(&mut self, space: &Arc<PinSpace>) {
        if !self.attached.iter().any(|attached| Arc::ptr_eq(attached, space)) {
            self.attached.push(Arc::clone(space));
        }
    }

    /// Lets go of the pin spaces that the last full collection unreported no word into.
    pub fn detach_unreferenced(&mut self) {
        let owners: Vec<Owner> = self.referenced.iter().filter_map(range::owner_of).collect();
        self.attached.retain(|space| owners.contains(&space.owner()));
    }

    /// Whether the record of a frozen pin is whole: checks it at the first read. True for a pin of
    /// the heap. If it is damaged, that is noted, and the work on the heap is interrupted.
    #[inline(always)]
    pub(crate) fn is_intact(&self, pin: usize, interrupt: &Interrupt) -> bool {
        !is_frozen(pin) || range::is_verified(pin) || self.first_read(pin, interrupt)
    }

    #[cold]
    #[inline(never)]
    fn first_read(&self, pin: usize, interrupt: &Interrupt) -> bool {
        // SAFETY: a heap that has a word to a frozen pin holds its pin space, which keeps the slot.
        let is_intact = unsafe { record::verify(pin) };
        if !is_intact {
            self.unreported.set(pin);
            interrupt.set();
        }
        is_intact
    }

    /// Whether a damaged pin has been read, now or earlier.
    #[inline]
    pub fn has_damage(&self) -> bool {
        self.unreported.get() != 0 || self.first_damage.get().is_some()
    }

    /// Fails if a damaged pin has been read: then and from then on.
    ///
    /// # Errors
    /// [`DamagedPin`].
    pub fn check(&self, interrupt: &Interrupt) -> Result<(), DamagedPin> {
        let address = self.unreported.take();
        if address != 0 {
            // The work may have ended before it was interrupted.
            let _ = interrupt.is_due();
            let space = self.attached.iter().find(|space| space.contains(address));
            let place = space.map(|space| space.backing().name(address));
            let place = place.unwrap_or_else(|| format!("address {address:#x}"));
            // If another one was reported before, that one stays.
            let _ = self.first_damage.set(place.into());
        }
        match self.first_damage.get() {
            Some(place) => Err(DamagedPin { place: Arc::clone(place) }),
            None => Ok(()),
        }
    }
}
