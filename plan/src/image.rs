//! A pin space in one file that is written once and then only read: an *image*.
//!
//! An image holds a value with all pins in it, and opens without being read value by value: it is
//! mapped, checked as a whole, and its root adopted. It is for what can be made again, such as
//! caches: there is no journal and nothing is flushed, and what is damaged is refused. Since a
//! finished image never changes, any number of processes may have it open without a lock, also
//! while somebody replaces or removes its file.
//!
//! `FORMAT.md` has the bytes.

use crate::digest::Hash;
use crate::freeze::FreezeError;
use crate::heap::Val;
use crate::pinspace::range::{self, SLOT_SIZE, SLOTS};
use crate::pinspace::record::{self, LINE_WORDS};
use crate::pinspace::{
    Backing, BackingError, FORMAT_VERSION, Frozen, NewPin, Owner, PinFile, PinSpace, RangeError,
    Slot, nameless,
};
use crate::values::Heap;
use crate::word::Word;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: &[u8; 8] = b"PALLASIM";
/// Bytes before the label, the last 32 of them the check.
const HEADER: usize = 128;
const CHECKED_BYTES: usize = 96;
/// The longest label, in bytes.
pub const LABEL_MAX: usize = 1 << 24;
/// Images take slots from this one on; other pin spaces begin at the lower end of the range.
const FIRST_SLOT: usize = SLOTS / 2;

/// Why an image was not written or opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("it is not an image of pins")]
    Foreign,
    /// Another version of this program wrote the file.
    #[error("it has version {0} of the form of pins, and this program knows {FORMAT_VERSION}")]
    Version(u32),
    /// Its bytes are not those that were written.
    #[error("it is damaged (its checksum does not agree)")]
    Damaged,
    /// The label is longer than [`LABEL_MAX`].
    #[error("its label has {0} bytes, over the limit of {LABEL_MAX}")]
    Label(usize),
    /// There are no addresses for it.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The value was not frozen.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
}

/// What the first bytes of an image tell.
struct ImageHeader {
    slot: usize,
    /// The offset of the root, and of the end of the file.
    root: usize,
    end: usize,
    label: usize,
    check: [u8; 32],
}

impl ImageHeader {
    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        let numbers = [self.slot, self.root, self.end, self.label];
        for (place, number) in bytes[16..48].as_chunks_mut().0.iter_mut().zip(numbers) {
            *place = (number as u64).to_le_bytes();
        }
        bytes[CHECKED_BYTES..].copy_from_slice(&self.check);
        bytes
    }

    /// The header of a file; what it tells fits with the file's length and with itself.
    fn read(file: &File) -> Result<ImageHeader, ImageError> {
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0).map_err(|_| ImageError::Foreign)?;
        let found = version(&bytes)?;
        if found != FORMAT_VERSION {
            return Err(ImageError::Version(found));
        }
        let mut numbers = [0; 4];
        for (number, place) in numbers.iter_mut().zip(bytes[16..48].as_chunks().0) {
            *number = usize::try_from(u64::from_le_bytes(*place)).unwrap_or(usize::MAX);
        }
        let [slot, root, end, label] = numbers;
        let mut check = [0; 32];
        check.copy_from_slice(&bytes[CHECKED_BYTES..]);
        let header = ImageHeader { slot, root, end, label, check };
        let length = file.metadata()?.len();
        let is_sound = label <= LABEL_MAX
            && slot < SLOTS
            && end <= SLOT_SIZE
            && end as u64 == length
            && end.is_multiple_of(8)
            && root.is_multiple_of(range::ALIGNMENT)
            && (first_record(label)..end).contains(&root);
        // A flipped bit in the rest of it is found with the check.
        if is_sound && header.encode() == bytes { Ok(header) } else { Err(ImageError::Damaged) }
    }

    /// The address that the image's first byte has in its own slot.
    fn base(&self) -> usize {
        range::BASE + self.slot * SLOT_SIZE
    }

    /// What the check must be if these words are what comes after the header.
    fn expected(&self, words: &[u64]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.encode()[..CHECKED_BYTES]);
        hasher.update(range::bytes_of(words));
        *hasher.finalize().as_bytes()
    }

    /// Whether these words are what must come after the header.
    fn verify(&self, words: &[u64]) -> Result<(), ImageError> {
        if self.expected(words) == self.check { Ok(()) } else { Err(ImageError::Damaged) }
    }

    /// How many words come after the header.
    fn words(&self) -> usize {
        (self.end - HEADER) / 8
    }
}

