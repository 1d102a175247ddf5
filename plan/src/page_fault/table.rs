//! The registered ranges and the watching heaps: tables that the signal handler reads without locks.
//!
//! # Safety
//!
//! Two kinds of pointers are read by the handler: the paths of ranges, and the interrupt flags of
//! heaps. Both are owned by code that may free them while a handler runs on another thread.
//!
//! *A pointer is freed only after it was removed from its table and [`ACTIVE`] was seen at 0
//! afterwards.* The handler counts itself in `ACTIVE` before it loads a pointer, and out after its
//! last use of it. All of these accesses are sequentially consistent. So in their one order, either
//! the handler's count comes before the load of `ACTIVE`, which then waits for the handler, or the
//! removal comes before the handler's load, which then finds no pointer. The wait is short: the
//! handler has no loop that depends on other threads. It cannot be waited for by the thread that it
//! runs on, because it returns before that thread continues.
//!
//! A range's addresses are one atomic word, so a handler never combines the start of one range with
//! the end of another. The entry of the address that faulted does not change meanwhile: the thread
//! reads the mapping, which by the contract of
//! [`MappedRange::register`](super::MappedRange::register) is registered as long as it is used.
//!
//! Nodes of the list of heaps are never freed, and their links never change after publication.

use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of ranges that can be registered: one for each slot of the pin range, and as many
/// more.
const RANGES: usize = 1024;
/// The unit in which ranges are registered, in bytes. Pages of the system may be larger.
pub(super) const UNIT: usize = 1 << UNIT_SHIFT;
const UNIT_SHIFT: u32 = 12;
/// The bits for the number of units in an extent. The first unit's number is above them.
const LENGTH_BITS: u32 = 28;
/// The number of lost pages that a range remembers. Beyond that, all of its pages count as lost.
const LOST_PAGES: usize = 64;
/// The number of owners that a heap watches by number. A heap with more watches all ranges.
const OWNERS: usize = 8;
/// In place of an owner's number: all owners.
const ALL_OWNERS: u32 = u32::MAX;

/// A registered range.
struct RangeEntry {
    /// The number of the first unit, shifted left by [`LENGTH_BITS`], and the number of units; 0 if
    /// the entry is free.
    extent: AtomicU64,
    owner: AtomicU32,
    /// The address and the size of the memory to clear when a page is lost; 0 if there is none.
    cleared: [AtomicUsize; 2],
    path: AtomicPtr<PathBuf>,
    /// The number of the last fault; 0 if there was none.
    last_fault: AtomicU64,
    /// The addresses of the first lost pages, and the number of all.
    lost: [AtomicUsize; LOST_PAGES],
    lost_count: AtomicUsize,
}

static ENTRIES: [RangeEntry; RANGES] = [const {
    RangeEntry {
        extent: AtomicU64::new(0),
        owner: AtomicU32::new(0),
        cleared: [AtomicUsize::new(0), AtomicUsize::new(0)],
        path: AtomicPtr::new(null_mut()),
        last_fault: AtomicU64::new(0),
        lost: [const { AtomicUsize::new(0) }; LOST_PAGES],
        lost_count: AtomicUsize::new(0),
    }
}; RANGES];

/// The number of faults so far; each fault has the number that it raises this to.
static FAULTS: AtomicU64 = AtomicU64::new(0);
/// The page that was lost last, and the size of a page.
static LAST_LOST: AtomicUsize = AtomicUsize::new(0);
static PAGE: AtomicUsize = AtomicUsize::new(UNIT);
/// The number of handlers that are running.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);
/// Serialises changes of the table, and readers of paths outside of the handler.
static CHANGES: Mutex<()> = Mutex::new(());

fn changes() -> MutexGuard<'static, ()> {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The position of a range in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RangeIndex(usize);

impl RangeEntry {
    /// Returns the first address and the address behind the last; both 0 for a free entry.
    fn bounds(&self) -> (usize, usize) {
        let extent = self.extent.load(Acquire);
        let first = (extent >> LENGTH_BITS) as usize;
        let length = (extent & ((1 << LENGTH_BITS) - 1)) as usize;
        (first << UNIT_SHIFT, (first + length) << UNIT_SHIFT)
    }

    fn contains(&self, address: usize) -> bool {
        let (start, end) = self.bounds();
        (start..end).contains(&address)
    }

    fn has_lost(&self, from: usize, to: usize) -> bool {
        let page = PAGE.load(Relaxed);
        match self.lost_count.load(SeqCst) {
            count if count > LOST_PAGES => true,
            count => self.lost[..count].iter().any(|lost| {
                // A handler may have taken the place in the list and not stored the page yet.
                let lost = lost.load(SeqCst);
                lost == 0 || (lost < to && from < lost + page)
            }),
        }
    }
}

fn entry_of(address: usize) -> Option<&'static RangeEntry> {
    ENTRIES.iter().find(|entry| entry.contains(address))
}

