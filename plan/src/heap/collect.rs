//! The two collections, both copying, both without recursion.
//!
//! *Young*: what is reachable in the nursery moves on, to its survivors or to the end of old space (see
//! `nursery`). Roots are the part of the stack that may hold young values, handles that may, the
//! remembered set, and what the host visits. Those that do afterwards are roots of the next one, too.
//!
//! *Full*: everything reachable moves to a new old space, and the former one is dropped. The host
//! learns which code is reachable, and frees the rest.
//!
//! Either way the objects that have arrived are scanned in address order, moving what they point
//! to behind them, until the scan has caught up (Cheney 1970).

use super::collection::{Collection, CollectionScope};
use super::host::Host;
use super::memory::MAJOR_MINIMUM;
use super::raw::RawHeap;

impl<H: Host + ?Sized> RawHeap<H> {
    /// Collects the nursery.
    pub fn collect_young(&mut self) {
        let RawHeap { memory, host } = self;
        memory.statistics.minor += 1;
        memory.statistics.allocated += memory.nursery.allocated() as u64;
        let mut cursor = memory.old.end();
        let remembered = std::mem::take(&mut memory.remembered);
        let nursery = memory.nursery.begin_evacuation();
        let mut survivors = nursery.first();
        let mut run = Collection {
            scope: CollectionScope::Nursery(nursery),
            to: &mut memory.old,
            remembered: &mut memory.remembered,
            copied: 0,
        };
        let marker = host.marker();
        memory.stack.visit_changed(|word| run.visit_root(word, marker));
        host.visit_roots(&mut run);
        let marker = host.marker();
        memory.handles.visit(false, |word| run.visit_root(word, marker));
        for address in remembered {
            // SAFETY: old objects are freed by full collections only, which empty the set.
            unsafe { run.scan_old(address, marker) };
        }
        // SAFETY: the cursors were taken above.
        unsafe { run.scan_arrived(&mut survivors, &mut cursor, marker) };
        memory.statistics.copied += run.copied;
        if let CollectionScope::Nursery(nursery) = run.scope {
            nursery.finish();
        }
    }

    /// Collects everything.
    pub fn collect_all(&mut self) {
        let RawHeap { memory, host } = self;
        memory.statistics.major += 1;
        memory.statistics.allocated += memory.nursery.allocated() as u64;
        let before = memory.old.take_all();
        memory.stack.forget_unchanged();
        memory.remembered.clear();
        let mut cursor = memory.old.end();
        memory.spaces.referenced.clear();
        host.begin_full();
        let mut run = Collection {
            scope: CollectionScope::Full(&mut memory.spaces.referenced),
            to: &mut memory.old,
            remembered: &mut memory.remembered,
            copied: 0,
        };
        let marker = host.marker();
        memory.stack.visit_changed(|word| run.visit_root(word, marker));
        host.visit_roots(&mut run);
        let marker = host.marker();
        memory.handles.visit(true, |word| run.visit_root(word, marker));
        loop {
            // SAFETY: the cursor was taken above; nothing survives in the nursery.
            unsafe { run.scan_arrived(&mut 0, &mut cursor, host.marker()) };
            if !host.visit_marked(&mut run) {
                break;
            }
        }
        host.finish_full(&mut run);
        memory.statistics.copied += run.copied;
        memory.nursery.clear();
        drop(before);
        let kept = memory.old.capacity() + host.weight();
        memory.major_at = (2 * kept).max(MAJOR_MINIMUM);
    }
}
