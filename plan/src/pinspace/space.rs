//! [`PinSpace`]: a store of frozen pins, and [`FrozenPin`]: one of its pins.

use super::fault::PinFault;
use super::range::{self, PinSpaceId};
use super::record;
use super::references::{HeapReferences, SpaceUsers};
use crate::digest::Hash;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The version of the format of frozen pins: see `FORMAT.md`.
pub const FORMAT_VERSION: u32 = 1;

/// An error of the backing of a pin space.
pub type BackingError = Box<dyn std::error::Error + Send + Sync>;

/// A pin to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewPin<'a> {
    /// The pin's hash.
    pub hash: &'a Hash,
    /// The address that [`PinSpaceBacking::place`] returned for it.
    pub address: usize,
    /// The bytes of its record.
    pub record: &'a [u8],
    /// The addresses of the pins that it refers to, each once, ascending.
    pub edges: &'a [usize],
}

/// Stores the bytes of a pin space, and finds pins by hash. The pin space calls it under a lock.
///
/// # Safety
/// An address that the backing has returned, from [`place`](PinSpaceBacking::place) once the pin is
/// stored or from [`find`](PinSpaceBacking::find), must be in a [`RangeSlot`](super::RangeSlot)
/// that was claimed for [`owner`](PinSpaceBacking::owner), below its end, until the backing is
/// dropped. Once a pin is stored, its bytes must be readable there and not change, as long as the
/// pin is in use.
///
/// A pin may be in use until a survey ([`PinSpace::begin_survey`]) shows that it is not: the pins
/// in use are those that the survey lists, those that `find`, [`may_use`](PinSpaceBacking::may_use)
/// or `place` returned or allowed since it began, and all that these reach. From then on neither
/// `find` nor `may_use` may return or allow any other.
///
/// [`find`](PinSpaceBacking::find) may also return a wrong address, for instance from a stale index,
/// if that address satisfies the contract of [`PinSpace::at`] for a pin with the requested hash.
pub unsafe trait PinSpaceBacking: Send {
    /// Returns the owner of the slots that the pins are in.
    fn owner(&self) -> PinSpaceId;

    /// Returns the address of the pin with that hash, if there is one.
    ///
    /// # Errors
    /// If the search fails.
    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, BackingError>;

    /// Whether the pin at this address may be used: false if the backing has removed it. A backing
    /// that removes no pins allows all.
    fn may_use(&mut self, address: usize) -> bool {
        let _ = address;
        true
    }

    /// Returns an address at which `bytes` bytes can be stored: a multiple of [`range::ALIGNMENT`].
    /// The next call returns it again if nothing is stored there.
    ///
    /// # Errors
    /// If there is no space.
    fn place(&mut self, bytes: usize) -> Result<usize, BackingError>;

    /// Stores a pin at the address that [`place`](PinSpaceBacking::place) returned last.
    ///
    /// # Errors
    /// If the pin cannot be stored. Nothing has changed then.
    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError>;
}

/// Returns the address of the pin with that hash, if the backing has it undamaged. A pin that is
/// damaged or cannot be found counts as absent, so that a freeze writes it again.
pub(crate) fn find_intact(backing: &mut dyn PinSpaceBacking, hash: &Hash) -> Option<usize> {
    let owner = Some(backing.owner());
    // The backing's index may be stale, so the address may be any number.
    let is_match = |address: &usize| {
        range::is_frozen(*address)
            && range::owner(*address) == owner
            && record::verify(*address).is_ok()
            // SAFETY: the slot belongs to the backing, which keeps it claimed until it is dropped,
            // and which is borrowed here.
            && record::hash(unsafe { range::words(*address, record::LINE_WORDS) }) == *hash
    };
    backing.find(hash).ok().flatten().filter(is_match)
}

/// A store of frozen pins. It lives as long as a heap or a [`FrozenPin`] refers to it.
pub struct PinSpace {
    owner: PinSpaceId,
    backing: Mutex<Box<dyn PinSpaceBacking>>,
    users: SpaceUsers,
}

impl PinSpace {
    /// Creates the pin space of a backing.
    pub fn new(backing: impl PinSpaceBacking + 'static) -> Arc<PinSpace> {
        let owner = backing.owner();
        let (backing, users) = (Mutex::new(Box::new(backing) as Box<_>), SpaceUsers::default());
        Arc::new(PinSpace { owner, backing, users })
    }

