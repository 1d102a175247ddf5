//! One mapping of memory that may be written and run.
//!
//! On macOS with Apple's processors it is a mapping for compilers (`MAP_JIT`): each thread may either
//! write it or run it. Threads run code, except in [`CodeMemory::write`]. On other processors and
//! systems every thread may do both at any time: there is no W^X.

use super::synchronise_lines;
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

/// Memory for machine code. It stays mapped until [`CodeMemory::unmap`].
pub(in crate::runtime) struct CodeMemory {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the mapping belongs to this value alone, and may be used by any thread.
unsafe impl Send for CodeMemory {}

#[cfg(target_vendor = "apple")]
const FLAGS: MapFlags = MapFlags::PRIVATE.union(MapFlags::from_bits_retain(libc::MAP_JIT as u32));
#[cfg(not(target_vendor = "apple"))]
const FLAGS: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);

impl CodeMemory {
    /// Maps `size` bytes, a multiple of the page size. They take memory as they are written.
    ///
    /// # Errors
    /// If the system refuses the mapping.
    pub(in crate::runtime) fn new(size: usize) -> io::Result<CodeMemory> {
        let protection = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
        // SAFETY: a new anonymous mapping, at an address that the kernel chooses.
        let start =
            unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), size, protection, FLAGS) }?;
        let start = NonNull::new(start.cast());
        let start = start.ok_or_else(|| io::Error::other("mapped at address 0"))?;
        Ok(CodeMemory { start, size })
    }

    /// Returns the first address at which code runs.
    pub(in crate::runtime) fn address(&self) -> usize {
        self.start.addr().get()
    }

    /// Calls `write` with the bytes of a range, counted from the start. It must not run code of the
    /// memory.
    ///
    /// # Safety
    /// The range is in the memory, and nothing else reads or writes it during the call.
    pub(in crate::runtime) unsafe fn write<R>(
        &mut self,
        range: Range<usize>,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        let _access = WriteAccess::begin();
        // SAFETY: by this function's contract. The bytes are initialised: those of a new mapping are 0.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr().add(range.start), range.len())
        };
        write(bytes)
    }

    /// Makes the instruction caches coherent with what was written to a range.
    pub(in crate::runtime) fn synchronise_caches(&self, range: Range<usize>) {
        let run = self.address() + range.start..self.address() + range.end;
        synchronise_lines(run.start, &run);
    }

    /// Keeps the pages: they are written over when the range is used again.
    pub(in crate::runtime) fn drop_pages(&self, _: Range<usize>) {}

    /// Removes the mapping.
    ///
    /// # Safety
    /// No thread runs code in the memory, and the value is not used any more.
    pub(in crate::runtime) unsafe fn unmap(&self) {
        // SAFETY: `new` made the mapping with this size, and nothing uses it any more.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.size) };
        debug_assert!(unmapped.is_ok());
    }
}

/// The right of the calling thread to write mappings for compilers, until it is dropped. The thread
/// cannot run their code meanwhile.
struct WriteAccess;

impl WriteAccess {
    fn begin() -> WriteAccess {
        protect_from_this_thread(false);
        WriteAccess
    }
}

impl Drop for WriteAccess {
    fn drop(&mut self) {
        protect_from_this_thread(true);
    }
}

#[cfg(all(target_vendor = "apple", target_arch = "aarch64"))]
fn protect_from_this_thread(is_protected: bool) {
    // SAFETY: the call changes only what the calling thread may do with mappings for compilers. It
    // runs no code of one while it may write (the contract of `CodeMemory::write`).
    unsafe { libc::pthread_jit_write_protect_np(is_protected.into()) };
}

#[cfg(not(all(target_vendor = "apple", target_arch = "aarch64")))]
fn protect_from_this_thread(_: bool) {}
