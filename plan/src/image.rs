//! Images: a pin space in one file that is written once and then only read.
//!
//! An image holds a value with all pins in it. It opens without reading it value by value: the file
//! is mapped and checked as a whole, and its root is adopted. It serves data that can be
//! recomputed, such as caches: there is no journal, nothing is flushed, and a damaged image is
//! refused. A finished image never changes, so any number of processes may have it open without a
//! lock, even while another process replaces or removes its file.
//!
//! # Trust
//!
//! The check of an image detects damage, not an attacker: anyone can compute it, and the words of
//! the file are used as values without further checks. A heap also reads the mapped file for as
//! long as it lives. So [`save`] and [`open`] are unsafe: the caller promises who writes the file.
//! A program opens only images that it wrote itself, in a directory that other users cannot write
//! to.
//!
//! `FORMAT.md` describes the bytes.

use crate::digest::Hash;
use crate::freeze::FreezeError;
use crate::heap::Val;
use crate::pinspace::range::{self, FilePart, SLOT_SIZE, SLOTS};
use crate::pinspace::record::{self, LINE_WORDS};
use crate::pinspace::{
    BackingError, FORMAT_VERSION, FrozenPin, NewPin, PinFile, PinSpace, PinSpaceBacking,
    PinSpaceId, RangeError, RangeSlot, SlotFile, nameless,
};
use crate::platform::program_file;
use crate::values::Heap;
use crate::word::Word;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"PALLASIM";
/// The bytes before the label; the last 32 are the check.
const HEADER: usize = 128;
const CHECKED_BYTES: usize = 96;
/// The number of bytes that are read at once to compute the check.
const CHUNK: usize = 256 << 10;
/// The longest label, in bytes.
pub const LABEL_MAX: usize = 1 << 24;
/// The first slot for images; other pin spaces use the lower half of the range.
const FIRST_SLOT: usize = SLOTS / 2;

/// Why an image was not written or opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not an image.
    #[error("it is not an image of pins")]
    Foreign,
    /// The file has another version of the format.
    #[error("it has version {0} of the pin format; this program reads version {FORMAT_VERSION}")]
    Version(u32),
    /// The bytes of the file are not those that were written.
    #[error("it is damaged (its checksum does not match)")]
    Damaged,
    /// The label is longer than [`LABEL_MAX`].
    #[error("its label has {0} bytes, over the limit of {LABEL_MAX}")]
    Label(usize),
    /// No slot of the pin range can be used.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The value was not frozen.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
}

/// The header of an image.
struct ImageHeader {
    slot: usize,
    /// The offset of the root's record, and the length of the file.
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

    /// Reads the header of a file, and checks it against the file's length.
    fn read(file: &File) -> Result<ImageHeader, ImageError> {
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0).map_err(|_| ImageError::Foreign)?;
        ImageHeader::decode(&bytes, file.metadata()?.len())
    }

    /// Decodes the header of an image of `length` bytes.
    fn decode(bytes: &[u8; HEADER], length: u64) -> Result<ImageHeader, ImageError> {
        let found = version(bytes)?;
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
        let is_sound = label <= LABEL_MAX
            && slot < SLOTS
            && end <= SLOT_SIZE
            && end as u64 == length
            && end.is_multiple_of(8)
            && root.is_multiple_of(range::ALIGNMENT)
            && (first_record(label)..end).contains(&root);
        // The check covers the rest of the header.
        if is_sound && header.encode() == *bytes { Ok(header) } else { Err(ImageError::Damaged) }
    }

    /// Returns the address of the image's first byte in its own slot.
    fn base(&self) -> usize {
        range::BASE + self.slot * SLOT_SIZE
    }

    /// Computes the check of a file with this header. Calls `visit` with the bytes behind the
    /// header, in order.
    fn expected(&self, file: &File, mut visit: impl FnMut(&[u8])) -> io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.encode()[..CHECKED_BYTES]);
        let mut chunk = vec![0; CHUNK.min(self.end - HEADER)];
        let mut at = HEADER;
        while at < self.end {
            let piece = &mut chunk[..CHUNK.min(self.end - at)];
            file.read_exact_at(piece, at as u64)?;
            hasher.update(piece);
            visit(piece);
            at += piece.len();
        }
        Ok(*hasher.finalize().as_bytes())
    }

    /// Checks the bytes of a file behind the header, and calls `visit` with them.
    fn verify(&self, file: &File, visit: impl FnMut(&[u8])) -> Result<(), ImageError> {
        if self.expected(file, visit)? == self.check { Ok(()) } else { Err(ImageError::Damaged) }
    }

    /// Returns the number of words behind the header.
    fn words(&self) -> usize {
        (self.end - HEADER) / 8
    }
}