    pub(crate) fn backing(&self) -> MutexGuard<'_, Box<dyn PinSpaceBacking>> {
        self.backing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the pin with that hash, if it is here and intact.
    ///
    /// # Errors
    /// If the search fails, or the file system fails to read the pin.
    pub fn find(self: &Arc<PinSpace>, hash: &Hash) -> Result<Option<FrozenPin>, BackingError> {
        // Locked until the result is registered: a survey cannot begin in between and miss it.
        let mut backing = self.backing();
        let Some(address) = backing.find(hash)? else { return Ok(None) };
        if !self.contains(address) {
            return Ok(None);
        }
        match record::verify(address) {
            Ok(()) => {
                // SAFETY: the contract of `PinSpaceBacking` covers the addresses that `find`
                // returns, and `verify` has just found a record there.
                let found = unsafe { self.at_unverified(address) };
                Ok(Some(found).filter(|found| found.hash() == *hash))
            }
            Err(PinFault::Unreadable(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Returns the pin at that address.
    ///
    /// The address may be any number. A record is recognised by its length and its check, which
    /// covers its address.
    ///
    /// # Errors
    /// If there is none, or it is damaged or cannot be read.
    ///
    /// # Safety
    /// A pin of this space was stored at the address, or no record that is intact by its check is
    /// there. (The bytes of a bar *inside* a record can imitate a record with invalid words.)
    pub unsafe fn at(self: &Arc<PinSpace>, address: usize) -> Result<FrozenPin, PinFault> {
        // Locked until the result is registered, as in `find`.
        let mut backing = self.backing();
        if !self.contains(address) || !backing.may_use(address) {
            return Err(PinFault::Absent);
        }
        record::verify(address)?;
        // SAFETY: `verify` has just found a record there.
        Ok(unsafe { self.at_unverified(address) })
    }

    /// Returns the pin at that address without verifying it. If it is damaged, the first evaluation
    /// that reads it finds so.
    ///
    /// # Safety
    /// The address is in a slot of this pin space, and the slot holds
    /// [`RECORD_WORDS`](super::RECORD_WORDS) words or more from there on. If pins are removed from
    /// this space, an attached heap refers to the pin, or the caller has the backing's lock.
    pub unsafe fn at_unverified(self: &Arc<PinSpace>, address: usize) -> FrozenPin {
        self.users.hold(address);
        FrozenPin { space: Arc::clone(self), address }
    }

    /// Begins a survey of the pins in use, which replaces one that was not finished. From now on
    /// each heap that is attached to this space reports its references once
    /// ([`Heap::survey_references`](crate::Heap::survey_references) or
    /// [`Heap::lend_references`](crate::Heap::lend_references)).
    pub fn begin_survey(&self) {
        // A result of `find` or `at` is registered under this lock.
        let _backing = self.backing();
        self.users.begin_survey();
    }

    /// Ends the survey. Returns the addresses of all pins, or of objects in pins, that heaps and
    /// [`FrozenPin`]s have referred to since it began, ascending. Returns `None` if a heap has not
    /// reported; then the survey goes on.
    ///
    /// The pins in use are those that the result lists or that the backing has returned since the
    /// survey began, and the pins that these reach.
    pub fn finish_survey(&self, reports: &[HeapReferences]) -> Option<Vec<usize>> {
        self.users.finish_survey(self.owner, reports)
    }

    /// Reads the record at that address from its file, and compares its check, even if it was
    /// verified before.
    ///
    /// # Errors
    /// Why the record cannot be used.
    pub fn check_file(&self, address: usize) -> Result<(), PinFault> {
        if self.contains(address) { record::check(address) } else { Err(PinFault::Absent) }
    }

    /// Forgets that the record at that address was verified: the next use verifies it again.
    pub fn forget_verified(&self, address: usize) {
        if self.contains(address) {
            range::clear_verified(address);
        }
    }

    /// Returns the users of the pins.
    pub(super) fn users(&self) -> &SpaceUsers {
        &self.users
    }

    /// Returns the owner of the slots that its pins are in.
    pub(crate) fn owner(&self) -> PinSpaceId {
        self.owner
    }

    /// Whether an address is in this pin space.
    pub(crate) fn contains(&self, address: usize) -> bool {
        range::is_frozen(address) && range::owner(address) == Some(self.owner)
    }
}

impl fmt::Debug for PinSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinSpace({:?})", self.owner)
    }
}

/// A frozen pin, held outside of any heap. It can be sent to other threads.
#[derive(Debug)]
pub struct FrozenPin {
    space: Arc<PinSpace>,
    address: usize,
}

impl Clone for FrozenPin {
    fn clone(&self) -> FrozenPin {
        self.space.users.hold(self.address);
        FrozenPin { space: Arc::clone(&self.space), address: self.address }
    }
}

impl Drop for FrozenPin {
    fn drop(&mut self) {
        self.space.users.release(self.address);
    }
}

impl FrozenPin {
    /// The pin's hash.
    pub fn hash(&self) -> Hash {
        // SAFETY: `space` keeps the slot claimed.
        record::hash(unsafe { range::words(self.address, record::LINE_WORDS) })
    }

    /// Returns the pin's address: the same in every process that has its pin space open.
    pub fn address(&self) -> usize {
        self.address
    }

    /// Returns the pin space of the pin.
    pub fn space(&self) -> &Arc<PinSpace> {
        &self.space
    }
}
