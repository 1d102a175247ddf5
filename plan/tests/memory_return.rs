//! The memory of dead values and of dropped heaps goes back to the system. The test looks at the
//! memory of the process, so it is the only one in its program.

use plan::{Heap, HeapOptions, Val};
use std::fs;

const MEGABYTE: usize = 1 << 20;

/// Returns the bytes of the process's memory that are resident.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = status.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * rustix::param::page_size()
}

/// Makes a list that takes about that many bytes.
fn list(heap: &mut Heap, bytes: usize) -> Val {
    let mut list = heap.nat(0);
    for number in 0..bytes as u64 / 24 {
        let item = heap.nat(number);
        list = heap.row(&[item, list]).expect("room");
    }
    list
}

#[test]
fn memory_goes_back_to_the_system() {
    let options = HeapOptions { nursery: 256 << 10, ..HeapOptions::default() };
    let before = resident();
    for _ in 0..2 {
        let mut heap = Heap::new(options.clone()).expect("a stack");
        let live = list(&mut heap, 64 * MEGABYTE);
        assert!(heap.used_bytes() > 60 * MEGABYTE);
        assert!(resident() > before + 60 * MEGABYTE);
        drop(live);
        // Old space doubles at most: a full collection frees the dead list.
        for _ in 0..2 {
            drop(list(&mut heap, 80 * MEGABYTE));
        }
        let used = heap.used_bytes();
        assert!(used < 170 * MEGABYTE, "{used}");
        assert!(resident() < before + used + 8 * MEGABYTE, "{} of {before}", resident());
        drop(heap);
        assert!(resident() < before + 8 * MEGABYTE, "{} of {before}", resident());
    }
}