fn version(bytes: &[u8; HEADER]) -> Result<u32, ImageError> {
    let (magic, rest) = bytes.split_at(8);
    let (version, _) = rest.split_first_chunk().ok_or(ImageError::Foreign)?;
    if magic == MAGIC { Ok(u32::from_le_bytes(*version)) } else { Err(ImageError::Foreign) }
}

/// Returns the offset of the first record, behind a label of `label` bytes.
fn first_record(label: usize) -> usize {
    (HEADER + label).next_multiple_of(range::ALIGNMENT)
}

/// Writes an image of a value in normal form into an empty file, which is open for reading and
/// writing. `path` is for messages.
///
/// The label is for the caller's use. It can be read without opening the image, and it determines
/// the slot. A process can map only one image in each slot.
///
/// The heap keeps using the pins in the image. The file may be removed afterwards.
///
/// # Errors
/// See [`ImageError`]. The file is then not an image.
///
/// # Safety
/// Nothing else writes to the file or truncates it, during the call or later while this process
/// runs.
pub unsafe fn save(
    heap: &mut Heap,
    value: &Val,
    label: &[u8],
    file: &File,
    path: &Path,
) -> Result<(), ImageError> {
    if label.len() > LABEL_MAX {
        return Err(ImageError::Label(label.len()));
    }
    let owner = PinSpaceId::new();
    let slot = claim_slot(label, owner)?;
    let number = slot.number();
    file.write_all_at(label, HEADER as u64)?;
    let path = Some(path.to_path_buf());
    let base = first_record(label.len());
    // SAFETY: by this function's contract, nothing else writes the file. The header is written
    // before the first record, and no value is there.
    let pin_file = unsafe { PinFile::new(slot, file.try_clone()?, path, base) }?;
    let space = PinSpace::new(ImageWriter { owner, addresses: HashMap::new(), pin_file });
    let root = heap.freeze(value, &space)?.address();
    let (start, end) = (range::BASE + number * SLOT_SIZE, range::end(root));
    let (root, end, label) = (root - start, end - start, label.len());
    let mut header = ImageHeader { slot: number, root, end, label, check: [0; 32] };
    header.check = header.expected(file, |_| {})?;
    file.write_all_at(&header.encode(), 0)?;
    Ok(())
}

/// Reads the label of an image, which may be damaged.
///
/// # Errors
/// See [`ImageError`].
pub fn label(file: &File) -> Result<Vec<u8>, ImageError> {
    let header = ImageHeader::read(file)?;
    let mut label = vec![0; header.label];
    file.read_exact_at(&mut label, HEADER as u64)?;
    Ok(label)
}

/// The bytes of an image that are a part of this program.
///
/// Its check is not compared: the code of the program has none either.
pub struct EmbeddedImage {
    bytes: &'static [u8],
    header: ImageHeader,
}

