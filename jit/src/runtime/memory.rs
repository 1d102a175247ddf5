//! Memory for machine code: one reserved region, so that every piece of code can call every other.
//!
//! The region is a file in memory, mapped twice: where it is run it cannot be written, and where it
//! is written it cannot be run. Code is written through the second mapping, at the same distance
//! from its start, and does not change as long as anybody may reach it. Pieces that are given back
//! are handed out again as late as can be: the search for room goes on where the last one ended. Their
//! pages go back to the system at once.
//!
//! Processors whose caches of instructions do not follow what is written to memory are told, and at both
//! addresses. Emulators that keep what they have translated may not listen (QEMU before 8.1, whose
//! user mode knows of writes through the address that is run only), one more reason to hand out late.
//!
//! # Safety
//!
//! The invariant: *a piece of code belongs to whoever took it until it is given back; it is written
//! before anybody is told of its address, and given back when nobody can come to run it any more*.
//! The mappings stay until the [`CodeMemory`] is dropped, which everything that may run the code
//! keeps alive.

use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

/// Every piece starts at a multiple of this, and takes a multiple of it.
const ALIGNMENT: usize = 32;

/// A region of code.
pub struct CodeMemory {
    run: NonNull<u8>,
    write: NonNull<u8>,
    file: OwnedFd,
    size: usize,
    /// What can be taken: lengths by start, both in bytes from the region's; no two touch.
    free: BTreeMap<usize, usize>,
    /// Where the search for room goes on, in bytes from the region's start.
    next: usize,
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
        Ok(CodeMemory { run, write, file, size, free: BTreeMap::from([(0, size)]), next: 0 })
    }

    /// Takes a piece of at least `size` bytes: the addresses at which it will run. Nothing if there
    /// is none that large.
    pub fn take(&mut self, size: usize) -> Option<Range<usize>> {
        let size = size.max(1).checked_next_multiple_of(ALIGNMENT)?;
        let start = self.fit(self.next, size).or_else(|| self.fit(0, size))?;
        let (around, length) = self.free.range(..=start).next_back().map(|(s, l)| (*s, *l))?;
        self.free.remove(&around);
        let (end, after) = (start + size, around + length);
        if around < start {
            self.free.insert(around, start - around);
        }
        if end < after {
            self.free.insert(end, after - end);
        }
        self.next = end;
        let address = self.run.addr().get() + start;
        Some(address..address + size)
    }

    /// The first room for `size` bytes that begins at `from` or after it.
    fn fit(&self, from: usize, size: usize) -> Option<usize> {
        let around = self.free.range(..from).next_back();
        let around = around.map(|(start, length)| (from, (start + length).saturating_sub(from)));
        let later = self.free.range(from..).map(|(start, length)| (*start, *length));
        around.into_iter().chain(later).find(|(_, room)| *room >= size).map(|(start, _)| start)
    }

    /// Takes back a piece that [`CodeMemory::take`] gave, which nobody can run any more.
    pub fn give_back(&mut self, piece: Range<usize>) {
        let base = self.run.addr().get();
        let (mut start, mut end) = (piece.start - base, piece.end - base);
        if let Some((&before, &length)) = self.free.range(..start).next_back() {
            debug_assert!(before + length <= start, "a piece is given back once");
            if before + length == start {
                self.free.remove(&before);
                start = before;
            }
        }
        if let Some(length) = self.free.remove(&end) {
            end += length;
        }
        self.free.insert(start, end - start);
        self.release(start..end);
    }

    /// Gives back whole pages of what is free, if the system takes them.
    fn release(&self, free: Range<usize>) {
        let page = rustix::param::page_size();
        let (start, end) = (free.start.next_multiple_of(page), free.end / page * page);
        if start < end {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // What stays is written over when it is taken.
            let _ = rustix::fs::fallocate(&self.file, flags, start as u64, (end - start) as u64);
        }
    }

    /// The place to write the code that will run at `address`, in a piece that was taken.
    ///
    /// # Panics
    /// If that does not lie in the region.
    pub fn piece(&mut self, address: usize, size: usize) -> &mut [u8] {
        let start = address - self.run.addr().get();
        assert!(start + size <= self.size, "only what was taken is written");
        // SAFETY: the range lies in the mapping, whose bytes are initialised (a file's are 0), and
        // the borrow of the region is exclusive. Nobody runs this piece yet.
        unsafe { std::slice::from_raw_parts_mut(self.write.as_ptr().add(start), size) }
    }

    /// Makes what was written visible to the processor that runs it.
    ///
    /// # Errors
    /// If the system does not do so.
    pub fn publish(&self, piece: &Range<usize>) -> io::Result<()> {
        let written = self.write.addr().get() + (piece.start - self.run.addr().get());
        follow(written, piece);
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt()
    }

    /// Bytes of code that are taken.
    pub fn used(&self) -> usize {
        self.size - self.free.values().sum::<usize>()
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

/// Has the cache of instructions hold at `run` what was written at `written`.
///
/// The line sizes are those that every processor has at the least; x86 processors follow by themselves.
/// (Arm Architecture Reference Manual, B2.4.4: the sequence for self-modifying code.)
#[cfg(target_arch = "aarch64")]
fn follow(written: usize, run: &Range<usize>) {
    use std::arch::asm;
    const LINE: usize = 16;
    const { assert!(ALIGNMENT.is_multiple_of(LINE), "a piece begins with a line") };
    let lines = run.clone().step_by(LINE);
    for line in lines.clone() {
        let line = line - run.start + written;
        // SAFETY: cleaning a line of a mapping changes nothing that a program can see.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in lines {
        // SAFETY: nobody runs this piece yet, and what is dropped is read again.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}

#[cfg(not(target_arch = "aarch64"))]
fn follow(_: usize, _: &Range<usize>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_runs() {
        let mut memory = CodeMemory::new(1 << 16).expect("a region");
        let first = memory.take(3).expect("room");
        let second = memory.take(8).expect("room");
        assert_eq!(second.start - first.start, ALIGNMENT);
        memory.piece(second.start, 8).copy_from_slice(b"\x01\x02\x03\x04\x05\x06\x07\x08");
        memory.publish(&second).expect("published");
        let seen = std::ptr::with_exposed_provenance::<[u8; 8]>(second.start);
        // SAFETY: the mapping is readable.
        assert_eq!(unsafe { seen.read() }, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.take(1 << 16), None);
    }

    #[test]
    fn what_is_given_back_is_taken_last() {
        let mut memory = CodeMemory::new(1 << 16).expect("a region");
        let first = memory.take(1 << 13).expect("room");
        memory.give_back(first.clone());
        let rest: Vec<_> = std::iter::from_fn(|| memory.take(1 << 13)).collect();
        assert_eq!(rest.len(), 8);
        assert_eq!(rest.last(), Some(&first));
        assert_eq!(rest[0].start, first.end);
    }

    #[test]
    fn what_is_given_back_is_taken_again() {
        let mut memory = CodeMemory::new(1 << 16).expect("a region");
        let mut pieces: Vec<_> = std::iter::from_fn(|| memory.take(1000)).collect();
        assert_eq!(memory.used(), pieces.len() * 1024);
        assert_eq!(memory.take(1), None);
        // Every other one first, so that the rest has to be joined with both neighbours.
        let (mut even, mut odd) = (Vec::new(), Vec::new());
        for (index, piece) in pieces.drain(..).enumerate() {
            if index % 2 == 0 { even.push(piece) } else { odd.push(piece) }
        }
        even.into_iter().chain(odd).for_each(|piece| memory.give_back(piece));
        assert_eq!(memory.used(), 0);
        assert_eq!(memory.take(1 << 16).map(|piece| piece.len()), Some(1 << 16));
    }
}
