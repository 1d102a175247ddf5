//! The collector without an evaluator. These tests run under Miri too (`make miri`), so they are
//! small.

use super::{HeapOptions, NoHost, Val};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};

type RawHeap = super::RawHeap<NoHost>;

fn heap_of(options: HeapOptions) -> RawHeap {
    // SAFETY: the tests hold no word across a collection, and take indices from layouts.
    unsafe { RawHeap::new(options, NoHost) }.expect("a small stack can be reserved")
}

fn heap() -> RawHeap {
    let options =
        HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress: false };
    heap_of(options)
}

/// Pushes the row of the top `count` words.
fn push_row(heap: &mut RawHeap, count: usize) {
    heap.reserve(1 + count).expect("room");
    let row = heap.allocate_popped(ObjectLayout::Row, 0, count);
    heap.stack.push(row);
}

/// Pushes a list of that length: `[n, [n - 1, ... [1, 0]]]`.
fn push_list(heap: &mut RawHeap, length: u64) {
    heap.stack.push(Word::ZERO);
    for n in 1..=length {
        let rest = heap.stack.pop();
        heap.stack.push(Word::direct(n));
        heap.stack.push(rest);
        push_row(heap, 2);
    }
}

fn list_length(heap: &RawHeap, mut list: Word) -> u64 {
    let mut length = 0;
    while list != Word::ZERO {
        assert_eq!(list.kind(), WordKind::Row);
        length += 1;
        list = heap.resolve(heap.load(list, 1));
    }
    length
}

#[test]
fn values_on_the_stack_survive_both_collections() {
    let mut heap = heap();
    push_list(&mut heap, 100);
    heap.collect_young();
    assert_eq!(list_length(&heap, heap.stack.peek(0)), 100);
    heap.collect_all();
    assert_eq!(list_length(&heap, heap.stack.peek(0)), 100);
    assert_eq!(heap.load(heap.stack.peek(0), 0), Word::direct(100));
}

#[test]
fn garbage_is_dropped() {
    let mut heap = heap();
    for _ in 0..20 {
        push_list(&mut heap, 1000);
        heap.stack.pop();
    }
    assert!(heap.statistics.minor > 0, "the nursery holds one list");
    heap.collect_all();
    let before = heap.statistics.copied;
    heap.collect_all();
    assert_eq!(heap.statistics.copied, before, "nothing is left to be copied");
}

#[test]
fn a_heap_of_which_most_is_in_use_is_not_copied_at_each_doubling() {
    let mut heap = heap();
    // 45,000 words. The first full collection comes after 4 edens, 16,384 words; all is in use.
    push_list(&mut heap, 15_000);
    assert_eq!(heap.statistics.major, 1, "the next one comes at three times the size");
    assert_eq!(list_length(&heap, heap.stack.peek(0)), 15_000);
}

#[test]
fn handles_keep_values_and_follow_them() {
    let mut heap = heap();
    push_list(&mut heap, 50);
    let top = heap.stack.pop();
    let held: Val = heap.handle(top);
    let copy = held.clone();
    heap.collect_young();
    heap.collect_all();
    drop(held);
    heap.collect_all();
    assert_eq!(list_length(&heap, heap.word(&copy)), 50);
    drop(copy);
    let before = heap.statistics.copied;
    heap.collect_all();
    assert_eq!(heap.statistics.copied, before);
}

#[test]
fn a_slot_that_is_used_again_is_visited_once() {
    let mut heap = heap();
    for _ in 0..10 {
        for _ in 0..10 {
            push_list(&mut heap, 1);
            let list = heap.stack.pop();
            drop(heap.handle(list));
        }
        push_list(&mut heap, 1);
        let list = heap.stack.pop();
        let held = heap.handle(list);
        heap.collect_young();
        assert_eq!(heap.handles.listed(), 1);
        assert_eq!(list_length(&heap, heap.word(&held)), 1);
    }
}

#[test]
fn an_old_object_may_point_to_a_young_one() {
    let mut heap = heap();
    heap.stack.push(Word::ZERO);
    push_row(&mut heap, 1);
    heap.collect_young();
    for length in 1..10 {
        push_list(&mut heap, length);
        let list = heap.stack.pop();
        let row = heap.stack.peek(0);
        heap.store(row, 0, list);
        heap.collect_young();
        assert_eq!(list_length(&heap, heap.load(heap.stack.peek(0), 0)), length);
    }
}