impl EmbeddedImage {
    /// Reads the header of an embedded image.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn new(bytes: &'static [u8]) -> Result<EmbeddedImage, ImageError> {
        let (first, _) = bytes.split_first_chunk().ok_or(ImageError::Foreign)?;
        let header = ImageHeader::decode(first, bytes.len() as u64)?;
        Ok(EmbeddedImage { bytes, header })
    }

    /// Returns the label of the image.
    pub fn label(&self) -> &'static [u8] {
        &self.bytes[HEADER..][..self.header.label]
    }

    /// Opens the image in a slot, and returns its root, a pin. A second call opens a copy.
    ///
    /// The slot maps the file of the program, so only pages that are read take memory, and all
    /// processes of the program share them. Where the file cannot be found or mapped, the slot gets
    /// a copy of the bytes.
    ///
    /// # Errors
    /// See [`ImageError`].
    ///
    /// # Safety
    /// [`save`] wrote the bytes into a file.
    pub unsafe fn open(&self) -> Result<FrozenPin, ImageError> {
        // SAFETY: by this function's contract. The file of the program is as safe as the program's
        // code, which the system maps from it.
        unsafe { self.open_from(program_file(self.bytes)) }
    }

    /// Opens the image as [`EmbeddedImage::open`], from a file that may have it at this offset.
    ///
    /// # Errors
    /// See [`ImageError`].
    ///
    /// # Safety
    /// [`save`] wrote the bytes into a file. If the file has them, no process changes them while this
    /// process runs.
    pub(crate) unsafe fn open_from(
        &self,
        file: Option<(File, u64)>,
    ) -> Result<FrozenPin, ImageError> {
        let owner = PinSpaceId::new();
        let mut slot = match RangeSlot::claim(Some(self.header.slot), owner) {
            Err(RangeError::Taken(_)) => {
                let words = self.bytes[HEADER..].as_chunks().0;
                let words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
                // SAFETY: by this function's contract.
                return unsafe { open_moved(&self.header, words) };
            }
            slot => slot?,
        };
        if let Some((file, offset)) = file
            // SAFETY: the slot has just been claimed. By this function's contract.
            && unsafe { self.map(&mut slot, file, offset) }.is_some()
        {
            return open_root(&self.header, OpenedImage { owner, slot });
        }
        // SAFETY: by this function's contract, the words are those of an image in this slot.
        unsafe { open_in_memory(&self.header, slot, owner, &self.bytes[HEADER..]) }
    }

    /// Maps the part of a file that has the image. None if it has not, or cannot be mapped; the
    /// slot is as before then.
    ///
    /// # Safety
    /// The slot has just been claimed. If the file has the image, no process changes it while this
    /// process runs.
    unsafe fn map(&self, slot: &mut RangeSlot, file: File, offset: u64) -> Option<()> {
        // The header has the check of all bytes, so what follows an equal one is this image.
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, offset).ok()?;
        if header[..] != self.bytes[..HEADER] {
            return None;
        }
        let part = FilePart { file: file.try_clone().ok()?, offset };
        let contents = SlotFile { path: std::env::current_exe().ok(), reader: Arc::new(part) };
        // SAFETY: by this function's contract.
        unsafe { slot.map_part(&file, offset, self.header.end, contents) }.ok()?;
        // SAFETY: the image has that many bytes, and by this function's contract they stay.
        unsafe { slot.set_end(self.header.end) };
        Some(())
    }
}

/// Opens an image after checking all of it, and returns its root, a pin. `path` is for messages.
///
/// If its slot is in use, for instance by the same image, a copy is opened in another slot.
///
/// # Errors
/// See [`ImageError`].
///
/// # Safety
/// If the file is an image with a matching check, [`save`] wrote it. No process writes to the file
/// while this process runs. (If a process truncates it, an evaluation that reads what is missing
/// ends as one that reads a damaged pin.)
pub unsafe fn open(file: &File, path: &Path) -> Result<FrozenPin, ImageError> {
    let header = ImageHeader::read(file)?;
    let owner = PinSpaceId::new();
    let mut slot = match RangeSlot::claim(Some(header.slot), owner) {
        // SAFETY: by this function's contract.
        Err(RangeError::Taken(_)) => return unsafe { open_copy(file, &header) },
        slot => slot?,
    };
    header.verify(file, |_| {})?;
    let reader = Arc::new(file.try_clone()?);
    // SAFETY: the slot has just been claimed, so nothing in it is in use. No process changes the
    // file, by this function's contract.
    unsafe { slot.map(file, SlotFile { path: Some(path.to_path_buf()), reader }) }?;
    // SAFETY: the header has been compared with the file's length, and the file does not change.
    unsafe { slot.set_end(header.end) };
    open_root(&header, OpenedImage { owner, slot })
}

