//! The two collections, both copying and neither recursive.
//!
//! *Young*: reachable objects in the nursery move to a survivor space or to the end of old space
//! (see `nursery`). Roots are the parts of the stacks that may hold young values, the handles that
//! may, the remembered set, and the host's roots. Those that hold young values afterwards are roots
//! of the next young collection.
//!
//! *Full*: everything reachable moves to a new old space, and the former one is freed. The host is
//! notified of the code that is reachable, and frees the rest. Sources of bar views are copied last,
//! in part or as a whole (see `bar_views`).
//!
//! Both scan the copied objects in address order and copy the objects that these point to behind
//! them, until the scan has caught up (Cheney 1970).

use super::collection::{Collection, CollectionScope};
use super::handles::HandleTable;
use super::host::HeapHost;
use super::loan::OldSpaceLoan;
use super::ownership::OwnerNumbers;
use super::raw::RawHeap;
use super::stack::EvalStack;
use crate::pinspace::{HeapReferences, PinSpace};
use crate::word::Word;
use std::sync::Arc;
use std::time::Instant;

impl<H: HeapHost + ?Sized> RawHeap<H> {
    /// Collects the nursery.
    pub fn collect_young(&mut self) {
        self.evacuate_nursery(true);
    }

    /// Makes everything old, and lends old objects to another thread: see [`super::loan`].
    pub(crate) fn lend_old(&mut self) -> OldSpaceLoan {
        // The loan before ends first: it may have been given for objects that are dead by now.
        self.memory.lender.wait();
        self.evacuate_nursery(false);
        self.memory.owner_numbers.retire();
        self.memory.lender.lend()
    }

    /// Moves reachable objects out of the nursery: all of them to old space, or some to a survivor
    /// space.
    fn evacuate_nursery(&mut self, keeps_survivors: bool) {
        let RawHeap { memory, host } = self;
        let (started, copied_before) = (Instant::now(), memory.statistics.copied);
        memory.set_collecting(true);
        memory.statistics.minor += 1;
        memory.statistics.allocated += memory.nursery.allocated() as u64;
        memory.edited_row = None;
        let mut cursor = memory.old.end();
        let remembered = memory.remembered.take();
        let nursery = memory.nursery.begin_evacuation(keeps_survivors);
        let mut survivors = nursery.first();
        let mut run = Collection {
            scope: CollectionScope::Nursery(nursery),
            to: &mut memory.old,
            remembered: &mut memory.remembered,
            first_new_number: memory.owner_numbers.next(),
            owner_numbers: &mut memory.owner_numbers,
            detached_views: Vec::new(),
            copied: 0,
            scanned: 0,
            scanned_stack: 0,
            keeps_pending: false,
        };
        let stacks = std::iter::once(&mut memory.stack).chain(&mut memory.other_stacks);
        visit_roots(&mut run, stacks, &memory.handles, host);
        let marker = host.marker();
        // SAFETY: only full collections free old objects, and they clear the remembered set.
        unsafe { run.scan_remembered(remembered, marker) };
        // SAFETY: the cursors were taken above, before the first object was copied.
        unsafe { run.scan_arrived(&mut survivors, &mut cursor, marker) };
        memory.statistics.copied += run.copied;
        memory.statistics.scanned += run.scanned;
        memory.statistics.scanned_stack += run.scanned_stack;
        if let CollectionScope::Nursery(nursery) = run.scope {
            nursery.finish();
        }
        memory.report_collection(started, false, copied_before);
    }

    /// Collects everything, and reports for a survey what this heap refers to in a pin space.
    /// Detaches the pin spaces that the heap does not refer to.
    pub fn survey_references(&mut self, space: &Arc<PinSpace>) -> HeapReferences {
        let survey = self.memory.spaces.record_references(space);
        self.collect_all();
        self.memory.spaces.detach_unreferenced();
        self.memory.spaces.take_references(space, survey)
    }

    /// Lists the roots. Everything has just become old.
    pub(crate) fn list_roots(&mut self) -> Vec<Word> {
        let RawHeap { memory, host } = self;
        let mut roots = Vec::new();
        // The host may move what marks the frames that have not changed, as in a collection.
        memory.set_collecting(true);
        for stack in std::iter::once(&memory.stack).chain(&memory.other_stacks) {
            roots.extend_from_slice(stack.top_from(0));
        }
        memory.handles.visit(true, |word| {
            roots.push(*word);
            false
        });
        host.list_roots(&mut |word| roots.push(word));
        memory.set_collecting(false);
        roots
    }

    /// Collects everything. Waits for a thread that old objects are lent to.
    pub fn collect_all(&mut self) {
        let RawHeap { memory, host } = self;
        memory.lender.wait();
        let (started, copied_before) = (Instant::now(), memory.statistics.copied);
        memory.set_collecting(true);
        memory.statistics.major += 1;
        memory.statistics.allocated += memory.nursery.allocated() as u64;
        memory.edited_row = None;
        let before = memory.old.take_all();
        let used_before = before.used();
        memory.stack.forget_unchanged();
        memory.other_stacks.iter_mut().for_each(EvalStack::forget_unchanged);
        memory.remembered.clear();
        let mut cursor = memory.old.end();
        memory.spaces.referenced.clear();
        host.begin_full();
        let mut run = Collection {
            scope: CollectionScope::Full(&mut memory.spaces.referenced),
            to: &mut memory.old,
            remembered: &mut memory.remembered,
            first_new_number: memory.owner_numbers.next(),
            owner_numbers: &mut memory.owner_numbers,
            detached_views: Vec::new(),
            copied: 0,
            scanned: 0,
            scanned_stack: 0,
            keeps_pending: false,
        };
        let stacks = std::iter::once(&mut memory.stack).chain(&mut memory.other_stacks);
        visit_roots(&mut run, stacks, &memory.handles, host);
        loop {
            // SAFETY: the cursor was taken above, before the first object was copied; no object
            // survives in the nursery.
            unsafe { run.scan_arrived(&mut 0, &mut cursor, host.marker()) };
            if !host.visit_marked(&mut run) {
                break;
            }
        }
        run.attach_views();
        host.finish_full(&mut run);
        memory.statistics.copied += run.copied;
        memory.statistics.scanned += run.scanned;
        memory.statistics.scanned_stack += run.scanned_stack;
        memory.nursery.clear();
        memory.owner_numbers = OwnerNumbers::none_given();
        let weight = host.weight();
        let growth = memory.schedule_full(used_before + weight, memory.old.used() + weight);
        memory.old.reuse(before, growth);
        memory.report_collection(started, true, copied_before);
    }
}

/// Visits the roots of a collection: the parts of the stacks that may have to be visited, the
/// host's roots, and the handles, in a young collection only those that may be young.
fn visit_roots<'s, H: HeapHost + ?Sized>(
    run: &mut Collection<'_>,
    stacks: impl Iterator<Item = &'s mut EvalStack>,
    handles: &HandleTable,
    host: &mut H,
) {
    let marker = host.marker();
    for stack in stacks {
        run.scanned_stack +=
            stack.visit_changed(|word, is_recent| run.visit_frame_root(word, marker, is_recent));
    }
    host.visit_roots(run);
    let marker = host.marker();
    handles.visit(run.is_full(), |word| run.visit_root(word, marker));
}