fn version(bytes: &[u8; HEADER]) -> Result<u32, ImageError> {
    let (magic, rest) = bytes.split_at(8);
    let (version, _) = rest.split_first_chunk().ok_or(ImageError::Foreign)?;
    if magic == MAGIC { Ok(u32::from_le_bytes(*version)) } else { Err(ImageError::Foreign) }
}

/// Where the first record is behind a label of so many bytes.
fn first_record(label: usize) -> usize {
    (HEADER + label).next_multiple_of(range::ALIGNMENT)
}

/// Writes an image of a value in normal form into an empty file, which must be open for reading and
/// writing.
///
/// The label is for the caller: it can be read without opening the image, and chooses the slot. Two
/// images in one slot cannot be mapped in one process.
///
/// The heap goes on with the pins in the image. So the file may be removed afterwards, but must never
/// be written again.
///
/// # Panics
/// If the value is not in normal form.
///
/// # Errors
/// See [`ImageError`]. The file is not an image then.
pub fn save(heap: &mut Heap, value: &Val, label: &[u8], file: &File) -> Result<(), ImageError> {
    if label.len() > LABEL_MAX {
        return Err(ImageError::Label(label.len()));
    }
    let owner = Owner::new();
    let slot = claim_slot(label, owner)?;
    let number = slot.number();
    file.write_all_at(label, HEADER as u64)?;
    let pin_file = PinFile::new(slot, file.try_clone()?, first_record(label.len()))?;
    let space = PinSpace::new(ImageWriter { owner, addresses: HashMap::new(), pin_file });
    let root = heap.freeze(value, &space)?.address();
    let (start, end) = (range::BASE + number * SLOT_SIZE, range::end(root));
    let (root, end, label) = (root - start, end - start, label.len());
    let mut header = ImageHeader { slot: number, root, end, label, check: [0; 32] };
    // SAFETY: the pin space keeps the slot claimed.
    header.check = header.expected(unsafe { range::words(start + HEADER, header.words()) });
    file.write_all_at(&header.encode(), 0)?;
    Ok(())
}

/// The label of an image, which may be damaged.
///
/// # Errors
/// See [`ImageError`].
pub fn label(file: &File) -> Result<Vec<u8>, ImageError> {
    let header = ImageHeader::read(file)?;
    let mut label = vec![0; header.label];
    file.read_exact_at(&mut label, HEADER as u64)?;
    Ok(label)
}

/// Opens an image, all of which has been found whole then, and gives its root: a pin.
///
/// If its slot is in use, as by the same image, a copy is opened in another slot.
///
/// The file must not be changed or cut short any more: damage that is done later goes unnoticed, or ends
/// the process.
///
/// # Errors
/// See [`ImageError`].
pub fn open(file: &File) -> Result<Frozen, ImageError> {
    let header = ImageHeader::read(file)?;
    let owner = Owner::new();
    let mut slot = match Slot::claim(Some(header.slot), owner) {
        Err(RangeError::Taken(_)) => return open_copy(file, &header),
        slot => slot?,
    };
    // SAFETY: the slot has just been claimed; a finished image is never changed, only replaced.
    unsafe { slot.map(file) }?;
    // SAFETY: the header has been compared with the file's length.
    unsafe { slot.set_end(header.end) };
    // SAFETY: the slot is claimed until it is dropped.
    header.verify(unsafe { range::words(slot.address() + HEADER, header.words()) })?;
    open_root(&header, OpenedImage { owner, slot })
}

