//! [`PinSpace`]: a place where pins are frozen, and [`Frozen`]: one of its pins.

use super::in_memory::InMemoryBacking;
use super::range::{self, Owner, RangeError};
use super::record;
use crate::digest::Hash;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The version of the form that frozen pins have: see `FORMAT.md`.
pub const FORMAT_VERSION: u32 = 1;

/// Why what keeps the bytes of a pin space did not do its part.
pub type BackingError = Box<dyn std::error::Error + Send + Sync>;

/// A pin to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewPin<'a> {
    /// Its hash.
    pub hash: &'a Hash,
    /// Its address.
    pub address: usize,
    /// Its bytes.
    pub record: &'a [u8],
    /// The addresses of the pins that it refers to, each once, ascending.
    pub edges: &'a [usize],
}

/// What keeps the bytes of a pin space, and finds pins by hash. Used under a lock.
///
/// # Safety
/// Addresses that were given out, by [`place`](Backing::place) once the pin is kept or by
/// [`find`](Backing::find), must lie in [`Slot`]s that were claimed for [`owner`](Backing::owner), below their
/// ends, until the backing is dropped; and once a pin is kept, its bytes must be readable there and
/// not change.
pub unsafe trait Backing: Send {
    /// Whose slots the pins lie in.
    fn owner(&self) -> Owner;

    /// Where the pin with that hash is, if there is one.
    ///
    /// # Errors
    /// If that cannot be told.
    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, BackingError>;

    /// An address at which so many bytes may be kept: a multiple of [`range::ALIGNMENT`]. It is
    /// given out again if nothing is kept there.
    ///
    /// # Errors
    /// If there is no room.
    fn place(&mut self, bytes: usize) -> Result<usize, BackingError>;

    /// Keeps a pin at the address that was given out last.
    ///
    /// # Errors
    /// If it cannot be kept. Nothing has changed then.
    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError>;

    /// Where an address is, in words for whoever looks after the bytes.
    fn name(&self, address: usize) -> String {
        format!("address {address:#x}")
    }
}

/// Returns the address of the pin with that hash, if the backing has it undamaged. A damaged pin counts
/// as absent, so that a freeze writes it again.
///
/// # Errors
/// Those of [`Backing::find`].
pub(crate) fn find_intact(
    backing: &mut dyn Backing,
    hash: &Hash,
) -> Result<Option<usize>, BackingError> {
    let owner = Some(backing.owner());
    // The backing's index may be stale, so the address may be any number.
    let is_match = |address: &usize| {
        range::is_frozen(*address)
            && range::owner(*address) == owner
            // SAFETY: the slot belongs to the backing, which keeps it claimed until it is dropped, and which
            // is borrowed here.
            && unsafe { record::verify(*address) }
            // SAFETY: as above.
            && record::hash(unsafe { range::words(*address, record::LINE_WORDS) }) == *hash
    };
    Ok(backing.find(hash)?.filter(is_match))
}

/// A place where pins are frozen. It lives as long as anyone holds something in it.
pub struct PinSpace {
    owner: Owner,
    backing: Mutex<Box<dyn Backing>>,
}

impl PinSpace {
    /// The pin space that this keeps.
    pub fn new(backing: impl Backing + 'static) -> Arc<PinSpace> {
        let owner = backing.owner();
        Arc::new(PinSpace { owner, backing: Mutex::new(Box::new(backing)) })
    }

    /// A pin space in memory, gone when nobody holds anything in it.
    ///
    /// # Errors
    /// If there are no addresses for it.
    pub fn in_memory() -> Result<Arc<PinSpace>, RangeError> {
        Ok(PinSpace::new(InMemoryBacking::new()?))
    }

    pub(crate) fn backing(&self) -> MutexGuard<'_, Box<dyn Backing>> {
        self.backing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pin with that hash, if it is here and whole.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn find(self: &Arc<PinSpace>, hash: &Hash) -> Result<Option<Frozen>, BackingError> {
        let address = self.backing().find(hash)?;
        Ok(address.and_then(|address| self.at(address)).filter(|found| found.hash() == *hash))
    }

    /// The pin at that address, if there is one and it is whole.
    pub fn at(self: &Arc<PinSpace>, address: usize) -> Option<Frozen> {
        // SAFETY: a slot that the backing owns stays claimed until it is dropped.
        let is_pin = self.contains(address) && unsafe { record::verify(address) };
        // SAFETY: a pin has just been found there.
        is_pin.then(|| unsafe { self.at_unverified(address) })
    }

    /// The pin at that address. If it is damaged, the first evaluation that looks at it finds so.
    ///
    /// # Safety
    /// The address lies in a slot of this pin space, and the slot holds
    /// [`RECORD_WORDS`](super::RECORD_WORDS) words or more from there on.
    pub unsafe fn at_unverified(self: &Arc<PinSpace>, address: usize) -> Frozen {
        Frozen { space: Arc::clone(self), address }
    }

    /// Whose slots its pins lie in.
    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    /// Whether an address lies in this pin space.
    pub(crate) fn contains(&self, address: usize) -> bool {
        range::is_frozen(address) && range::owner(address) == Some(self.owner)
    }
}

impl fmt::Debug for PinSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinSpace({:?})", self.owner)
    }
}

/// A frozen pin, held from outside of any heap. It may be sent to other threads.
#[derive(Clone, Debug)]
pub struct Frozen {
    space: Arc<PinSpace>,
    address: usize,
}

impl Frozen {
    /// The pin's hash.
    pub fn hash(&self) -> Hash {
        // SAFETY: the pin space that is held keeps the slot claimed.
        record::hash(unsafe { range::words(self.address, record::LINE_WORDS) })
    }

    /// Where it is: the same in every process that has its pin space open.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The pin space that it is in.
    pub fn space(&self) -> &Arc<PinSpace> {
        &self.space
    }
}
