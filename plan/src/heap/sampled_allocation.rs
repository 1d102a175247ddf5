//! Samples of allocation in a heap (see [`AllocationSampler`]), and whether it is being collected: what
//! profiles ask a heap for.

use super::allocation_sampler::AllocationSampler;
use super::memory::HeapMemory;
use std::sync::atomic::Ordering;

impl HeapMemory {
    /// Calls `hook` about once for every `bytes` bytes that are allocated, with the number of bytes
    /// since it was last called. It must not use the heap.
    pub(crate) fn set_allocation_hook(&mut self, bytes: usize, hook: impl FnMut(u64) + 'static) {
        let interval = (bytes / 8).min(self.nursery.capacity());
        let allocated = self.statistics().allocated;
        self.allocation_sampler = Some(AllocationSampler::new(interval, allocated, Box::new(hook)));
        self.place_sample();
    }

    /// Ends the calls of the hook, and drops it.
    pub(crate) fn remove_allocation_hook(&mut self) {
        self.allocation_sampler = None;
        self.nursery.limit_eden(usize::MAX);
        self.set_inline_end();
    }

    /// Places the next sample, if there is a sampler.
    pub(super) fn place_sample(&mut self) {
        if let Some(sampler) = &mut self.allocation_sampler {
            self.nursery.limit_eden(sampler.next_distance());
            self.set_inline_end();
        }
    }

    /// Has compiled code allocate as far as eden is free.
    fn set_inline_end(&mut self) {
        if !self.options.stress {
            self.inline_end = self.nursery.free_end();
        }
    }

    /// Takes the sample that is due when an allocation of `words` words finds too little room.
    /// Returns whether there is enough now.
    pub(super) fn sample_allocation(&mut self, words: usize) -> bool {
        let allocated = self.statistics().allocated;
        let Some(sampler) = &mut self.allocation_sampler else { return false };
        sampler.report(allocated);
        let distance = sampler.next_distance().max(words);
        self.nursery.limit_eden(distance);
        self.set_inline_end();
        self.nursery.has_room(words) && !self.options.stress
    }

    /// Notes that a collection begins or has ended.
    pub(super) fn set_collecting(&self, is_collecting: bool) {
        self.is_collecting.store(is_collecting, Ordering::Relaxed);
    }

    /// Whether a collection is in progress. A signal handler may ask, between any two instructions
    /// of the collector.
    pub fn is_collecting(&self) -> bool {
        self.is_collecting.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "the test promises to keep the contract of `RawHeap`")]
mod tests {
    use crate::heap::{HeapOptions, NoHost, RawHeap};
    use crate::layout::ObjectLayout;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[test]
    fn all_bytes_are_reported_and_nothing_else_changes() {
        // SAFETY: the test keeps no word across a reservation.
        let heap = unsafe { RawHeap::new(HeapOptions::default(), NoHost) };
        let mut heap = heap.expect("a heap");
        let reports: Rc<RefCell<Vec<u64>>> = Rc::default();
        let hook = Rc::clone(&reports);
        heap.memory.set_allocation_hook(4096, move |bytes| hook.borrow_mut().push(bytes));
        let row = |heap: &mut RawHeap<NoHost>| {
            heap.reserve(11).expect("room");
            let mut row = heap.allocate(ObjectLayout::Row, 0, 10);
            (0..10).for_each(|index| row.set(index, crate::word::Word::ZERO));
            let _ = row.finish();
        };
        (0..200_000).for_each(|_| row(&mut heap));
        let sum: u64 = reports.borrow().iter().sum();
        let allocated = 8 * heap.memory.statistics().allocated;
        assert!(sum <= allocated && allocated - sum < 3 * 4096, "{sum} of {allocated}");
        // Distances vary between half and three halves of the mean.
        let count = reports.borrow().len() as u64;
        assert!((allocated / 6144..=allocated / 2048).contains(&count), "{count} samples");
        assert!(heap.memory.statistics().minor > 0, "it collects as before");
        heap.memory.remove_allocation_hook();
        (0..1000).for_each(|_| row(&mut heap));
        assert_eq!(reports.borrow().len() as u64, count);
        assert_eq!(Rc::strong_count(&reports), 1, "the hook is dropped");
    }
}