/// Opens a copy of an image in a slot that is not its own.
fn open_copy(file: &File, header: &ImageHeader) -> Result<Frozen, ImageError> {
    let mut bytes = vec![0; 8 * header.words()];
    file.read_exact_at(&mut bytes, HEADER as u64)?;
    let mut words: Vec<u64> =
        bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    header.verify(&words)?;
    let owner = Owner::new();
    let mut slot = claim_slot(&[], owner)?;
    let (old, new) = (header.base(), slot.address());
    let place = |raw| match Word::from_bits(raw) {
        word if word.has_object() => word.moved_to(word.address() - old + new).raw(),
        _ => raw,
    };
    let mut rest = words.get_mut((first_record(header.label) - HEADER) / 8..).unwrap_or_default();
    while let Some(size) =
        record::size(rest).filter(|size| (LINE_WORDS..=rest.len()).contains(size))
    {
        let (record, after) = rest.split_at_mut(size);
        record::replace_values(record, place);
        let gap = size.next_multiple_of(LINE_WORDS) - size;
        rest = after.get_mut(gap..).unwrap_or_default();
    }
    let copy = nameless()?;
    copy.write_all_at(range::bytes_of(&words), HEADER as u64)?;
    // SAFETY: the slot has just been claimed, and nobody else has the file.
    unsafe { slot.map(&copy) }?;
    // SAFETY: all of the copy has just been written.
    unsafe { slot.set_end(header.end) };
    open_root(header, OpenedImage { owner, slot })
}

/// The root of an image that is mapped in its slot and whole.
///
/// The records' own checks are not looked at: those of a copy tell of other addresses.
fn open_root(header: &ImageHeader, image: OpenedImage) -> Result<Frozen, ImageError> {
    let base = image.slot.address();
    mark_verified(base + first_record(header.label), base + header.end);
    PinSpace::new(image).at(base + header.root).ok_or(ImageError::Damaged)
}

/// Notes of all records in that range that they are whole, so that none is looked at again.
fn mark_verified(mut address: usize, end: usize) {
    while address < end
        // SAFETY: the image that is being opened has its slot claimed.
        && let Some(bytes) = unsafe { record::length(address) }
    {
        range::set_verified(address);
        address = (address + bytes).next_multiple_of(range::ALIGNMENT);
    }
}

/// The slot for an image with that label: mostly the same, so that the same few are used, and seldom
/// that of another.
fn claim_slot(label: &[u8], owner: Owner) -> Result<Slot, RangeError> {
    const COUNT: usize = SLOTS - FIRST_SLOT;
    let first = usize::from(blake3::hash(label).as_bytes()[0]);
    let slots = (0..COUNT).map(|index| FIRST_SLOT + (first + index) % COUNT);
    let mut taken = Err(RangeError::Full);
    for slot in slots {
        taken = Slot::claim(Some(slot), owner);
        if !matches!(taken, Err(RangeError::Taken(_))) {
            break;
        }
    }
    taken
}

/// An image that is being written.
struct ImageWriter {
    owner: Owner,
    addresses: HashMap<Hash, usize>,
    pin_file: PinFile,
}

// SAFETY: an address is given out only in the pin_file, which keeps to this.
unsafe impl Backing for ImageWriter {
    fn owner(&self) -> Owner {
        self.owner
    }

    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, BackingError> {
        Ok(self.addresses.get(hash).copied())
    }

    fn place(&mut self, bytes: usize) -> Result<usize, BackingError> {
        self.pin_file.place(bytes).ok_or_else(|| "the image is larger than a slot".into())
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError> {
        self.pin_file.append(pin.record)?;
        self.addresses.insert(*pin.hash, pin.address);
        Ok(())
    }
}

/// An image that is only read.
struct OpenedImage {
    owner: Owner,
    slot: Slot,
}

// SAFETY: it gives out no addresses, and keeps nothing. Those of the image itself lie in the slot, which
// stays claimed, and its file is not changed.
unsafe impl Backing for OpenedImage {
    fn owner(&self) -> Owner {
        self.owner
    }

    fn find(&mut self, _: &Hash) -> Result<Option<usize>, BackingError> {
        Ok(None)
    }

    fn place(&mut self, _: usize) -> Result<usize, BackingError> {
        Err("an image that is finished takes no more pins".into())
    }

    fn keep(&mut self, _: NewPin<'_>) -> Result<(), BackingError> {
        Err("an image that is finished takes no more pins".into())
    }
}