#[test]
fn an_evaluated_thunk_is_short_cut() {
    let mut heap = heap();
    heap.reserve(3).expect("room");
    let thunk = heap.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, Word::ZERO]);
    heap.stack.push(thunk);
    heap.collect_young();
    push_list(&mut heap, 3);
    let value = heap.stack.pop();
    let thunk = heap.stack.peek(0);
    heap.update(thunk, value);
    assert_eq!(list_length(&heap, heap.resolve(heap.stack.peek(0))), 3);
    heap.collect_all();
    assert_eq!(heap.stack.peek(0).kind(), WordKind::Row);
}

#[test]
fn an_object_larger_than_the_nursery_is_allocated() {
    let mut heap = heap();
    let count = (1 << 15) / 8 + 100;
    assert!(heap.stack.has_room(count));
    for n in 0..count {
        heap.stack.push(Word::direct(n as u64));
    }
    push_row(&mut heap, count);
    push_list(&mut heap, 2);
    let list = heap.stack.pop();
    let row = heap.stack.peek(0);
    heap.store(row, 7, list);
    heap.collect_young();
    heap.collect_all();
    let row = heap.stack.peek(0);
    assert_eq!(heap.size(row), count);
    assert_eq!(list_length(&heap, heap.load(row, 7)), 2);
    assert_eq!(heap.load(row, count - 1), Word::direct(count as u64 - 1));
}

#[test]
fn reserving_more_than_the_limit_fails() {
    let max_heap = if cfg!(miri) { 1 << 18 } else { 1 << 20 };
    let options = HeapOptions { nursery: 1 << 15, max_heap, max_stack: 1 << 17, stress: false };
    let mut heap = heap_of(options);
    assert!(heap.reserve(1 << 20).is_err(), "one object larger than the heap may get");
    heap.stack.push(Word::ZERO);
    let refused = (0..100_000).any(|_| {
        // A growing list, all of it live.
        let rest = heap.stack.pop();
        heap.stack.push(Word::direct(1));
        heap.stack.push(rest);
        if heap.reserve(3).is_err() {
            return true;
        }
        let row = heap.allocate_popped(ObjectLayout::Row, 0, 2);
        heap.stack.push(row);
        false
    });
    assert!(refused);
    heap.stack.truncate(0);
    assert!(heap.reserve(3).is_ok(), "what is dropped makes room");
}

#[test]
fn the_stack_opens_gaps_and_slides() {
    let mut heap = heap();
    for n in 0..6 {
        heap.stack.push(Word::direct(n));
    }
    heap.stack.open_gap(2, 3);
    let words: Vec<u64> = heap.stack.top_from(0).iter().map(|w| w.raw()).collect();
    assert_eq!(words, [0, 1, 0, 0, 0, 2, 3, 4, 5]);
    heap.stack.slide(1, 7);
    let words: Vec<u64> = heap.stack.top_from(0).iter().map(|w| w.raw()).collect();
    assert_eq!(words, [0, 4, 5]);
}

#[test]
fn stress_collects_at_every_reserve() {
    let options =
        HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress: true };
    let mut heap = heap_of(options);
    push_list(&mut heap, 40);
    assert!(heap.statistics.minor + heap.statistics.major >= 40);
    assert!(heap.statistics.major > 0, "everything is collected now and then");
    assert!(heap.statistics.minor > heap.statistics.major, "the nursery far more often");
    assert_eq!(list_length(&heap, heap.stack.peek(0)), 40);
}

#[test]
fn an_object_that_survives_two_collections_is_old() {
    let mut heap = heap();
    push_list(&mut heap, 10);
    let is_young = |heap: &RawHeap| heap.nursery.contains(heap.stack.peek(0).address());
    for young in [true, false, false] {
        heap.collect_young();
        assert_eq!(is_young(&heap), young);
        assert_eq!(list_length(&heap, heap.stack.peek(0)), 10);
    }
    heap.stack.pop();
    push_list(&mut heap, 10);
    heap.collect_all();
    assert!(!is_young(&heap), "a full collection leaves nothing young");
}

fn push_pending_thunk(heap: &mut RawHeap) {
    heap.reserve(3).expect("room");
    let thunk = heap.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, Word::ZERO]);
    heap.stack.push(thunk);
}

