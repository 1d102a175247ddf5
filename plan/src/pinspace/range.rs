//! The range of addresses of frozen pins, and the slots that it is divided into.
//!
//! ```text
//! 2^45                                                                  2^46
//! +-----------+-----------+-----------+- - - - - - - - - - - +-----------+
//! |  slot 0   |  slot 1   |  slot 2   |                      | slot 511  |   64 GiB each
//! +-----------+-----------+-----------+- - - - - - - - - - - +-----------+
//! ```
//!
//! The range is the same in every process, so a word with an address in it means the same in a file
//! and in memory. A slot belongs to one pin space at a time and holds one mapped file: a machine of
//! 10 TB needs 160 mappings. A claim reserves the slot's addresses, without memory behind them.
//! Reserving the whole range in one call would be simpler, but an emulator may keep a few bytes for
//! every page of it (24 GB in QEMU 7.2).
//!
//! Besides its memory, a slot has one bit for every possible address of a record. The bit is set
//! once the record there has been verified. The file is also read by calls, to verify records: a
//! bad sector is then an error of the call and no signal.
//!
//! # Safety
//!
//! This module maps memory. Its invariant: *memory of a claimed slot below its end is mapped for
//! reading, never changes, and is not unmapped while the slot is claimed*. The exception is a page
//! that the file system fails to read: [`crate::page_fault`] replaces it, records that, clears the
//! slot's verification bits, and interrupts the heaps that may point into the slot. No heap
//! allocates objects in the range, so an object there is a frozen one.

use crate::page_fault::MappedRange;
use crate::platform::reserve_addresses;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The first address of the range.
pub const BASE: usize = 1 << RANGE_SHIFT;
/// The size of the range in bytes.
pub const SIZE: usize = 1 << RANGE_SHIFT;
/// The size of a slot in bytes.
pub const SLOT_SIZE: usize = 1 << SLOT_SHIFT;
/// The number of slots.
pub const SLOTS: usize = SIZE / SLOT_SIZE;
/// The alignment of a record, in bytes.
pub const ALIGNMENT: usize = 64;

/// An address is in the range if this shift of it is 1.
pub const RANGE_SHIFT: u32 = 45;
const SLOT_SHIFT: u32 = 36;
/// The smallest size of a page, in bytes.
pub(crate) const PAGE: usize = 4096;
/// The size of a slot's verification bits: 128 MiB of addresses. Only the pages that are touched
/// take memory.
const BITS_SIZE: usize = SLOT_SIZE / ALIGNMENT / 8;

/// Why a slot was not claimed, or a file not mapped.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The system does not reserve the addresses.
    #[error(
        "the addresses of slot {slot} of the pin range, from {:#x}, cannot be reserved: {reason} \
         (a limit on address space, as set by `ulimit -v`, must allow for 64 GiB a slot; \
         systems with less than 47 bits of addresses cannot map pins)",
        BASE + slot * SLOT_SIZE
    )]
    Unavailable {
        /// The number of the slot.
        slot: usize,
        /// The error of the system.
        reason: io::Error,
    },
    /// Another pin space of this process has claimed the slot.
    #[error(
        "slot {0} of the pin range is in use by another store that this process has open; \
         close that one first"
    )]
    Taken(usize),
    /// The slot number is out of range.
    #[error("the pin range has no slot {0}, only {SLOTS}")]
    NoSuchSlot(usize),
    /// All slots are claimed.
    #[error("all slots of the pin range are in use")]
    Full,
    /// The system does not map the file.
    #[error("a file of pins cannot be mapped: {0}")]
    Map(io::Error),
}

/// The identity of a pin space within the process, by which slots record their owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinSpaceId(u32);

impl PinSpaceId {
    /// Returns the number of the owner, by which it is known to [`crate::page_fault`].
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Returns a new identity.
    pub fn new() -> PinSpaceId {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        PinSpaceId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for PinSpaceId {
    fn default() -> PinSpaceId {
        PinSpaceId::new()
    }
}

/// Reads the file of a slot by calls.
pub trait SlotReader: Send + Sync {
    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file ends before, or as the file system reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl SlotReader for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}

/// A part of a file, from an offset to its end.
pub(crate) struct FilePart {
    pub(crate) file: File,
    pub(crate) offset: u64,
}

impl SlotReader for FilePart {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.offset + offset)
    }
}

/// The file that is mapped in a slot.
pub struct SlotFile {
    /// The path, for messages; `None` for a file in memory.
    pub path: Option<PathBuf>,
    /// Reads the same bytes as the mapping.
    pub reader: Arc<dyn SlotReader>,
}

static SLOT_FILES: [RwLock<Option<Arc<SlotFile>>>; SLOTS] = [const { RwLock::new(None) }; SLOTS];

