//! Memory for machine code: one region of addresses, so that a near call reaches all code.
//!
//! Free space is used as late as possible: the search continues where the last one ended, and
//! starts again at the end of the region. Whole free pages go back to the system immediately.
//! [`CodeMemory`] maps the region, and says how code is written to it.
//!
//! An emulator that keeps translated code may not see a store through another mapping of the code
//! (QEMU before 8.1 in user mode), one more reason to use free space late.
//!
//! # Safety
//!
//! The invariant: *every byte of the region is free, or belongs to one [`WritableCode`] or to one
//! [`PublishedCode`]; published code does not change, and its bytes become free only when no thread
//! can run it any more.* Neither token can be copied or made elsewhere, and publishing consumes the
//! first and makes the second. The mappings are removed only if no published code is left.

#![allow(unsafe_code, reason = "writes machine code into memory that it owns")]

use super::code_memory::{CodeMemory, MIN_CACHE_LINE};
use rangemap::RangeSet;
use std::io;
use std::ops::Range;

/// Every piece of code starts at a multiple of this, and takes a multiple of it. With half of it, how fast a
/// program is that mostly calls depends on the place of its code.
pub(super) const ALIGNMENT: usize = 64;

/// A region of addresses for machine code.
pub(super) struct CodeRegion {
    memory: CodeMemory,
    size: usize,
    /// The free bytes, counted from the start of the region.
    free: RangeSet<usize>,
    /// The count of bytes that are not free.
    used: usize,
    /// Where the search for free bytes continues.
    next: usize,
}

/// A piece of the region that can be written, and is not run by any thread.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct WritableCode(Range<usize>);

/// A piece of the region that threads may run. It does not change.
#[derive(PartialEq, Eq, Debug)]
pub struct PublishedCode(Range<usize>);

impl WritableCode {
    /// The address at which the code will run.
    pub(super) fn address(&self) -> usize {
        self.0.start
    }
}

impl PublishedCode {
    /// The addresses of the code.
    pub fn addresses(&self) -> Range<usize> {
        self.0.clone()
    }
}

impl CodeRegion {
    /// Reserves a region of `size` bytes, a multiple of the page size. It takes memory as it is
    /// written.
    ///
    /// # Errors
    /// If the system refuses the file or a mapping.
    pub(super) fn new(size: usize) -> io::Result<CodeRegion> {
        let memory = CodeMemory::new(size)?;
        let mut free = RangeSet::new();
        free.insert(0..size);
        Ok(CodeRegion { memory, size, free, used: 0, next: 0 })
    }

    /// The addresses at which code runs.
    pub(super) fn addresses(&self) -> Range<usize> {
        let base = self.memory.address();
        base..base + self.size
    }

    /// Takes at least `size` bytes. None if no free piece is that large.
    pub(super) fn allocate(&mut self, size: usize) -> Option<WritableCode> {
        let size = size.max(1).checked_next_multiple_of(ALIGNMENT)?;
        let start = self.first_fit(self.next, size).or_else(|| self.first_fit(0, size))?;
        let piece = start..start + size;
        self.free.remove(piece.clone());
        self.used += size;
        self.next = piece.end;
        let base = self.memory.address();
        Some(WritableCode(base + piece.start..base + piece.end))
    }

    /// The first free piece of `size` bytes that starts at `from` or after it.
    fn first_fit(&self, from: usize, size: usize) -> Option<usize> {
        if from == self.size {
            return None;
        }
        let free = self.free.overlapping(from..self.size);
        let mut starts = free.map(|free| (free.start.max(from), free.end));
        starts.find(|(start, end)| end - start >= size).map(|(start, _)| start)
    }

    /// The bytes of a piece, counted from the start of the region.
    ///
    /// # Panics
    /// If the piece is one of another region.
    fn offsets(&self, piece: &Range<usize>) -> Range<usize> {
        let base = self.memory.address();
        let offset = |address: usize| address.checked_sub(base).filter(|at| *at <= self.size);
        match (offset(piece.start), offset(piece.end)) {
            (Some(start), Some(end)) if start <= end => start..end,
            _ => panic!("code of another region"),
        }
    }

    /// Calls `write` with the bytes of a piece. It must not run code of the region: on some systems a
    /// thread cannot while it may write.
    ///
    /// # Panics
    /// If the piece is one of another region.
    pub(super) fn write<R>(
        &mut self,
        code: &mut WritableCode,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        let offsets = self.offsets(&code.0);
        // SAFETY: the range is in the memory. The piece belongs to the token, so nothing else reads or
        // writes these bytes while the token and the region are borrowed.
        unsafe { self.memory.write(offsets, write) }
    }

    /// Makes code visible to all processors. From now on threads may run it.
    ///
    /// # Errors
    /// If the system cannot do so. The piece is free then.
    ///
    /// # Panics
    /// If the piece is one of another region.
    pub(super) fn publish(&mut self, code: WritableCode) -> io::Result<PublishedCode> {
        const { assert!(ALIGNMENT.is_multiple_of(MIN_CACHE_LINE), "a piece begins with a line") };
        self.memory.synchronise_caches(self.offsets(&code.0));
        match wasmtime_internal_jit_icache_coherence::pipeline_flush_mt() {
            Ok(()) => Ok(PublishedCode(code.0)),
            Err(error) => {
                self.discard(code);
                // The type of the error depends on the system.
                Err(io::Error::other(error.to_string()))
            }
        }
    }

