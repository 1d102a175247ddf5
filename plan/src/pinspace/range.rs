//! The range of addresses in which frozen pins lie, and the slots that it is dealt out in.
//!
//! ```text
//! 2^45                                                                  2^46
//! +-----------+-----------+-----------+- - - - - - - - - - - +-----------+
//! |  slot 0   |  slot 1   |  slot 2   |                      | slot 511  |   64 GiB each
//! +-----------+-----------+-----------+- - - - - - - - - - - +-----------+
//! ```
//!
//! The range is the same in every process, so words with addresses in it mean the same in a file as
//! in memory. A slot belongs to one pin space at a time, and holds one mapped file: so a machine of 10 TB
//! takes 160 mappings. Its addresses are taken (without memory behind them) when it is claimed: the whole
//! range at once would be one mapping fewer to think of, but an emulator may keep a few bytes for every
//! page of it (24 GB in QEMU 7.2).
//!
//! Beside its memory, a slot has a bit for every possible place of a record, set once the record
//! there has been found whole.
//!
//! # Safety
//!
//! This module maps memory. Its invariant: *memory of a claimed slot below its end is mapped for
//! reading, and never changes and never goes away while the slot is claimed*. No heap has objects in the
//! range, so an object there is a frozen one.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the range begins.
pub const BASE: usize = 1 << RANGE_SHIFT;
/// Bytes in the range.
pub const SIZE: usize = 1 << RANGE_SHIFT;
/// Bytes in a slot.
pub const SLOT_SIZE: usize = 1 << SLOT_SHIFT;
/// How many slots there are.
pub const SLOTS: usize = SIZE / SLOT_SIZE;
/// Records begin at multiples of this many bytes.
pub const ALIGNMENT: usize = 64;

pub const RANGE_SHIFT: u32 = 45;
const SLOT_SHIFT: u32 = 36;
/// Bytes of a page, at least.
pub(crate) const PAGE: usize = 4096;
/// Bytes of a slot's bits: 128 MiB of addresses, of which only what is touched takes memory.
const BITS_SIZE: usize = SLOT_SIZE / ALIGNMENT / 8;

/// Why there is no slot to be had.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The system does not grant the addresses.
    #[error(
        "the addresses of slot {slot} of the pin range, from {:#x}, cannot be had: {reason} \
         (a limit on address space, as set by `ulimit -v`, must allow for 64 GiB a slot; \
         systems with less than 47 bits of addresses cannot map pins)",
        BASE + slot * SLOT_SIZE
    )]
    Unavailable {
        /// Which slot.
        slot: usize,
        /// What the system says.
        reason: io::Error,
    },
    /// Another pin space of this process has it.
    #[error(
        "slot {0} of the pin range is in use by another store that this process has open; \
         close that one first"
    )]
    Taken(usize),
    /// There is no such slot.
    #[error("the pin range has no slot {0}, only {SLOTS}")]
    NoSuchSlot(usize),
    /// All are in use.
    #[error("all slots of the pin range are in use")]
    Full,
    /// A file was not mapped.
    #[error("a file of pins cannot be mapped: {0}")]
    Map(io::Error),
}

/// Whose slots are whose: a number for each pin space of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner(u32);