/// Returns the file that is mapped in the slot of an address in the range.
pub(crate) fn file(address: usize) -> Option<Arc<SlotFile>> {
    SLOT_FILES[slot_of(address)].read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set_file(slot: usize, file: Option<Arc<SlotFile>>) {
    *SLOT_FILES[slot].write().unwrap_or_else(PoisonError::into_inner) = file;
}

/// Describes an address in the range: the file and the offset, or the address if the file has no
/// path.
pub(crate) fn describe(address: usize) -> String {
    match file(address).and_then(|file| file.path.clone()) {
        Some(path) => format!("{}, byte {}", path.display(), address % SLOT_SIZE),
        None => format!("address {address:#x}"),
    }
}

/// The state of a slot, which any thread may read.
struct SlotState {
    /// The number of the owner; 0 if the slot is free.
    owner: AtomicU32,
    /// The address behind the last readable byte.
    end: AtomicUsize,
    /// The verification bits; null before the first claim. They stay mapped afterwards, so that
    /// reading them is sound for any address.
    bits: AtomicPtr<AtomicU64>,
}

static SLOT_STATES: [SlotState; SLOTS] = [const {
    SlotState {
        owner: AtomicU32::new(0),
        end: AtomicUsize::new(0),
        bits: AtomicPtr::new(null_mut()),
    }
}; SLOTS];

/// Serialises claims and releases of slots.
static CLAIMING: Mutex<()> = Mutex::new(());

fn claiming() -> MutexGuard<'static, ()> {
    CLAIMING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an address is in the pin range. An object there never moves and is never written to.
#[inline(always)]
pub const fn is_frozen(address: usize) -> bool {
    address >> RANGE_SHIFT == 1
}

#[inline(always)]
fn state(address: usize) -> &'static SlotState {
    debug_assert!(is_frozen(address));
    &SLOT_STATES[(address >> SLOT_SHIFT) % SLOTS]
}

/// Returns the owner of the slot of an address in the range.
pub(crate) fn owner(address: usize) -> Option<PinSpaceId> {
    match state(address).owner.load(Ordering::Acquire) {
        0 => None,
        owner => Some(PinSpaceId(owner)),
    }
}

/// Returns the owner of a slot.
pub(crate) fn owner_of(slot: usize) -> Option<PinSpaceId> {
    owner(BASE + slot * SLOT_SIZE)
}

/// Returns the number of the slot of an address in the range.
pub(crate) fn slot_of(address: usize) -> usize {
    (address >> SLOT_SHIFT) % SLOTS
}

/// Returns the address behind the last readable byte of the slot of an address in the range; 0 if
/// nothing there is readable.
pub(crate) fn end(address: usize) -> usize {
    state(address).end.load(Ordering::Acquire)
}

/// Returns the word, and the bit in it, that says whether the record at that address has been
/// verified.
#[inline(always)]
fn bit(address: usize) -> Option<(&'static AtomicU64, u64)> {
    let bits = state(address).bits.load(Ordering::Acquire);
    if bits.is_null() {
        return None;
    }
    let number = address % SLOT_SIZE / ALIGNMENT;
    // SAFETY: bits that were mapped once stay mapped, one bit for each multiple of `ALIGNMENT` in a
    // slot, and `number` is below their count.
    let word = unsafe { &*bits.add(number / 64) };
    Some((word, 1 << (number % 64)))
}

/// Whether the record at that address has been verified.
#[inline(always)]
pub(crate) fn is_verified(address: usize) -> bool {
    // The record was intact before any thread could learn its address, so no memory order is
    // needed.
    bit(address).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
}

