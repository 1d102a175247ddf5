//! The pin spaces that a heap may point into, and the damage that it has found in them.
//!
//! A damaged pin reads as the pin of 0 until the work on the heap notices: the heap interrupts
//! itself, and its results are discarded ([`AttachedSpaces::check`]). The same happens when a page
//! of a pin that was verified is lost ([`crate::page_fault`]).

use super::fault::PinFault;
use super::range::{self, PinSpaceId, SLOTS, is_frozen};
use super::record;
use super::references::HeapReferences;
use super::space::PinSpace;
use crate::interrupt::Interrupt;
use crate::page_fault::{self, HeapWatch};
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// A pin that a heap has read cannot be used. The heap must not be used any more.
#[derive(Debug, thiserror::Error)]
#[error(
    "the pin at {place} is damaged: {fault}; check the disk, and the store with `pallas check`, and \
     restore the file from a copy"
)]
pub struct DamagedPin {
    /// The file and offset of the pin or page, or the pin's address if it is in no file.
    pub place: String,
    /// Why it cannot be used.
    pub fault: PinFault,
}

impl DamagedPin {
    /// Returns the damage of the pin at an address.
    pub(crate) fn at(pin: usize, fault: PinFault) -> DamagedPin {
        DamagedPin { place: range::describe(pin), fault }
    }
}

/// The frozen objects that the last full collection found references to.
pub(crate) struct FrozenReferences {
    /// A bit for each slot of the pin range.
    slots: [u64; SLOTS / 64],
    /// Their addresses, if they are recorded.
    addresses: Option<Vec<usize>>,
    /// The length of `addresses` at which duplicates are removed.
    compact_at: usize,
}

/// The least count of recorded addresses at which duplicates are removed.
const COMPACT_MINIMUM: usize = 1 << 16;

impl Default for FrozenReferences {
    fn default() -> FrozenReferences {
        FrozenReferences { slots: [0; SLOTS / 64], addresses: None, compact_at: COMPACT_MINIMUM }
    }
}

impl FrozenReferences {
    pub(crate) fn clear(&mut self) {
        self.slots = [0; SLOTS / 64];
        self.addresses.iter_mut().for_each(Vec::clear);
    }

    /// Records the slot of an address, if the address is in the pin range.
    #[inline]
    pub(crate) fn note(&mut self, address: usize) {
        if is_frozen(address) {
            let slot = range::slot_of(address);
            self.slots[slot / 64] |= 1 << (slot % 64);
            if self.addresses.is_some() {
                self.record(address);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn record(&mut self, address: usize) {
        let Some(addresses) = &mut self.addresses else { return };
        addresses.push(address);
        if addresses.len() >= self.compact_at {
            addresses.sort_unstable();
            addresses.dedup();
            self.compact_at = (2 * addresses.len()).max(COMPACT_MINIMUM);
        }
    }

    fn slots(&self) -> impl Iterator<Item = usize> {
        (0..SLOTS).filter(|slot| self.slots[slot / 64] >> (slot % 64) & 1 == 1)
    }
}

/// A pin space that a heap may point into.
struct AttachedSpace {
    space: Arc<PinSpace>,
    /// The number of this attachment in the space's list of users. `None` for a thread that reads
    /// values of another heap: what it refers to is in use by that heap, which does not report
    /// references meanwhile.
    number: Option<u64>,
    /// The number of page faults before it was attached. A page that was lost earlier is noticed
    /// when a record on it is verified.
    since: u64,
}

impl Drop for AttachedSpace {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.space.users().detach(number);
        }
    }
}

/// The pin spaces of a heap, for a thread that reads its values: each with the number of page
/// faults before it was attached.
pub(crate) struct ReaderSpaces(Vec<(Arc<PinSpace>, u64)>);

/// The pin spaces that a heap may point into. It keeps them alive.
#[derive(Default)]
pub struct AttachedSpaces {
    attached: Vec<AttachedSpace>,
    pub(crate) referenced: FrozenReferences,
    /// The first damaged pin that was read, or the first page that was lost.
    damage: OnceCell<Arc<DamagedPin>>,
    /// The number of page faults up to which no page of the attached spaces was lost.
    faults_seen: Cell<u64>,
    /// The request to be interrupted when a page is lost; `None` before a space is attached.
    watch: Option<HeapWatch>,
}

impl AttachedSpaces {
    /// Keeps a pin space alive while the heap may point into it. `interrupt` is the heap's.
    pub(crate) fn attach(&mut self, space: &Arc<PinSpace>, interrupt: &Interrupt) {
        if !self.attached.iter().any(|attached| Arc::ptr_eq(&attached.space, space)) {
            let since = page_fault::count();
            let number = space.users().attach();
            self.attached.push(AttachedSpace {
                space: Arc::clone(space),
                number: Some(number),
                since,
            });
            self.watch.get_or_insert_with(|| page_fault::watch(interrupt.flag()));
            self.watch_attached();
        }
    }

