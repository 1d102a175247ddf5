//! Collections replace selectors of evaluated rows by the items. These tests run under Miri too.

use super::{HeapOptions, NoHost};
use crate::layout::ObjectLayout;
use crate::word::Word;

type RawHeap = super::RawHeap<NoHost>;

fn heap() -> RawHeap {
    let options =
        HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress: false };
    // SAFETY: the tests hold no word across a collection, and take indices from layouts.
    unsafe { RawHeap::new(options, NoHost) }.expect("a small stack can be reserved")
}

/// Replaces the top `count` words by a row.
fn push_row(heap: &mut RawHeap, count: usize) {
    heap.reserve(1 + count).expect("room");
    let row = heap.allocate_popped(ObjectLayout::Row, 0, count);
    heap.stack.push(row);
}

/// Replaces the row on top, or the thunk of it, by the selector of an item.
fn push_selector(heap: &mut RawHeap, index: u64) {
    heap.reserve(3).expect("room");
    let row = heap.stack.pop();
    let selector = heap.allocate_words(ObjectLayout::Selector, index, &[Word::ZERO, row]);
    heap.stack.push(selector);
}

/// Pushes a thunk without a value.
fn push_thunk(heap: &mut RawHeap) {
    heap.reserve(3).expect("room");
    let thunk = heap.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, Word::ZERO]);
    heap.stack.push(thunk);
}

/// Runs a check after a young and after a full collection of what `make` leaves on the stack.
fn after_collections(make: impl Fn(&mut RawHeap), check: impl Fn(&mut RawHeap)) {
    for is_full in [false, true] {
        let mut heap = heap();
        make(&mut heap);
        if is_full {
            heap.collect_all()
        } else {
            heap.collect_young()
        }
        check(&mut heap);
    }
}

fn layout(heap: &RawHeap, word: Word) -> ObjectLayout {
    heap.header(word).layout()
}

#[test]
fn a_selector_of_a_row_becomes_the_item_and_frees_the_row() {
    let make = |heap: &mut RawHeap| {
        heap.stack.push(Word::direct(7));
        (0..100).for_each(|n| heap.stack.push(Word::direct(n)));
        push_row(heap, 100);
        push_row(heap, 2);
        push_selector(heap, 0);
    };
    after_collections(make, |heap| {
        assert_eq!(heap.stack.pop(), Word::direct(7));
        let before = heap.statistics.copied;
        heap.collect_all();
        assert_eq!(heap.statistics.copied, before, "the other item is not kept");
    });
}

#[test]
fn the_row_may_be_the_value_of_a_thunk() {
    let make = |heap: &mut RawHeap| {
        push_thunk(heap);
        push_selector(heap, 1);
        let selector = heap.stack.peek(0);
        let thunk = heap.load(selector, 1);
        [3, 4].into_iter().for_each(|n| heap.stack.push(Word::direct(n)));
        push_row(heap, 2);
        let row = heap.stack.pop();
        heap.update(thunk, row);
    };
    after_collections(make, |heap| assert_eq!(heap.stack.peek(0), Word::direct(4)));
}

#[test]
fn the_row_may_be_the_item_of_another_selector() {
    let make = |heap: &mut RawHeap| {
        heap.stack.push(Word::direct(5));
        for _ in 0..10 {
            push_row(heap, 1);
        }
        for _ in 0..10 {
            push_selector(heap, 0);
        }
    };
    after_collections(make, |heap| assert_eq!(heap.stack.peek(0), Word::direct(5)));
}

#[test]
fn a_chain_of_items_that_are_selectors_is_followed() {
    // Each row's item is the selector of the row after it.
    let make = |heap: &mut RawHeap| {
        heap.stack.push(Word::direct(9));
        for _ in 0..1000 {
            push_row(heap, 1);
            push_selector(heap, 0);
        }
    };
    after_collections(make, |heap| assert_eq!(heap.stack.peek(0), Word::direct(9)));
}

#[test]
fn a_selector_shared_by_two_words_is_replaced_in_both() {
    let make = |heap: &mut RawHeap| {
        (0..2).for_each(|n| heap.stack.push(Word::direct(n)));
        push_row(heap, 2);
        push_row(heap, 1);
        push_selector(heap, 0);
        let selector = heap.stack.peek(0);
        heap.stack.push(selector);
    };
    after_collections(make, |heap| {
        let (first, second) = (heap.stack.pop(), heap.stack.pop());
        assert_eq!(first, second);
        assert_eq!(layout(heap, first), ObjectLayout::Row);
    });
}

#[test]
fn a_selector_that_has_no_item_stays() {
    let cases: [&dyn Fn(&mut RawHeap); 3] = [
        // The row is not evaluated.
        &|heap| push_thunk(heap),
        // The row has no such item.
        &|heap| {
            heap.stack.push(Word::ZERO);
            push_row(heap, 1);
        },
        // The value is no row.
        &|heap| heap.stack.push(Word::direct(6)),
    ];
    for case in cases {
        let make = |heap: &mut RawHeap| {
            case(heap);
            push_selector(heap, 1);
        };
        after_collections(make, |heap| {
            assert_eq!(layout(heap, heap.stack.peek(0)), ObjectLayout::Selector);
        });
    }
}

#[test]
fn selectors_without_a_value_stay_thunks() {
    // x is item 0 of [x].
    let own_item = |heap: &mut RawHeap| {
        heap.stack.push(Word::ZERO);
        push_row(heap, 1);
        push_selector(heap, 0);
        let selector = heap.stack.peek(0);
        let row = heap.load(selector, 1);
        heap.store(row, 0, selector);
    };
    // x is item 0 of [y], and y is item 0 of [x].
    let each_other = |heap: &mut RawHeap| {
        own_item(heap);
        own_item(heap);
        let (x, y) = (heap.stack.peek(0), heap.stack.peek(1));
        let (of_x, of_y) = (heap.load(x, 1), heap.load(y, 1));
        heap.store(of_x, 0, y);
        heap.store(of_y, 0, x);
    };
    // x is item 0 of itself.
    let own_row = |heap: &mut RawHeap| {
        heap.stack.push(Word::ZERO);
        push_selector(heap, 0);
        let selector = heap.stack.peek(0);
        heap.store(selector, 1, selector);
    };
    let cases: [&dyn Fn(&mut RawHeap); 3] = [&own_item, &each_other, &own_row];
    for make in cases {
        after_collections(make, |heap| {
            let word = heap.resolve(heap.stack.peek(0));
            assert_eq!(layout(heap, word), ObjectLayout::Selector);
            heap.collect_all();
        });
    }
}