/// Records that the record at that address is intact.
pub(crate) fn set_verified(address: usize) {
    if let Some((word, bit)) = bit(address) {
        word.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Records that all records from one address to below another, in one slot, are intact. Reads none
/// of them, and sets the bits of addresses without a record, too.
pub(crate) fn set_all_verified(first: usize, end: usize) {
    let mut address = first;
    while address < end {
        let Some((word, bit)) = bit(address) else { return };
        // The bits of the word from this one on, without those behind the end.
        let count = (end - address).div_ceil(ALIGNMENT).min(64 - bit.trailing_zeros() as usize);
        let bits = (u64::MAX >> (64 - count)) << bit.trailing_zeros();
        word.fetch_or(bits, Ordering::Relaxed);
        address += count * ALIGNMENT;
    }
}

/// Forgets that the record at that address is intact.
pub(crate) fn clear_verified(address: usize) {
    if let Some((word, bit)) = bit(address) {
        word.fetch_and(!bit, Ordering::Relaxed);
    }
}

/// Asks the system to start reading a range from disk before it is used.
pub(crate) fn prefetch(address: usize, bytes: usize) {
    use rustix::mm::{Advice, madvise};
    let first = address & !(rustix::param::page_size() - 1);
    let pages = as_pointer(first);
    // SAFETY: the advice changes no contents, whatever the addresses are.
    let advised = unsafe { madvise(pages, address + bytes - first, Advice::WillNeed) };
    // Without the advice the reads are only slower.
    let _ = advised;
}

/// Returns readable words of a claimed slot.
///
/// # Safety
/// The slot stays claimed for the lifetime.
///
/// # Panics
/// If not all words are below the end of one slot.
pub(crate) unsafe fn words<'a>(address: usize, count: usize) -> &'a [u64] {
    assert!(
        is_frozen(address) && address.is_multiple_of(8),
        "not an aligned address in the pin range"
    );
    let room = end(address).saturating_sub(address) / 8;
    assert!(count <= room, "frozen words beyond the end of their slot");
    // SAFETY: the words are below the end of a slot that stays claimed, so they are readable and do
    // not change.
    unsafe { std::slice::from_raw_parts(with_exposed_provenance_mut::<u64>(address), count) }
}

/// Returns the bytes of words.
pub(crate) fn bytes_of(words: &[u64]) -> &[u8] {
    // SAFETY: every bit pattern is a byte, and there are eight to a word.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 8 * words.len()) }
}

/// A claimed slot. Dropping it unmaps its memory; no pointer into it may be used afterwards.
#[derive(Debug)]
pub struct RangeSlot {
    number: usize,
    owner: PinSpaceId,
    /// The registration of the mapping; `None` while nothing is mapped, or if there is no room for
    /// it.
    range: Option<MappedRange>,
}

impl RangeSlot {
    /// Claims the slot with that number, or any free slot, for a pin space.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn claim(number: Option<usize>, owner: PinSpaceId) -> Result<RangeSlot, RangeError> {
        match number {
            Some(number) if number >= SLOTS => Err(RangeError::NoSuchSlot(number)),
            Some(number) => {
                RangeSlot::claim_first(number..number + 1, owner, RangeError::Taken(number))
            }
            None => RangeSlot::claim_first(0..SLOTS, owner, RangeError::Full),
        }
    }

    /// Claims the first free slot from that number on, in cyclic order.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn claim_from(number: usize, owner: PinSpaceId) -> Result<RangeSlot, RangeError> {
        let first = number % SLOTS;
        RangeSlot::claim_first((first..SLOTS).chain(0..first), owner, RangeError::Full)
    }

    /// Claims the first of these slots that is free.
    fn claim_first(
        numbers: impl Iterator<Item = usize>,
        owner: PinSpaceId,
        none: RangeError,
    ) -> Result<RangeSlot, RangeError> {
        let _guard = claiming();
        let mut failure = none;
        for number in numbers {
            if SLOT_STATES[number].owner.load(Ordering::Acquire) != 0 {
                continue;
            }
            match RangeSlot::reserve(number, owner) {
                // Another part of the process has mapped these addresses.
                Err(unavailable @ RangeError::Unavailable { .. }) => failure = unavailable,
                taken => return taken,
            }
        }
        Err(failure)
    }

    /// Reserves the addresses of a free slot. The caller holds the lock.
    fn reserve(number: usize, owner: PinSpaceId) -> Result<RangeSlot, RangeError> {
        let address = BASE + number * SLOT_SIZE;
        reserve_addresses(as_pointer(address), SLOT_SIZE)
            .map_err(|reason| RangeError::Unavailable { slot: number, reason: reason.into() })?;
        let state = &SLOT_STATES[number];
        if state.bits.load(Ordering::Acquire).is_null() {
            let bits = map_bits(null_mut()).inspect_err(|_| {
                // SAFETY: the addresses were reserved just now.
                let unmapped = unsafe { rustix::mm::munmap(as_pointer(address), SLOT_SIZE) };
                debug_assert!(unmapped.is_ok());
            });
            state.bits.store(bits.map_err(RangeError::Map)?, Ordering::Release);
        }
        state.owner.store(owner.0, Ordering::Release);
        Ok(RangeSlot { number, owner, range: None })
    }

    /// Returns the slot's number.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the slot's first address.
    pub fn address(&self) -> usize {
        BASE + self.number * SLOT_SIZE
    }

    /// Maps a file at the slot's first address, including the part that it will grow by. Nothing
    /// may be read before [`RangeSlot::set_end`] allows it.
    ///
    /// `contents` describes the same file, and reads it by calls.
    ///
    /// # Safety
    /// While the slot is claimed, this process must not truncate the file, and no process may change
    /// its bytes below the slot's end. Nothing that was mapped here before may be in use. (If
    /// another process truncates the file, reads of the missing pages are damage.)
    ///
    /// # Errors
    /// If the system does not map the file.
    pub unsafe fn map(&mut self, file: &File, contents: SlotFile) -> Result<(), RangeError> {
        // SAFETY: by this function's contract.
        unsafe { self.map_part(file, 0, SLOT_SIZE, contents) }
    }

    /// Maps `bytes` bytes of a file from an offset on, as [`RangeSlot::map`] maps a whole file. The
    /// system refuses an offset that is no multiple of the size of a page.
    ///
    /// # Safety
    /// As for [`RangeSlot::map`].
    ///
    /// # Errors
    /// If the system does not map the file. The slot is as before then.
    ///
    /// # Panics
    /// If `bytes` exceeds the size of a slot.
    pub(crate) unsafe fn map_part(
        &mut self,
        file: &File,
        offset: u64,
        bytes: usize,
        contents: SlotFile,
    ) -> Result<(), RangeError> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        assert!(bytes <= SLOT_SIZE, "the part of the file is larger than a slot");
        let address = as_pointer(self.address());
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the slot's addresses belong to this slot, and nothing in it is in use.
        let mapped = unsafe { mmap(address, bytes, ProtFlags::READ, flags, file.as_fd(), offset) };
        mapped.map_err(|error| RangeError::Map(error.into()))?;
        self.range = None;
        let path = contents.path.clone().unwrap_or_else(|| "pins in memory".into());
        let bits = SLOT_STATES[self.number].bits.load(Ordering::Acquire).expose_provenance();
        let owner = self.owner.number();
        // SAFETY: the addresses hold the mapping until the slot is dropped, which ends the
        // registration. Readers of frozen pins tolerate replacement pages (see `page_fault`), and
        // their heaps check for damage. A verification bit may be cleared at any time: the record
        // is then verified again.
        self.range = unsafe {
            let cleared = Some((bits, BITS_SIZE));
            MappedRange::register(self.address(), SLOT_SIZE, &path, owner, cleared)
        };
        set_file(self.number, Some(Arc::new(contents)));
        Ok(())
    }

    /// Turns off read-ahead for the mapped file, for pins that are read at random. Reading 1,000
    /// pins of 4 KB in 1 GB that was not in memory took 0.33 s instead of 2.1 s, and 17 MB of
    /// memory instead of 108 MB.
    pub fn expect_random(&self) {
        use rustix::mm::{Advice, madvise};
        let address = as_pointer(self.address());
        // SAFETY: the slot's addresses belong to this slot, and the advice does not change its
        // contents.
        let advised = unsafe { madvise(address, SLOT_SIZE, Advice::Random) };
        // Without the advice the reads are only slower.
        let _ = advised;
    }

    /// Makes the first `bytes` bytes of the mapped file readable. More may be readable already.
    ///
    /// # Safety
    /// The file has that many bytes, and keeps them unchanged while the slot is claimed.
    ///
    /// # Panics
    /// If `bytes` exceeds the size of a slot.
    pub unsafe fn set_end(&self, bytes: usize) {
        assert!(bytes <= SLOT_SIZE, "the file is larger than a slot");
        SLOT_STATES[self.number].end.fetch_max(self.address() + bytes, Ordering::Release);
    }
}