    /// Takes back a piece that was not published.
    ///
    /// # Panics
    /// If the piece is one of another region.
    pub(super) fn discard(&mut self, code: WritableCode) {
        self.release(&code.0);
    }

    /// Takes back published code.
    ///
    /// # Panics
    /// If the code is that of another region.
    ///
    /// # Safety
    /// No thread runs the code, and no thread can get to it: neither an address in it nor a frame
    /// that returns into it is left.
    pub(super) unsafe fn free(&mut self, code: PublishedCode) {
        self.release(&code.0);
    }

    fn release(&mut self, piece: &Range<usize>) {
        let piece = self.offsets(piece);
        debug_assert!(!self.free.overlaps(&piece), "a piece is taken back once");
        self.used -= piece.len();
        self.free.insert(piece.clone());
        // The pages that the piece shares with free neighbours are free as a whole.
        if let Some(free) = self.free.get(&piece.start).cloned() {
            self.drop_pages(&free, &piece);
        }
    }

    /// Gives the whole pages of a free range that overlap the piece back to the system.
    fn drop_pages(&self, free: &Range<usize>, piece: &Range<usize>) {
        let page = rustix::param::page_size();
        let start = free.start.next_multiple_of(page).max(piece.start / page * page);
        let end = (free.end / page * page).min(piece.end.next_multiple_of(page));
        if start < end {
            self.memory.drop_pages(start..end);
        }
    }

    /// The count of bytes that are not free.
    pub(super) fn used(&self) -> usize {
        self.used
    }
}

impl Drop for CodeRegion {
    /// Removes the mappings, unless code is published: threads may still run that.
    fn drop(&mut self) {
        if self.used > 0 {
            return;
        }
        // SAFETY: no code in the memory can be reached, and the region is gone.
        unsafe { self.memory.unmap() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> CodeRegion {
        CodeRegion::new(1 << 16).expect("a region")
    }

    #[test]
    fn code_runs_where_it_was_written() {
        let mut region = region();
        let first = region.allocate(3).expect("room");
        let mut second = region.allocate(8).expect("room");
        assert_eq!(second.address() - first.address(), ALIGNMENT);
        let bytes = *b"\x01\x02\x03\x04\x05\x06\x07\x08";
        region.write(&mut second, |piece| piece[..8].copy_from_slice(&bytes));
        let second = region.publish(second).expect("published");
        let seen = std::ptr::with_exposed_provenance::<[u8; 8]>(second.addresses().start);
        // SAFETY: the mapping is readable.
        assert_eq!(unsafe { seen.read() }, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(region.allocate(1 << 16), None);
    }

    #[test]
    fn a_free_piece_is_used_last() {
        let mut region = region();
        let first = region.allocate(1 << 13).expect("room");
        let taken = first.0.clone();
        region.discard(first);
        let rest: Vec<_> = std::iter::from_fn(|| region.allocate(1 << 13)).collect();
        assert_eq!(rest.len(), 8);
        assert_eq!(rest.last().map(|piece| piece.0.clone()), Some(taken.clone()));
        assert_eq!(rest[0].address(), taken.end);
    }

    #[test]
    fn free_pieces_are_joined_with_their_neighbours() {
        let mut region = region();
        let mut pieces: Vec<_> = std::iter::from_fn(|| region.allocate(1000)).collect();
        assert_eq!(region.used(), pieces.len() * 1024);
        assert_eq!(region.allocate(1), None);
        // Every other one first, so that the rest has to be joined with both neighbours.
        let (mut even, mut odd) = (Vec::new(), Vec::new());
        for (index, piece) in pieces.drain(..).enumerate() {
            if index % 2 == 0 { even.push(piece) } else { odd.push(piece) }
        }
        even.into_iter().chain(odd).for_each(|piece| region.discard(piece));
        assert_eq!(region.used(), 0);
        assert_eq!(region.allocate(1 << 16).map(|piece| piece.0.len()), Some(1 << 16));
    }

    #[test]
    #[should_panic = "code of another region"]
    fn code_of_another_region_is_refused() {
        let mut code = region().allocate(8).expect("room");
        region().write(&mut code, |_| ());
    }

    /// Two mappings, one of them writable and the other executable, whatever is published and
    /// freed.
    #[test]
    #[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
    fn no_mapping_is_writable_and_executable() {
        let mut region = region();
        for _ in 0..200 {
            let pieces: Vec<_> = std::iter::from_fn(|| region.allocate(5000)).collect();
            for (index, piece) in pieces.into_iter().enumerate() {
                let piece = region.publish(piece).expect("published");
                if index % 2 == 0 {
                    // SAFETY: it was never run.
                    unsafe { region.free(piece) };
                }
            }
        }
        let maps = std::fs::read_to_string("/proc/self/maps").expect("the list of mappings");
        let starts = region.memory.mappings().map(|start| format!("{start:x}-"));
        let flags: Vec<&str> = starts
            .iter()
            .map(|start| maps.lines().find(|line| line.starts_with(start)).expect("a mapping"))
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert_eq!(flags, ["r-xs", "rw-s"]);
    }
}
