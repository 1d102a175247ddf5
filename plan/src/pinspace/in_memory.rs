//! A pin space in memory: its files have no names, and are gone with it.

use super::range::{ALIGNMENT, SLOT_SIZE};
use super::range::{Owner, RangeError, Slot};
use super::space::{Backing, BackingError, NewPin};
use crate::digest::Hash;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Keeps pins in files without names.
pub(super) struct InMemoryBacking {
    owner: Owner,
    addresses: HashMap<Hash, usize>,
    /// Full, but for the last.
    files: Vec<PinFile>,
}

/// A mapped file that grows by records.
pub struct PinFile {
    slot: Slot,
    file: File,
    /// Bytes in use.
    used: usize,
}

/// A pin does not fit.
#[derive(Debug, thiserror::Error)]
#[error("a pin of {0} bytes is over the limit of {SLOT_SIZE}")]
struct PinTooLarge(usize);

impl InMemoryBacking {
    pub(super) fn new() -> Result<InMemoryBacking, RangeError> {
        let owner = Owner::new();
        Ok(InMemoryBacking {
            owner,
            addresses: HashMap::new(),
            files: vec![PinFile::nameless(owner)?],
        })
    }
}

/// A file in memory, without a name.
///
/// # Errors
/// [`RangeError::Map`] if there is none to be had.
pub fn nameless() -> Result<File, RangeError> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let file = memfd_create("pallas-pins", MemfdFlags::CLOEXEC);
    file.map(File::from).map_err(|error| RangeError::Map(error.into()))
}

impl PinFile {
    /// A pin_file in memory, in a slot that is free.
    fn nameless(owner: Owner) -> Result<PinFile, RangeError> {
        let file = nameless()?;
        PinFile::new(Slot::claim(None, owner)?, file, 0)
    }

    /// A pin_file in a file that nobody else writes, its first so many bytes (a multiple of the
    /// alignment) taken.
    pub(crate) fn new(mut slot: Slot, file: File, used: usize) -> Result<PinFile, RangeError> {
        // SAFETY: the file is ours alone, and read only where it has been written and stays as it is.
        unsafe { slot.map(&file) }?;
        Ok(PinFile { slot, file, used })
    }

    /// Where a record of so many bytes would go, if there is room.
    pub(crate) fn place(&self, bytes: usize) -> Option<usize> {
        (bytes <= SLOT_SIZE - self.used).then(|| self.slot.address() + self.used)
    }

    /// Writes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.used as u64)?;
        self.used += bytes.len();
        // SAFETY: the bytes have just been written, and only what is behind them is written later.
        unsafe { self.slot.set_end(self.used) };
        self.used = self.used.next_multiple_of(ALIGNMENT);
        Ok(())
    }
}

// SAFETY: an address is given out only in a slot of ours, which stays claimed; its file has
// the pin before the slot's end allows reading it, and is written only behind that.
unsafe impl Backing for InMemoryBacking {
    fn owner(&self) -> Owner {
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