impl Drop for RangeSlot {
    fn drop(&mut self) {
        use rustix::mm::munmap;
        let _guard = claiming();
        let state = &SLOT_STATES[self.number];
        state.end.store(0, Ordering::Release);
        self.range = None;
        set_file(self.number, None);
        // SAFETY: the owner of a slot drops it only when no pointer into it is in use (see
        // `PinSpaceBacking`).
        let unmapped = unsafe { munmap(as_pointer(self.address()), SLOT_SIZE) };
        let cleared = map_bits(state.bits.load(Ordering::Acquire));
        // A slot that could not be unmapped, or whose bits could not be cleared, stays taken.
        if unmapped.is_ok() && cleared.is_ok() {
            state.owner.store(0, Ordering::Release);
        }
    }
}

fn as_pointer(address: usize) -> *mut c_void {
    with_exposed_provenance_mut(address)
}

/// Maps the verification bits of a slot, all clear: at a new address if `bits` is null, otherwise
/// over those bits, which `map_bits` returned.
fn map_bits(bits: *mut AtomicU64) -> io::Result<*mut AtomicU64> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    let mut flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    flags.set(MapFlags::FIXED, !bits.is_null());
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the mapping is new, at an address that the kernel chooses, or it replaces one of the
    // same size that holds only these bits. The kernel replaces it atomically, so the bits stay
    // mapped throughout.
    let bits = unsafe { mmap_anonymous(bits.cast(), BITS_SIZE, access, flags) }?;
    Ok(bits.cast())
}
