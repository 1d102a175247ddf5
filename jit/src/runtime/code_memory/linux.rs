//! A file in memory that is mapped twice. One mapping can be run and not written, the other can be
//! written and not run: no page is ever both (W^X). Code is written through the second mapping and
//! runs at the same distance from the start of the first. Two mappings are all that a region takes of
//! the process's limit, however much code comes and goes.

use super::synchronise_lines;
use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

/// Memory for machine code. It stays mapped until [`CodeMemory::unmap`].
pub(in crate::runtime) struct CodeMemory {
    /// The mapping that can be run.
    run: NonNull<u8>,
    /// The mapping that can be written.
    write: NonNull<u8>,
    file: OwnedFd,
    size: usize,
}

// SAFETY: the mappings belong to this value alone, and may be used by any thread.
unsafe impl Send for CodeMemory {}

impl CodeMemory {
    /// Maps `size` bytes, a multiple of the page size. They take memory as they are written.
    ///
    /// # Errors
    /// If the system refuses the file or a mapping.
    pub(in crate::runtime) fn new(size: usize) -> io::Result<CodeMemory> {
        let file = rustix::fs::memfd_create("pallas-code", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, size as u64)?;
        let map = |protection| {
            // SAFETY: a new mapping of a new file, at an address that the kernel chooses.
            let address = unsafe {
                rustix::mm::mmap(std::ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0)
            }?;
            NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))
        };
        let run = map(ProtFlags::READ | ProtFlags::EXEC)?;
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        Ok(CodeMemory { run, write, file, size })
    }

    /// Returns the first address at which code runs.
    pub(in crate::runtime) fn address(&self) -> usize {
        self.run.addr().get()
    }

    /// Calls `write` with the bytes of a range, counted from the start.
    ///
    /// # Safety
    /// The range is in the memory, and nothing else reads or writes it during the call.
    pub(in crate::runtime) unsafe fn write<R>(
        &mut self,
        range: Range<usize>,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        // SAFETY: by this function's contract. The bytes are initialised: those of a new file are 0.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(self.write.as_ptr().add(range.start), range.len())
        };
        write(bytes)
    }

    /// Makes the instruction caches coherent with what was written to a range.
    pub(in crate::runtime) fn synchronise_caches(&self, range: Range<usize>) {
        let run = self.address() + range.start..self.address() + range.end;
        synchronise_lines(self.write.addr().get() + range.start, &run);
    }

    /// Gives whole pages back to the system.
    pub(in crate::runtime) fn drop_pages(&self, range: Range<usize>) {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // If the system keeps the pages, they are written over when the range is used again.
        let (start, length) = (range.start as u64, range.len() as u64);
        let _ = rustix::fs::fallocate(&self.file, flags, start, length);
    }

    /// Removes the mappings.
    ///
    /// # Safety
    /// No thread runs code in the memory, and the value is not used any more.
    pub(in crate::runtime) unsafe fn unmap(&self) {
        for mapping in [self.run, self.write] {
            // SAFETY: `new` made the mapping with this size, and nothing uses it any more.
            let unmapped = unsafe { rustix::mm::munmap(mapping.as_ptr().cast(), self.size) };
            debug_assert!(unmapped.is_ok());
        }
    }

    /// The first addresses of the mapping that is run, and of the one that is written.
    #[cfg(test)]
    pub(in crate::runtime) fn mappings(&self) -> [usize; 2] {
        [self.run, self.write].map(|start| start.addr().get())
    }
}
