//! Cutting bars shares their bytes, and a full collection frees the bytes that no view needs. These
//! tests run under Miri too.

use super::{HeapOptions, NoHost};
use crate::bar::{self, MIN_VIEW_BYTES};
use crate::layout::{BAR_VIEW_SOURCE, ObjectLayout};
use crate::word::Word;
use std::ops::Range;

type RawHeap = super::RawHeap<NoHost>;

fn heap(stress: bool) -> RawHeap {
    let options = HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress };
    // SAFETY: the tests hold no word across a collection, and take indices from layouts.
    unsafe { RawHeap::new(options, NoHost) }.expect("a small stack can be reserved")
}

/// Bytes that differ from their neighbours.
fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 256) as u8).collect()
}

fn push_bar(heap: &mut RawHeap, bytes: &[u8]) {
    let bar = bar::make(heap, bytes).expect("room");
    heap.stack.push(bar);
}

/// Pushes a part of the bar at that stack index.
fn push_part(heap: &mut RawHeap, at: usize, range: Range<usize>) {
    let part = bar::slice(heap, at, range).expect("room");
    heap.stack.push(part);
}

fn bytes(heap: &RawHeap, at: usize) -> &[u8] {
    bar::bytes(heap, heap.stack.get(at))
}

fn source(heap: &RawHeap, view: Word) -> Word {
    assert_eq!(heap.header(view).layout(), ObjectLayout::BarView);
    heap.load(view, BAR_VIEW_SOURCE)
}

/// Removes the value at that stack index, and moves those above it down.
fn remove(heap: &mut RawHeap, at: usize) {
    heap.stack.slide(at, at + 1);
}

/// Runs a full collection, and returns the number of words that it copied.
fn copied_by_full_collection(heap: &mut RawHeap) -> u64 {
    let before = heap.statistics.copied;
    heap.collect_all();
    heap.statistics.copied - before
}

#[test]
fn parts_of_parts_have_the_bytes_of_the_range() {
    for stress in [false, true] {
        let mut heap = heap(stress);
        let all = sample(1000);
        push_bar(&mut heap, &all);
        let mut expected = 0..all.len();
        let mut random = fastrand::Rng::with_seed(1);
        while !expected.is_empty() {
            let length = expected.len();
            let (front, back) = (random.usize(..=length.min(40)), random.usize(..=length.min(9)));
            let end = (length - back).max(front);
            push_part(&mut heap, 0, front..end);
            remove(&mut heap, 0);
            expected = expected.start + front..expected.start + end;
            assert_eq!(bytes(&heap, 0), &all[expected.clone()]);
            match random.u8(..4) {
                0 => heap.collect_young(),
                1 => heap.collect_all(),
                _ => {}
            }
            assert_eq!(bytes(&heap, 0), &all[expected.clone()]);
        }
    }
}

#[test]
fn a_view_refers_to_a_flat_bar_or_a_buffer_and_a_short_part_is_flat() {
    let mut heap = heap(false);
    push_bar(&mut heap, &sample(1000));
    push_part(&mut heap, 0, 100..900);
    push_part(&mut heap, 1, 100..700);
    let inner = source(&heap, heap.stack.get(2));
    assert_eq!(inner, heap.stack.get(0));
    push_part(&mut heap, 2, 0..MIN_VIEW_BYTES - 1);
    assert_eq!(heap.header(heap.stack.get(3)).layout(), ObjectLayout::Bar);
    push_part(&mut heap, 2, 0..600);
    assert_eq!(heap.stack.get(4), heap.stack.get(2), "the whole is the bar itself");
}

#[test]
#[should_panic(expected = "out of range")]
fn a_part_beyond_the_end_panics() {
    let mut heap = heap(false);
    push_bar(&mut heap, &sample(100));
    push_part(&mut heap, 0, 50..101);
}

