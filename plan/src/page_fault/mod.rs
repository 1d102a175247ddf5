//! Page faults that the file system answers with an error: SIGBUS on a mapped file.
//!
//! A page of a mapped file can become unreadable while the process uses it: the disk has a bad
//! sector, or another process truncates the file. The kernel then sends SIGBUS to the thread that
//! reads the page. The handler of this module turns that into an error of the evaluation:
//!
//! ```text
//! read of a mapped page ─▶ SIGBUS ─▶ is the address in a registered range?
//!                                      │ no: the previous handler decides (core dump, message)
//!                                      ▼ yes
//!            the range records the lost page and a fault number
//!            a replacement page takes its place
//!            the heaps that may point into the range are interrupted
//!                                      ▼
//!            the read returns, the evaluation goes on to its next check and ends with the file
//!            and offset of the lost page
//! ```
//!
//! Layers:
//!
//! ```text
//! handler   the signal handler, the alternate stack, the replacement page; under Miri: stub
//! table     the registered ranges and the watching heaps, without locks for readers
//! ```
//!
//! # The replacement page
//!
//! A reader that meets the page, compiled code included, must neither write outside of its heap nor
//! jump to an address from the page before it sees the interrupt. Every word of the page is
//! [`REPLACEMENT_WORD`], which is harmless in each of its possible roles:
//!
//! | read as | it is |
//! |---|---|
//! | a value | a nat: it has no object, and is never entered or called |
//! | an object's address, where the kind of the value was assumed | an address in the *replacement area*, every page of which is a replacement page; so such a read stays in mapped memory |
//! | a header | that of an object of 7 words in normal form, with the layout of a set and arity 1: no layout of a thunk, and nothing is written to it |
//! | a law's code word | no code word (bit 63 is clear), so the law counts as not decoded |
//! | a pin's facts, hash, check | a wrong hash; a record on the page fails its check |
//! | a length in bytes | about 2^35: a copy exceeds the memory limit, an index stays in the slot |
//! | a bucket or directory entry of an index | a bucket that is rejected, an address outside of the pin range |
//!
//! Checked accesses may panic all the same, and an unchecked one may fault at an address that no
//! range has. In both cases the process ends with a message that names file and offset
//! ([`last_fault`]) and not with a bare signal.
//!
//! # Signal safety
//!
//! The handler allocates nothing and takes no lock. It reads and writes atomics of `table`, and
//! calls `mmap`, `write` and `_exit`, which are system calls. `table` has the proof that what it
//! reads stays valid.

#[cfg(not(miri))]
mod handler;
#[cfg(miri)]
#[path = "stub.rs"]
mod handler;
#[cfg_attr(miri, allow(dead_code, reason = "only the handler needs a part of it"))]
mod table;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) use self::table::HeapWatch;

/// Every word of a replacement page: an address in the replacement area. The module's documentation
/// says what each part of it is for.
pub const REPLACEMENT_WORD: u64 = 0x7_0000_1108;

/// A number for the owner of mapped ranges. Heaps are interrupted by owner; 0 has no heaps.
pub type RangeOwner = u32;

/// A range of addresses in which a file is mapped, registered with the handler until it is dropped.
#[derive(Debug)]
pub struct MappedRange(table::RangeIndex);

impl MappedRange {
    /// Registers a range of addresses, whose faults then count as lost pages of the file at `path`.
    /// `start` is the address of the file's first byte. `None` if all entries of the table are
    /// taken, or if the range is longer than 1 TiB: faults in it keep their default behaviour.
    ///
    /// `cleared` is a range of memory that the handler replaces by zeros when a page is lost.
    ///
    /// # Safety
    /// The addresses from `start` on belong to a mapping of the file until the result is dropped.
    /// Readers of the mapping tolerate pages whose words are all [`REPLACEMENT_WORD`], until they
    /// look at [`MappedRange::has_lost_page`] or the owner's heaps check for damage. `cleared` is
    /// private memory of whole pages that may become zero at any time.
    pub unsafe fn register(
        start: usize,
        length: usize,
        path: &Path,
        owner: RangeOwner,
        cleared: Option<(usize, usize)>,
    ) -> Option<MappedRange> {
        handler::install();
        table::register(start, length, path, owner, cleared).map(MappedRange)
    }

    /// Whether a page of the range has been lost since it was registered.
    #[inline]
    pub fn has_lost_page(&self) -> bool {
        table::has_lost_page(self.0)
    }
}

impl Drop for MappedRange {
    fn drop(&mut self) {
        table::unregister(self.0);
    }
}

/// Returns the number of pages that the process has lost so far.
#[inline]
pub fn count() -> u64 {
    table::count()
}

/// Returns the file and offset of the page that was lost last, for a process that cannot continue.
pub fn last_fault() -> Option<String> {
    table::last_fault().map(describe)
}

/// Whether any of these bytes lie in a lost page of a registered range.
pub(crate) fn is_lost(address: usize, bytes: usize) -> bool {
    count() > 0 && table::is_lost(address, bytes)
}

/// Returns the file and offset of the first page that ranges of an owner have lost after the fault
/// number `since`.
pub(crate) fn lost_since(owner: RangeOwner, since: u64) -> Option<String> {
    table::lost_since(owner, since).map(describe)
}

/// Counts a fault in the range of an address, as if a page of it had been lost again.
pub(crate) fn count_again(address: usize) {
    table::count_again(address);
}

/// Has the handler interrupt a heap, by its interrupt flag, when ranges are lost that it watches.
/// Also gives the calling thread an alternate signal stack, if it has none.
pub(crate) fn watch(flag: Arc<AtomicBool>) -> HeapWatch {
    handler::ensure_alternate_stack();
    HeapWatch::new(flag)
}

fn describe((path, offset): (std::path::PathBuf, usize)) -> String {
    format!("{}, byte {offset}", path.display())
}

#[cfg(test)]
mod tests;