#[test]
fn a_pending_thunk_stays_young_unless_an_old_object_refers_to_it() {
    let mut heap = heap();
    push_pending_thunk(&mut heap);
    push_pending_thunk(&mut heap);
    push_row(&mut heap, 1);
    for _ in 0..4 {
        heap.collect_young();
    }
    let (row, thunk) = (heap.stack.peek(0), heap.stack.peek(1));
    assert!(heap.nursery.contains(thunk.address()));
    assert!(!heap.nursery.contains(row.address()));
    assert!(!heap.nursery.contains(heap.load(row, 0).address()));
    assert!(is_nothing_remembered(&mut heap));
}

#[test]
fn pending_thunks_that_are_many_become_old() {
    // The survivor space has 512 words, and a quarter of it for pending thunks that survive again.
    let mut heap = heap();
    for _ in 0..100 {
        push_pending_thunk(&mut heap);
    }
    let young = |heap: &RawHeap| {
        let words = heap.stack.top_from(0).iter();
        words.filter(|word| heap.nursery.contains(word.address())).count()
    };
    for expected in [100, 42, 42] {
        heap.collect_young();
        assert_eq!(young(&heap), expected);
    }
}

#[test]
fn pending_thunks_deep_in_a_stack_become_old() {
    let mut heap = heap_of(HeapOptions {
        nursery: 1 << 15,
        max_heap: 1 << 24,
        max_stack: 1 << 20,
        stress: false,
    });
    push_pending_thunk(&mut heap);
    // More than the words that are recent.
    for _ in 0..(1 << 16) {
        heap.stack.push(Word::ZERO);
    }
    heap.collect_young();
    heap.collect_young();
    assert!(!heap.nursery.contains(heap.stack.get(0).address()));
}

fn is_nothing_remembered(heap: &mut RawHeap) -> bool {
    let remembered = heap.remembered.take();
    remembered.objects.is_empty() && remembered.cards.is_empty()
}

#[test]
fn survivors_that_do_not_fit_are_old_and_may_point_to_young_objects() {
    let mut heap = heap();
    // A list that the survivor space has room for, and a row that it has none for.
    push_list(&mut heap, 100);
    let list = heap.stack.peek(0);
    (0..600).for_each(|_| heap.stack.push(list));
    push_row(&mut heap, 600);
    heap.collect_young();
    let row = heap.stack.peek(0).address();
    let remembered = heap.remembered.take();
    assert!(remembered.objects.is_empty());
    assert_eq!(
        remembered.cards,
        (0..=9).map(|card| (row, card)).collect::<Vec<_>>(),
        "the whole row"
    );
    remembered.cards.iter().for_each(|(row, card)| heap.remembered.add_card(*row, card * 64));
    for _ in 0..3 {
        assert_eq!(list_length(&heap, heap.load(heap.stack.peek(0), 599)), 100);
        heap.collect_young();
    }
    assert!(is_nothing_remembered(&mut heap), "all are old");
}

#[test]
fn the_value_of_a_dead_thunk_is_not_copied() {
    let mut heap = heap();
    heap.reserve(3).expect("room");
    let thunk = heap.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, Word::ZERO]);
    heap.stack.push(thunk);
    heap.collect_young();
    push_list(&mut heap, 100);
    let value = heap.stack.pop();
    let thunk = heap.stack.pop();
    heap.update(thunk, value);
    let before = heap.statistics.copied;
    heap.collect_young();
    assert_eq!(heap.statistics.copied, before);
}

/// Pushes a row of `count` zeroes, which is old.
fn push_old_row(heap: &mut RawHeap, count: usize) {
    (0..count).for_each(|_| heap.stack.push(Word::ZERO));
    push_row(heap, count);
    heap.collect_all();
}

#[test]
fn a_large_old_row_is_scanned_by_cards() {
    let mut heap = heap();
    let count = if cfg!(miri) { 512 } else { 4096 };
    push_old_row(&mut heap, count);
    for index in 0..count {
        push_list(&mut heap, 1);
        let list = heap.stack.pop();
        let row = heap.stack.peek(0);
        heap.store(row, index, list);
        if index % 8 == 7 {
            heap.collect_young();
        }
    }
    // Each collection scans the lists that it copies, and the cards that were written to since the
    // last two collections: at most two cards, or one as often as the other half of the times.
    let collections = (count / 8) as u64;
    let scanned = heap.statistics.scanned;
    assert!(scanned <= collections * (2 * 64 + 64), "{scanned} words by {collections} collections");
    let row = heap.stack.peek(0);
    assert!((0..count).all(|index| list_length(&heap, heap.load(row, index)) == 1));
}