#[test]
fn a_full_collection_frees_a_source_that_small_views_kept() {
    let mut heap = heap(false);
    let all = sample(80_000);
    push_bar(&mut heap, &all);
    push_part(&mut heap, 0, 1003..1103);
    push_part(&mut heap, 0, 1050..1200);
    push_part(&mut heap, 0, 70_000..70_100);
    remove(&mut heap, 0);
    let copied = copied_by_full_collection(&mut heap);
    assert!(copied < 100, "{copied} words for 300 bytes");
    for (at, range) in [1003..1103, 1050..1200, 70_000..70_100].into_iter().enumerate() {
        assert_eq!(bytes(&heap, at), &all[range]);
    }
    let sources: Vec<Word> = (0..3).map(|at| source(&heap, heap.stack.get(at))).collect();
    assert_eq!(sources[0], sources[1], "views that overlap share a copy");
    assert_ne!(sources[0], sources[2]);
}

#[test]
fn views_that_need_half_of_a_source_together_keep_it() {
    let mut heap = heap(false);
    let all = sample(8000);
    push_bar(&mut heap, &all);
    (0..8).for_each(|part| push_part(&mut heap, 0, 1000 * part..1000 * part + 600));
    remove(&mut heap, 0);
    let copied = copied_by_full_collection(&mut heap);
    assert!(copied > 1000, "the whole source is copied");
    for part in 0..8 {
        assert_eq!(bytes(&heap, part), &all[1000 * part..1000 * part + 600]);
    }
}

#[test]
fn a_view_follows_a_source_that_is_reachable_otherwise() {
    let mut heap = heap(false);
    let all = sample(8000);
    push_bar(&mut heap, &all);
    // The view is visited before its source in one case, after it in the other.
    push_part(&mut heap, 0, 0..100);
    let bar = heap.stack.get(0);
    heap.stack.push(bar);
    remove(&mut heap, 0);
    push_part(&mut heap, 1, 7900..8000);
    heap.collect_all();
    assert_eq!(bytes(&heap, 0), &all[..100]);
    assert_eq!(bytes(&heap, 2), &all[7900..]);
    let bar = heap.stack.get(1);
    assert_eq!([0, 2].map(|at| source(&heap, heap.stack.get(at))), [bar; 2]);
}

#[test]
fn a_queue_of_bytes_takes_amortised_constant_time() {
    let mut heap = heap(false);
    let mut expected = sample(600);
    push_bar(&mut heap, &expected);
    for round in 0..500 {
        let more = [round as u8; 10];
        let longer = bar::append(&mut heap, 0, &more).expect("room");
        heap.stack.set(0, longer);
        push_part(&mut heap, 0, 10..610);
        remove(&mut heap, 0);
        expected.extend(more);
        expected.drain(..10);
        assert_eq!(bytes(&heap, 0), expected);
    }
    // A copy of 600 bytes in each round would take 38,000 words.
    let allocated = heap.statistics.allocated + 10_000;
    assert!(allocated < 20_000, "{allocated} words");
}

#[test]
fn appending_twice_to_a_view_keeps_both_results() {
    let mut heap = heap(false);
    let all = sample(500);
    push_bar(&mut heap, &all);
    for more in [b"first", b"other"] {
        let longer = bar::append(&mut heap, 0, more).expect("room");
        heap.stack.push(longer);
    }
    push_part(&mut heap, 1, 100..505);
    let a = bar::append(&mut heap, 3, b"A").expect("room");
    heap.stack.push(a);
    let b = bar::append(&mut heap, 3, b"B").expect("room");
    heap.stack.push(b);
    heap.collect_all();
    let with = |from: usize, more: &[u8]| [&all[from..], more].concat();
    assert_eq!(bytes(&heap, 1), with(0, b"first"));
    assert_eq!(bytes(&heap, 2), with(0, b"other"));
    assert_eq!(bytes(&heap, 4), with(100, b"firstA"));
    assert_eq!(bytes(&heap, 5), with(100, b"firstB"));
}
