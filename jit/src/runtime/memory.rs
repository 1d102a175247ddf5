//! Memory for machine code: one reserved region, so that every piece of code can call every other.
//!
//! The region is a file in memory, mapped twice: where it is run it cannot be written, and where it
//! is written it cannot be run. Code is written through the second mapping, at the same distance
//! from its start, and never changed once it has been reached.
//!
//! # Safety
//!
//! The invariant: *code is handed out piece by piece from the start of the region; a piece is written
//! by whoever got it, before anybody is told of its address*. The mappings stay until the
//! [`CodeMemory`] is dropped, which everything that may run the code keeps alive.

use rustix::fs::MemfdFlags;
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ptr::NonNull;

/// Every piece starts at a multiple of this.
const ALIGNMENT: usize = 32;

/// A region of code.
pub struct CodeMemory {
    run: NonNull<u8>,
    write: NonNull<u8>,
    size: usize,
    used: usize,
}

// SAFETY: the mappings belong to nobody else, and are reached through the methods only, which follow
// Rust's rules for borrows.
unsafe impl Send for CodeMemory {}

impl CodeMemory {
    /// A region of `size` bytes, a multiple of the page size. Memory is taken as it is written.
    ///
    /// # Errors
    /// If the system does not grant it.
    pub fn new(size: usize) -> io::Result<CodeMemory> {
        let file = rustix::fs::memfd_create("pallas-code", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, size as u64)?;
        let map = |protection| {
            // SAFETY: a new mapping, of a new file, at an address the kernel chooses.
            let address = unsafe {
                rustix::mm::mmap(std::ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0)
            }?;
            NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))
        };
        let run = map(ProtFlags::READ | ProtFlags::EXEC)?;
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        Ok(CodeMemory { run, write, size, used: 0 })
    }

    /// Takes a piece of `size` bytes: the address at which it will run. Nothing if the region is
    /// full.
    pub fn take(&mut self, size: usize) -> Option<usize> {
        let start = self.used.next_multiple_of(ALIGNMENT);
        let end = start.checked_add(size).filter(|end| *end <= self.size)?;
        self.used = end;
        Some(self.run.addr().get() + start)
    }

    /// The place to write the code that will run at `address`, which [`CodeMemory::take`] gave for
    /// at least `size` bytes.
    ///
    /// # Panics
    /// If that does not lie in what has been taken.
    pub fn piece(&mut self, address: usize, size: usize) -> &mut [u8] {
        let start = address - self.run.addr().get();
        assert!(start + size <= self.used, "only what was taken is written");
        // SAFETY: the range lies in the mapping, whose bytes are initialised (a file's are 0), and
        // the borrow of the region is exclusive. Nobody runs this piece yet.
        unsafe { std::slice::from_raw_parts_mut(self.write.as_ptr().add(start), size) }
    }

    /// Makes what was written visible to the processor that runs it.
    ///
    /// # Errors
    /// If the system does not do so.
    pub fn publish(&self, address: usize, size: usize) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance(address);
        // SAFETY: the range lies in the mapping.
        unsafe { wasmtime_internal_jit_icache_coherence::clear_cache(start, size) }?;
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt()
    }

    /// Bytes of code written.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        for mapping in [self.run, self.write] {
            // SAFETY: mapped by `new` with this size, and used by nobody any more.
            let unmapped = unsafe { rustix::mm::munmap(mapping.as_ptr().cast(), self.size) };
            debug_assert!(unmapped.is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_runs() {
        let mut memory = CodeMemory::new(1 << 16).expect("a region");
        let first = memory.take(3).expect("room");
        let second = memory.take(8).expect("room");
        assert_eq!(second - first, ALIGNMENT);
        memory.piece(second, 8).copy_from_slice(b"\x01\x02\x03\x04\x05\x06\x07\x08");
        memory.publish(second, 8).expect("published");
        let seen = std::ptr::with_exposed_provenance::<[u8; 8]>(second);
        // SAFETY: the mapping is readable.
        assert_eq!(unsafe { seen.read() }, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.take(1 << 16), None);
    }
}
