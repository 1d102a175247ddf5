//! The constants of code are live as long as something refers to the code.

use crate::host::CodeHost;
use crate::jet::JetTable;
use plan::HeapOptions;
use plan::raw::{ObjectLayout, RawHeap, Word, WordKind};
use std::sync::Arc;

fn heap() -> RawHeap<CodeHost> {
    let options =
        HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress: false };
    let host = CodeHost::new(Arc::<JetTable>::default());
    // SAFETY: the tests hold no word across a collection, and take indices from layouts.
    unsafe { RawHeap::new(options, host) }.expect("a small stack can be reserved")
}

/// Pushes the row of the top `count` words.
fn push_row(heap: &mut RawHeap<CodeHost>, count: usize) {
    heap.reserve(1 + count).expect("room");
    let row = heap.allocate_popped(ObjectLayout::Row, 0, count);
    heap.stack.push(row);
}

/// Pushes a list of that length: `[n, [n - 1, ... [1, 0]]]`.
fn push_list(heap: &mut RawHeap<CodeHost>, length: u64) {
    heap.stack.push(Word::ZERO);
    for n in 1..=length {
        let rest = heap.stack.pop();
        heap.stack.push(Word::direct(n));
        heap.stack.push(rest);
        push_row(heap, 2);
    }
}

fn list_length(heap: &RawHeap<CodeHost>, mut list: Word) -> u64 {
    let mut length = 0;
    while list != Word::ZERO {
        assert_eq!(list.kind(), WordKind::Row);
        length += 1;
        list = heap.resolve(heap.load(list, 1));
    }
    length
}

#[test]
fn pools_are_live_while_something_refers_to_them() {
    let mut heap = heap();
    push_list(&mut heap, 4);
    let list = heap.stack.pop();
    let pool = heap.host.pools.add(vec![list]);
    heap.stack.push(Word::code(pool.0, 0));
    heap.collect_young();
    heap.collect_all();
    assert_eq!(list_length(&heap, heap.host.pools.constant(pool, 0)), 4);
    heap.stack.pop();
    heap.collect_all();
    assert_eq!(heap.host.dead_pools, [pool]);
}

#[test]
#[cfg_attr(miri, ignore = "it takes long")]
fn pools_without_references_do_not_accumulate() {
    let mut heap = heap();
    for _ in 0..100_000 {
        heap.host.pools.add(Vec::new());
        push_list(&mut heap, 1);
        heap.stack.pop();
    }
    assert!(heap.statistics().major > 0, "the weight of pools triggers full collections");
    assert!(heap.host.pools.weight() < 100_000 * 128);
}