/// Packs a range into one word.
fn extent(start: usize, length: usize) -> Option<u64> {
    let units = length.div_ceil(UNIT);
    let fits = start.is_multiple_of(UNIT) && start >> 48 == 0 && units < 1 << LENGTH_BITS;
    fits.then_some(((start >> UNIT_SHIFT) as u64) << LENGTH_BITS | units as u64)
}

/// See [`MappedRange::register`](super::MappedRange::register).
pub(super) fn register(
    start: usize,
    length: usize,
    path: &Path,
    owner: u32,
    cleared: Option<(usize, usize)>,
) -> Option<RangeIndex> {
    let extent = extent(start, length)?;
    let _guard = changes();
    let index = ENTRIES.iter().position(|entry| entry.extent.load(Acquire) == 0)?;
    let entry = &ENTRIES[index];
    entry.owner.store(owner, Relaxed);
    let (address, size) = cleared.unwrap_or_default();
    entry.cleared[0].store(address, Relaxed);
    entry.cleared[1].store(size, Relaxed);
    entry.last_fault.store(0, Relaxed);
    entry.lost_count.store(0, Relaxed);
    entry.lost.iter().for_each(|lost| lost.store(0, Relaxed));
    entry.path.store(Box::into_raw(Box::new(path.to_path_buf())), SeqCst);
    entry.extent.store(extent, Release);
    Some(RangeIndex(index))
}

/// Removes a range from the table.
pub(super) fn unregister(RangeIndex(index): RangeIndex) {
    let _guard = changes();
    let entry = &ENTRIES[index];
    entry.extent.store(0, SeqCst);
    let path = entry.path.swap(null_mut(), SeqCst);
    wait_for_handlers();
    // SAFETY: `register` made the pointer from a box. It has just been removed, under the lock, and
    // no handler has it any more, by the module's invariant.
    drop(unsafe { Box::from_raw(path) });
}

/// Waits until no handler runs that may have loaded a pointer before it was removed.
fn wait_for_handlers() {
    while ACTIVE.load(SeqCst) != 0 {
        std::thread::yield_now();
    }
}

pub(super) fn has_lost_page(RangeIndex(index): RangeIndex) -> bool {
    ENTRIES[index].last_fault.load(SeqCst) != 0
}

#[inline]
pub(super) fn count() -> u64 {
    FAULTS.load(SeqCst)
}

pub(super) fn is_lost(address: usize, bytes: usize) -> bool {
    entry_of(address).is_some_and(|entry| entry.has_lost(address, address + bytes))
}

pub(super) fn count_again(address: usize) {
    if let Some(entry) = entry_of(address) {
        entry.last_fault.store(FAULTS.fetch_add(1, SeqCst) + 1, SeqCst);
    }
}

/// Returns the path of the range of an address, and the offset in the file.
fn place(address: usize) -> Option<(PathBuf, usize)> {
    let _guard = changes();
    let entry = entry_of(address)?;
    // SAFETY: a registered entry has a path, and the lock keeps it registered.
    let path = unsafe { entry.path.load(SeqCst).as_ref() }?;
    Some((path.clone(), address - entry.bounds().0))
}

pub(super) fn last_fault() -> Option<(PathBuf, usize)> {
    place(LAST_LOST.load(SeqCst))
}

pub(super) fn lost_since(owner: u32, since: u64) -> Option<(PathBuf, usize)> {
    let is_later = |entry: &&RangeEntry| {
        entry.owner.load(Relaxed) == owner && entry.last_fault.load(SeqCst) > since
    };
    let entry = ENTRIES.iter().filter(|entry| entry.extent.load(Acquire) != 0).find(is_later)?;
    let known = entry.lost_count.load(SeqCst).clamp(1, LOST_PAGES);
    place(entry.lost[known - 1].load(SeqCst))
}

// What the handler calls.

/// Counts a running handler while it exists.
pub(super) struct ActiveHandler(());

impl ActiveHandler {
    pub(super) fn enter() -> ActiveHandler {
        ACTIVE.fetch_add(1, SeqCst);
        ActiveHandler(())
    }
}

impl Drop for ActiveHandler {
    fn drop(&mut self) {
        ACTIVE.fetch_sub(1, SeqCst);
    }
}

/// Sets the size of a page of the system.
pub(super) fn set_page(bytes: usize) {
    PAGE.store(bytes, Relaxed);
}

/// Returns the size of a page of the system.
pub(super) fn page() -> usize {
    PAGE.load(Relaxed)
}