    /// Returns the same spaces for a thread that reads values of this heap through a heap of its
    /// own.
    pub(crate) fn for_reader(&self) -> ReaderSpaces {
        let attached = self.attached.iter();
        ReaderSpaces(attached.map(|at| (Arc::clone(&at.space), at.since)).collect())
    }

    /// Attaches the spaces of another heap, whose values this thread reads. `interrupt` is this
    /// heap's.
    pub(crate) fn attach_for_reader(&mut self, spaces: ReaderSpaces, interrupt: &Interrupt) {
        let attached = spaces.0.into_iter();
        self.attached.extend(attached.map(|(space, since)| AttachedSpace {
            space,
            number: None,
            since,
        }));
        self.watch.get_or_insert_with(|| page_fault::watch(interrupt.flag()));
        self.watch_attached();
    }

    /// Releases the pin spaces that the last full collection found no reference to.
    pub fn detach_unreferenced(&mut self) {
        let owners: Vec<PinSpaceId> = self.referenced.slots().filter_map(range::owner_of).collect();
        self.attached.retain(|attached| owners.contains(&attached.space.owner()));
        self.watch_attached();
    }

    /// Makes the next full collection record all references to frozen objects. Returns the number of
    /// the survey of the space to which they belong.
    pub(crate) fn record_references(&mut self, space: &PinSpace) -> u64 {
        self.referenced.addresses.get_or_insert_default();
        space.users().survey()
    }

    /// Returns the references to a pin space that the last full collection recorded for a survey, and
    /// records no more.
    pub(crate) fn take_references(&mut self, space: &Arc<PinSpace>, survey: u64) -> HeapReferences {
        let mut addresses = self.referenced.addresses.take().unwrap_or_default();
        self.referenced.compact_at = COMPACT_MINIMUM;
        addresses.retain(|address| space.contains(*address));
        addresses.sort_unstable();
        addresses.dedup();
        let attached = self.attached.iter().find(|it| Arc::ptr_eq(&it.space, space));
        let number = attached.and_then(|it| it.number);
        HeapReferences::new(space.owner(), survey, number, addresses)
    }

    /// Returns a report of this heap for the current survey of a space, without addresses.
    pub(crate) fn empty_report(&self, space: &Arc<PinSpace>) -> HeapReferences {
        let attached = self.attached.iter().find(|it| Arc::ptr_eq(&it.space, space));
        let number = attached.and_then(|it| it.number);
        HeapReferences::new(space.owner(), space.users().survey(), number, Vec::new())
    }

    fn watch_attached(&self) {
        if let Some(watch) = &self.watch {
            watch.set_owners(self.attached.iter().map(|attached| attached.space.owner().number()));
        }
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
        let Err(fault) = record::verify(pin) else { return true };
        // A page that was lost comes first: it is the reason why the pin is verified again.
        if !self.has_damage() {
            self.damage.get_or_init(|| Arc::new(DamagedPin::at(pin, fault)));
        }
        interrupt.set();
        false
    }

    /// Whether a damaged pin has been read, or a page been lost, since the heap was created.
    #[inline]
    pub fn has_damage(&self) -> bool {
        self.damage.get().is_some() || self.has_lost_page()
    }

    #[inline]
    fn has_lost_page(&self) -> bool {
        page_fault::count() != self.faults_seen.get() && self.find_lost_page()
    }

    #[cold]
    #[inline(never)]
    fn find_lost_page(&self) -> bool {
        let count = page_fault::count();
        let mut attached = self.attached.iter();
        let lost = attached.find_map(|AttachedSpace { space, since, .. }| {
            page_fault::lost_since(space.owner().number(), *since)
        });
        match lost {
            Some(place) => {
                let fault = PinFault::LostPage;
                self.damage.get_or_init(|| Arc::new(DamagedPin { place, fault }));
            }
            None => self.faults_seen.set(count),
        }
        self.damage.get().is_some()
    }

    /// Fails if a damaged pin has been read, or a page been lost, since the heap was created.
    ///
    /// # Errors
    /// [`DamagedPin`].
    pub fn check(&self, interrupt: &Interrupt) -> Result<(), Arc<DamagedPin>> {
        if !self.has_damage() {
            return Ok(());
        }
        // The work may have ended before it saw the interrupt, which must not stop the next work.
        let _ = interrupt.is_due();
        self.damage.get().map_or(Ok(()), |damage| Err(Arc::clone(damage)))
    }
}