impl Owner {
    /// One that no other has.
    pub fn new() -> Owner {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Owner(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Owner {
    fn default() -> Owner {
        Owner::new()
    }
}

/// What everyone may know of a slot.
struct SlotState {
    /// The number of its owner; 0 if it is free.
    owner: AtomicU32,
    /// The address behind what may be read.
    end: AtomicUsize,
    bits: AtomicPtr<AtomicU64>,
}

static SLOT_STATES: [SlotState; SLOTS] = [const {
    SlotState {
        owner: AtomicU32::new(0),
        end: AtomicUsize::new(0),
        bits: AtomicPtr::new(null_mut()),
    }
}; SLOTS];

/// Held while slots change hands.
static CLAIMING: Mutex<()> = Mutex::new(());

fn claiming() -> MutexGuard<'static, ()> {
    CLAIMING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an object lies in the pin space. Such an object never moves and is never written to.
#[inline(always)]
pub const fn is_frozen(address: usize) -> bool {
    address >> RANGE_SHIFT == 1
}

#[inline(always)]
fn state(address: usize) -> &'static SlotState {
    debug_assert!(is_frozen(address));
    &SLOT_STATES[(address >> SLOT_SHIFT) % SLOTS]
}

/// Who owns the slot of an address in the range.
pub(crate) fn owner(address: usize) -> Option<Owner> {
    match state(address).owner.load(Ordering::Acquire) {
        0 => None,
        owner => Some(Owner(owner)),
    }
}

/// Who owns a slot.
pub(crate) fn owner_of(slot: usize) -> Option<Owner> {
    owner(BASE + slot * SLOT_SIZE)
}

/// The slot of an address in the range.
pub(crate) fn slot_of(address: usize) -> usize {
    (address >> SLOT_SHIFT) % SLOTS
}

/// Up to which address the slot of an address in the range may be read; 0 if not at all.
pub(crate) fn end(address: usize) -> usize {
    state(address).end.load(Ordering::Acquire)
}

/// The word and the bit in it that tell of a record.
#[inline(always)]
fn bit(address: usize) -> Option<(&'static AtomicU64, u64)> {
    let bits = state(address).bits.load(Ordering::Acquire);
    if bits.is_null() {
        return None;
    }
    let number = address % SLOT_SIZE / ALIGNMENT;
    // SAFETY: the slot's bits are mapped while it is claimed, one for each multiple of `ALIGNMENT`
    // in it. Whoever has an address in a slot keeps the slot claimed.
    let word = unsafe { &*bits.add(number / 64) };
    Some((word, 1 << (number % 64)))
}

/// Whether the record there has been found whole.
#[inline(always)]
pub(crate) fn is_verified(address: usize) -> bool {
    // What the bit promises was true before anyone could learn the address: no order is needed.
    bit(address).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
}

/// Notes that the record there is whole.
pub(crate) fn set_verified(address: usize) {
    if let Some((word, bit)) = bit(address) {
        word.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Has the system read what is about to be looked at, all at once.
pub(crate) fn prefetch(address: usize, bytes: usize) {
    use rustix::mm::{Advice, madvise};
    let first = address & !(PAGE - 1);
    let pages = as_pointer(first);
    // SAFETY: reading ahead changes nothing, whatever the addresses are.
    let advised = unsafe { madvise(pages, address + bytes - first, Advice::WillNeed) };
    // It is slower without.
    let _ = advised;
}

/// Readable words of a claimed slot.
///
/// # Safety
/// The slot stays claimed for the lifetime.
///
/// # Panics
/// If not all of them lie below the end of one slot.
pub(crate) unsafe fn words<'a>(address: usize, count: usize) -> &'a [u64] {
    assert!(is_frozen(address) && address.is_multiple_of(8), "not a place for words");
    let room = end(address).saturating_sub(address) / 8;
    assert!(count <= room, "frozen words beyond the end of their slot");
    // SAFETY: the words lie below the end of a slot that stays claimed, so they are readable and never
    // change.
    unsafe { std::slice::from_raw_parts(with_exposed_provenance_mut::<u64>(address), count) }
}

/// Words as bytes.
pub(crate) fn bytes_of(words: &[u64]) -> &[u8] {
    // SAFETY: every bit pattern is a byte, and there are eight to a word.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 8 * words.len()) }
}

/// A claimed slot. Dropping it unmaps its memory: nothing may point into it any more.
#[derive(Debug)]
pub struct Slot(usize);

impl Slot {
    /// Claims that slot, or any that is free, for a pin space.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn claim(number: Option<usize>, owner: Owner) -> Result<Slot, RangeError> {
        match number {
            Some(number) if number >= SLOTS => Err(RangeError::NoSuchSlot(number)),
            Some(number) => Slot::claim_first(number..number + 1, owner, RangeError::Taken(number)),
            None => Slot::claim_first(0..SLOTS, owner, RangeError::Full),
        }
    }

    /// Claims the first slot from that one on which is free, or else the first of all.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn claim_from(number: usize, owner: Owner) -> Result<Slot, RangeError> {
        let first = number % SLOTS;
        Slot::claim_first((first..SLOTS).chain(0..first), owner, RangeError::Full)
    }

    /// Claims the first of these that is free.
    fn claim_first(
        numbers: impl Iterator<Item = usize>,
        owner: Owner,
        none: RangeError,
    ) -> Result<Slot, RangeError> {
        let _guard = claiming();
        let mut failure = none;
        for number in numbers {
            if SLOT_STATES[number].owner.load(Ordering::Acquire) != 0 {
                continue;
            }
            match Slot::take(number, owner) {
                // Something that is not ours is there.
                Err(unavailable @ RangeError::Unavailable { .. }) => failure = unavailable,
                taken => return taken,
            }
        }
        Err(failure)
    }

    /// Takes the addresses of a slot that is free, while nobody else does so.
    fn take(number: usize, owner: Owner) -> Result<Slot, RangeError> {
        let address = BASE + number * SLOT_SIZE;
        take_addresses(address)
            .map_err(|reason| RangeError::Unavailable { slot: number, reason: reason.into() })?;
        let bits = map_bits().inspect_err(|_| {
            // SAFETY: they were taken just now.
            let given_back = unsafe { rustix::mm::munmap(as_pointer(address), SLOT_SIZE) };
            debug_assert!(given_back.is_ok());
        });
        let state = &SLOT_STATES[number];
        state.bits.store(bits.map_err(RangeError::Map)?, Ordering::Release);
        state.owner.store(owner.0, Ordering::Release);
        Ok(Slot(number))
    }

    /// Its number.
    pub fn number(&self) -> usize {
        self.0
    }

    /// Its first address.
    pub fn address(&self) -> usize {
        BASE + self.0 * SLOT_SIZE
    }

    /// Makes a file readable in the slot, its first byte at the slot's first address, also those
    /// parts that it will grow by. Nothing may be read before [`Slot::set_end`] allows it.
    ///
    /// # Safety
    /// While the slot is claimed, the file must not be cut short, and what was written to it below the
    /// slot's end must not be changed, by anyone. Nothing that was mapped here before may be in use.
    ///
    /// # Errors
    /// If the system does not map it.
    pub unsafe fn map(&mut self, file: &File) -> Result<(), RangeError> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let address = as_pointer(self.address());
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the slot's addresses are ours, and nothing in it is in use.
        let mapped = unsafe { mmap(address, SLOT_SIZE, ProtFlags::READ, flags, file.as_fd(), 0) };
        mapped.map(drop).map_err(|error| RangeError::Map(error.into()))
    }

    /// Has the system read no more of the mapped file than what is asked for: for pins that are looked
    /// at here and there. Looking at 1,000 of 4 KB in 1 GB that was not in memory took 0.33 s instead of
    /// 2.1, and 17 MB instead of 108.
    pub fn expect_random(&self) {
        use rustix::mm::{Advice, madvise};
        let address = as_pointer(self.address());
        // SAFETY: the slot is ours, and how it is read ahead changes nothing that is in it.
        let advised = unsafe { madvise(address, SLOT_SIZE, Advice::Random) };
        // It is slower without.
        let _ = advised;
    }

    /// Allows reading the first `bytes` bytes of the mapped file.
    ///
    /// # Safety
    /// The file has as many, and keeps them unchanged while the slot is claimed.
    ///
    /// # Panics
    /// If that is more than a slot has.
    pub unsafe fn set_end(&self, bytes: usize) {
        assert!(bytes <= SLOT_SIZE, "a slot has no more than its size");
        SLOT_STATES[self.0].end.store(self.address() + bytes, Ordering::Release);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        use rustix::mm::munmap;
        let _guard = claiming();
        let state = &SLOT_STATES[self.0];
        state.end.store(0, Ordering::Release);
        let bits = state.bits.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: whoever drops the slot says that nothing points into it any more.
        let given_back = unsafe { munmap(as_pointer(self.address()), SLOT_SIZE) };
        // SAFETY: mapped by `map_bits` with this size, and unreachable from here on.
        let unmapped = unsafe { munmap(bits.cast(), BITS_SIZE) };
        debug_assert!(unmapped.is_ok());
        // A slot that could not be emptied is not used again.
        if given_back.is_ok() {
            state.owner.store(0, Ordering::Release);
        }
    }
}

fn as_pointer(address: usize) -> *mut c_void {
    with_exposed_provenance_mut(address)
}

/// Takes the addresses of a slot, without memory behind them, if nothing is there.
fn take_addresses(address: usize) -> Result<(), rustix::io::Errno> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
    let wanted = as_pointer(address);
    // SAFETY: nothing is mapped over, since that is refused.
    let got = unsafe { mmap_anonymous(wanted, SLOT_SIZE, ProtFlags::empty(), flags) }?;
    if got != wanted {
        // Kernels before 4.17 take the address as a hint.
        // SAFETY: it was mapped just now.
        unsafe { munmap(got, SLOT_SIZE) }?;
        return Err(rustix::io::Errno::EXIST);
    }
    Ok(())
}

fn map_bits() -> io::Result<*mut AtomicU64> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing of ours.
    let bits = unsafe { mmap_anonymous(null_mut(), BITS_SIZE, access, flags) }?;
    Ok(bits.cast())
}