/// A fault in a registered range.
pub(super) struct RangeFault(&'static RangeEntry);

/// Returns the fault at an address in a registered range.
pub(super) fn fault_at(address: usize) -> Option<RangeFault> {
    entry_of(address).map(RangeFault)
}

impl RangeFault {
    /// Records that a page is lost. Precedes the replacement, so that nobody can read the
    /// replacement of a page that is not recorded.
    pub(super) fn record(&self, page: usize) {
        let RangeFault(entry) = self;
        let place = entry.lost_count.fetch_add(1, SeqCst);
        if let Some(lost) = entry.lost.get(place) {
            lost.store(page, SeqCst);
        }
        LAST_LOST.store(page, SeqCst);
        entry.last_fault.store(FAULTS.fetch_add(1, SeqCst) + 1, SeqCst);
    }

    /// Returns the address and size of the memory to clear.
    pub(super) fn cleared(&self) -> Option<(usize, usize)> {
        let [address, size] = &self.0.cleared;
        let (address, size) = (address.load(Relaxed), size.load(Relaxed));
        (size > 0).then_some((address, size))
    }

    /// Interrupts the heaps that watch the range's owner.
    pub(super) fn interrupt_heaps(&self, _active: &ActiveHandler) {
        let owner = self.0.owner.load(Relaxed);
        let mut next = WATCHES.load(Acquire);
        // SAFETY: nodes are never freed.
        while let Some(node) = unsafe { next.as_ref() } {
            let is_watching = |watched: &AtomicU32| {
                let watched = watched.load(SeqCst);
                watched == owner || watched == ALL_OWNERS
            };
            if owner != 0 && node.owners.iter().any(is_watching) {
                // SAFETY: the flag was not removed before the handler became active, so it is not
                // freed before the handler ends, by the module's invariant.
                if let Some(flag) = unsafe { node.flag.load(SeqCst).as_ref() } {
                    flag.store(true, Relaxed);
                }
            }
            next = node.next;
        }
    }
}

/// Calls `write` with the path of the file and the offset of the page that was lost last.
pub(super) fn with_last_fault(_active: &ActiveHandler, write: impl FnOnce(&Path, usize)) {
    let address = LAST_LOST.load(SeqCst);
    let Some(entry) = entry_of(address) else { return };
    // SAFETY: a handler is active, so a path that is in the table now is not freed before it ends.
    if let Some(path) = unsafe { entry.path.load(SeqCst).as_ref() } {
        write(path, address - entry.bounds().0);
    }
}

/// A node of the list of heaps. A node without a flag can be taken by a new heap.
struct WatchNode {
    is_taken: AtomicBool,
    flag: AtomicPtr<AtomicBool>,
    /// The owners of the ranges that the heap may point into; 0 in unused places.
    owners: [AtomicU32; OWNERS],
    next: *mut WatchNode,
}

/// The first node of the list of heaps.
static WATCHES: AtomicPtr<WatchNode> = AtomicPtr::new(null_mut());

/// The entry of a heap in the list of heaps.
pub(crate) struct HeapWatch {
    node: &'static WatchNode,
    /// Keeps the flag alive that the node points to.
    _flag: Arc<AtomicBool>,
}

impl HeapWatch {
    pub(super) fn new(flag: Arc<AtomicBool>) -> HeapWatch {
        let node = take_node();
        node.flag.store(Arc::as_ptr(&flag).cast_mut(), SeqCst);
        HeapWatch { node, _flag: flag }
    }

    /// Sets the owners of the ranges that the heap may point into.
    pub(crate) fn set_owners(&self, owners: impl ExactSizeIterator<Item = u32>) {
        let are_many = owners.len() > OWNERS;
        let mut owners = owners.fuse();
        for place in &self.node.owners {
            let owner = if are_many { ALL_OWNERS } else { owners.next().unwrap_or(0) };
            place.store(owner, SeqCst);
        }
    }
}

impl Drop for HeapWatch {
    fn drop(&mut self) {
        self.node.flag.store(null_mut(), SeqCst);
        self.node.owners.iter().for_each(|owner| owner.store(0, SeqCst));
        // The flag is freed after this.
        wait_for_handlers();
        self.node.is_taken.store(false, Release);
    }
}

/// Takes a free node of the list, or adds one.
fn take_node() -> &'static WatchNode {
    let mut next = WATCHES.load(Acquire);
    // SAFETY: nodes are never freed.
    while let Some(node) = unsafe { next.as_ref() } {
        if !node.is_taken.swap(true, Acquire) {
            return node;
        }
        next = node.next;
    }
    let node = Box::leak(Box::new(WatchNode {
        is_taken: AtomicBool::new(true),
        flag: AtomicPtr::new(null_mut()),
        owners: [const { AtomicU32::new(0) }; OWNERS],
        next: WATCHES.load(Acquire),
    }));
    let pointer = std::ptr::from_mut(node);
    loop {
        // SAFETY: the node is not published yet, so no other code has it.
        let expected = unsafe { (*pointer).next };
        match WATCHES.compare_exchange_weak(expected, pointer, SeqCst, Acquire) {
            // SAFETY: nodes are never freed, and never written through another pointer again.
            Ok(_) => return unsafe { &*pointer },
            // SAFETY: as above.
            Err(found) => unsafe { (*pointer).next = found },
        }
    }
}