#[test]
fn values_without_young_objects_are_not_remembered() {
    let mut heap = heap();
    push_old_row(&mut heap, 4);
    push_old_row(&mut heap, 1000);
    let (small, large) = (heap.stack.peek(1), heap.stack.peek(0));
    for index in 0..4 {
        heap.store(small, index, Word::direct(7));
        heap.store(large, index, small);
    }
    assert!(is_nothing_remembered(&mut heap));
}

#[test]
fn writes_to_old_objects_of_all_sizes_are_seen() {
    let sizes = [1, 255, 256, 257, 319, 320, 1000];
    for stress in [false, true] {
        let mut heap = heap();
        heap.options.stress = stress;
        sizes.iter().for_each(|count| push_old_row(&mut heap, *count));
        let mut expected: Vec<Vec<u64>> = sizes.iter().map(|count| vec![0; *count]).collect();
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..if cfg!(miri) { 100 } else { 4000 } {
            let which = random.usize(..sizes.len());
            let length = random.u64(..3);
            push_list(&mut heap, length);
            let list = heap.stack.pop();
            let index = random.usize(..sizes[which]);
            let row = heap.stack.get(which);
            heap.store(row, index, list);
            expected[which][index] = length;
            match random.u8(..10) {
                0 => heap.collect_young(),
                1 => heap.collect_all(),
                _ => {}
            }
        }
        for (which, lengths) in expected.iter().enumerate() {
            let row = heap.stack.get(which);
            for (index, length) in lengths.iter().enumerate() {
                assert_eq!(list_length(&heap, heap.load(row, index)), *length);
            }
        }
    }
}

#[test]
fn a_large_part_of_the_stack_is_scanned_by_cards() {
    let mut heap = heap();
    let count = 8192;
    let written = if cfg!(miri) { 128 } else { count };
    (0..count).for_each(|_| heap.stack.push(Word::ZERO));
    heap.collect_young();
    let before = heap.statistics.scanned_stack;
    for index in 0..written {
        push_list(&mut heap, 1);
        let list = heap.stack.pop();
        heap.stack.set(index, list);
        if index % 8 == 7 {
            heap.collect_young();
        }
    }
    let collections = (written / 8) as u64;
    let scanned = heap.statistics.scanned_stack - before;
    // The last words, up to the top, are not on cards.
    let last = 1 << 12;
    let most = collections * 2 * 64 + last / 8 * last;
    assert!(scanned <= most, "{scanned} words by {collections} collections");
    assert!((0..written).all(|index| list_length(&heap, heap.stack.get(index)) == 1));
}

#[test]
fn writes_to_all_parts_of_the_stack_are_seen() {
    let count = if cfg!(miri) { 4500 } else { 10_000 };
    let mut heap = heap();
    let mut expected = vec![0; count];
    (0..count).for_each(|_| heap.stack.push(Word::ZERO));
    let mut random = fastrand::Rng::with_seed(6);
    for _ in 0..if cfg!(miri) { 50 } else { 5000 } {
        let length = random.u64(..3);
        push_list(&mut heap, length);
        let list = heap.stack.pop();
        match random.u8(..10) {
            0 => heap.collect_young(),
            1 => heap.collect_all(),
            2 => {
                let most = if random.u8(..20) == 0 { 6000 } else { 30 };
                let top = expected.len() - random.usize(..=expected.len().min(most));
                heap.stack.truncate(top);
                expected.truncate(top);
            }
            3 if expected.len() < count => {
                let more = random.usize(..200);
                (0..more).for_each(|_| heap.stack.push(list));
                expected.extend(vec![length; more]);
            }
            _ if !expected.is_empty() => {
                let index = random.usize(..expected.len());
                heap.stack.set(index, list);
                expected[index] = length;
            }
            _ => {}
        }
    }
    for (index, length) in expected.iter().enumerate() {
        assert_eq!(list_length(&heap, heap.stack.get(index)), *length);
    }
}
