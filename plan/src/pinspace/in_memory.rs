//! A pin space in memory, backed by files without names.

use super::range::{ALIGNMENT, PinSpaceId, RangeError, RangeSlot, SLOT_SIZE, SlotFile};
use super::space::{BackingError, NewPin, PinSpace, PinSpaceBacking};
use crate::digest::Hash;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

impl PinSpace {
    /// Creates a pin space in memory, which is freed with the last reference to it.
    ///
    /// # Errors
    /// If no slot of the range can be claimed.
    pub fn in_memory() -> Result<Arc<PinSpace>, RangeError> {
        Ok(PinSpace::new(InMemoryBacking::new()?))
    }
}

/// Stores pins in files without names, which are freed with it.
struct InMemoryBacking {
    owner: PinSpaceId,
    addresses: HashMap<Hash, usize>,
    /// The files; all but the last are full.
    files: Vec<PinFile>,
}

/// A mapped file that records are appended to.
pub struct PinFile {
    slot: RangeSlot,
    file: File,
    /// The number of bytes in use.
    used: usize,
}

/// A pin is larger than a slot.
#[derive(Debug, thiserror::Error)]
#[error("a pin of {0} bytes is over the limit of {SLOT_SIZE}")]
struct PinTooLarge(usize);

impl InMemoryBacking {
    fn new() -> Result<InMemoryBacking, RangeError> {
        let owner = PinSpaceId::new();
        Ok(InMemoryBacking {
            owner,
            addresses: HashMap::new(),
            files: vec![PinFile::nameless(owner)?],
        })
    }
}

/// Creates an empty file without a name, in memory where the system has such files.
///
/// # Errors
/// [`RangeError::Map`] if the system refuses.
pub fn nameless() -> Result<File, RangeError> {
    crate::platform::nameless_file("pallas-pins").map_err(RangeError::Map)
}

impl PinFile {
    /// Creates a file in memory, mapped in a free slot.
    fn nameless(owner: PinSpaceId) -> Result<PinFile, RangeError> {
        let file = nameless()?;
        // SAFETY: no other code has the file.
        unsafe { PinFile::new(RangeSlot::claim(None, owner)?, file, None, 0) }
    }

    /// Maps a file. Its first `used` bytes, a multiple of the alignment, are in use.
    ///
    /// # Safety
    /// Nothing else writes to the file at or behind `used`, or truncates it, while this process
    /// runs.
    pub(crate) unsafe fn new(
        mut slot: RangeSlot,
        file: File,
        path: Option<PathBuf>,
        used: usize,
    ) -> Result<PinFile, RangeError> {
        let reader = Arc::new(file.try_clone().map_err(RangeError::Map)?);
        // SAFETY: only this `PinFile` writes the file, and it never changes bytes below the slot's
        // end.
        unsafe { slot.map(&file, SlotFile { path, reader }) }?;
        Ok(PinFile { slot, file, used })
    }

    /// Returns the address of the next record, if `bytes` bytes fit.
    pub(crate) fn place(&self, bytes: usize) -> Option<usize> {
        (bytes <= SLOT_SIZE - self.used).then(|| self.slot.address() + self.used)
    }

    /// Appends a record.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.used as u64)?;
        self.used += bytes.len();
        // SAFETY: the bytes have just been written, and later writes go behind them.
        unsafe { self.slot.set_end(self.used) };
        self.used = self.used.next_multiple_of(ALIGNMENT);
        Ok(())
    }
}

// SAFETY: the addresses are in slots of `files`, which stay claimed. A file has the pin before the
// slot's end includes it, and is written only behind that.
unsafe impl PinSpaceBacking for InMemoryBacking {
    fn owner(&self) -> PinSpaceId {
        self.owner
    }

    fn find(&mut self, hash: &Hash) -> Result<Option<usize>, BackingError> {
        Ok(self.addresses.get(hash).copied())
    }

    fn place(&mut self, bytes: usize) -> Result<usize, BackingError> {
        if bytes > SLOT_SIZE {
            return Err(PinTooLarge(bytes).into());
        }
        match self.files.last().and_then(|last| last.place(bytes)) {
            Some(address) => Ok(address),
            None => {
                let pin_file = PinFile::nameless(self.owner)?;
                let address = pin_file.slot.address();
                self.files.push(pin_file);
                Ok(address)
            }
        }
    }

    fn keep(&mut self, pin: NewPin<'_>) -> Result<(), BackingError> {
        let Some(last) = self.files.last_mut() else { unreachable!("there is always a file") };
        last.append(pin.record)?;
        self.addresses.insert(*pin.hash, pin.address);
        Ok(())
    }
}