/// Opens a copy of an image in another slot.
///
/// # Safety
/// If the file is an image with a matching check, [`save`] wrote it.
unsafe fn open_copy(file: &File, header: &ImageHeader) -> Result<FrozenPin, ImageError> {
    let mut words: Vec<u64> = Vec::with_capacity(header.words());
    // The chunks and the image are whole words.
    let add = |bytes: &[u8]| {
        words.extend(bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)));
    };
    header.verify(file, add)?;
    // SAFETY: the words have the check of the image, so `save` wrote them.
    unsafe { open_moved(header, words) }
}

/// Opens a copy of an image in another slot.
///
/// # Safety
/// The words are those that [`save`] wrote behind this header.
unsafe fn open_moved(header: &ImageHeader, mut words: Vec<u64>) -> Result<FrozenPin, ImageError> {
    let owner = PinSpaceId::new();
    let slot = claim_slot(&[], owner)?;
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
    // SAFETY: every address in the words has been moved to the slot.
    unsafe { open_in_memory(header, slot, owner, range::bytes_of(&words)) }
}

/// Opens an image from its bytes behind the header, in a slot that has just been claimed.
///
/// # Safety
/// The bytes are those that [`save`] wrote behind this header, with the addresses of this slot.
unsafe fn open_in_memory(
    header: &ImageHeader,
    mut slot: RangeSlot,
    owner: PinSpaceId,
    bytes: &[u8],
) -> Result<FrozenPin, ImageError> {
    let file = nameless()?;
    file.write_all_at(bytes, HEADER as u64)?;
    let reader = Arc::new(file.try_clone()?);
    // SAFETY: the slot has just been claimed, and no other code has the file.
    unsafe { slot.map(&file, SlotFile { path: None, reader }) }?;
    // SAFETY: the whole file has just been written.
    unsafe { slot.set_end(header.end) };
    open_root(header, OpenedImage { owner, slot })
}

/// Returns the root of an image that is mapped in its slot and intact.
///
/// The records' own checks are not compared: those of a copy cover other addresses.
fn open_root(header: &ImageHeader, image: OpenedImage) -> Result<FrozenPin, ImageError> {
    let base = image.slot.address();
    range::set_all_verified(base + first_record(header.label), base + header.end);
    // SAFETY: `save` has written the header, which the check covers; its root is the address of
    // the record that was stored last.
    unsafe { PinSpace::new(image).at(base + header.root) }.map_err(|_| ImageError::Damaged)
}

/// Claims a slot for an image with that label: mostly the same slot for the same label, and rarely
/// that of another label.
fn claim_slot(label: &[u8], owner: PinSpaceId) -> Result<RangeSlot, RangeError> {
    const COUNT: usize = SLOTS - FIRST_SLOT;
    let first = usize::from(blake3::hash(label).as_bytes()[0]);
    let slots = (0..COUNT).map(|index| FIRST_SLOT + (first + index) % COUNT);
    let mut taken = Err(RangeError::Full);
    for slot in slots {
        taken = RangeSlot::claim(Some(slot), owner);
        if !matches!(taken, Err(RangeError::Taken(_))) {
            break;
        }
    }
    taken
}

/// An image that is being written.
struct ImageWriter {
    owner: PinSpaceId,
    addresses: HashMap<Hash, usize>,
    pin_file: PinFile,
}

// SAFETY: the addresses are in the slot of `pin_file`, which stays claimed, is only appended to,
// and includes a record in the slot's end after writing it.
unsafe impl PinSpaceBacking for ImageWriter {
    fn owner(&self) -> PinSpaceId {
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

/// An opened image.
struct OpenedImage {
    owner: PinSpaceId,
    slot: RangeSlot,
}

// SAFETY: the backing returns no addresses and stores nothing. The image's own addresses are in the
// slot, which stays claimed, and its file does not change.
unsafe impl PinSpaceBacking for OpenedImage {
    fn owner(&self) -> PinSpaceId {
        self.owner
    }

    fn find(&mut self, _: &Hash) -> Result<Option<usize>, BackingError> {
        Ok(None)
    }

    fn place(&mut self, _: usize) -> Result<usize, BackingError> {
        Err("a finished image takes no more pins".into())
    }

    fn keep(&mut self, _: NewPin<'_>) -> Result<(), BackingError> {
        Err("a finished image takes no more pins".into())
    }
}
