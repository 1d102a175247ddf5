//! Values with so much sharing that they cannot be written out.

use super::*;
use crate::samples::{self, heap};
use crate::{Heap, Val};

/// `[x x]` of `[x x]` and so on: 2^`times` copies of the nat, in `times` rows.
fn doubled(heap: &mut Heap, nat: u64, times: usize) -> Val {
    let mut value = heap.nat(nat);
    for _ in 0..times {
        value = heap.row(&[value.clone(), value]).unwrap();
    }
    samples::mark_normal(heap, &value);
    value
}

fn is_refused<T>(result: Result<T, EvalError>) -> bool {
    matches!(result, Err(EvalError::TooLarge { .. }))
}

#[test]
fn sizes_count_the_written_parts() {
    let heap = &mut heap(false);
    let value = doubled(heap, 7, 10);
    let size = |value: &Val, pins| heap.look(value).written_size(pins).unwrap();
    assert_eq!(size(&value, PinCounting::Opaque), (1 << 11) - 1);
    let value = doubled(heap, 7, 100);
    let size = |value: &Val, pins| heap.look(value).written_size(pins).unwrap();
    assert_eq!(size(&value, PinCounting::Opaque), u64::MAX);
    let pin = doubled(heap, 7, 3);
    let pin = samples::pin(heap, &pin).unwrap();
    let row = heap.row(&[pin.clone(), pin]).unwrap();
    let size = |pins| heap.look(&row).written_size(pins).unwrap();
    assert_eq!(size(PinCounting::Opaque), 3);
    assert_eq!(size(PinCounting::Expanded), 3 + 15);
}

#[test]
fn a_value_that_can_be_written_is_hashed_despite_sharing() {
    let heap = &mut heap(false);
    let value = doubled(heap, 7, 21);
    let other = doubled(heap, 7, 21);
    assert_eq!(heap.hash(&value).unwrap(), heap.hash(&other).unwrap());
}

#[test]
fn a_value_too_large_to_hash_is_refused() {
    let heap = &mut heap(false);
    for times in [31, 60, 200] {
        let value = doubled(heap, 7, times);
        assert!(is_refused(heap.hash(&value)));
        let pin = samples::pin(heap, &value).unwrap();
        assert!(is_refused(heap.hash(&pin)));
        let Shape::Pin(seen) = heap.look(&pin).shape() else { unreachable!("a pin was made") };
        assert!(is_refused(seen.hash()));
    }
}

#[test]
fn equality_and_order_visit_shared_parts_once() {
    let heap = &mut heap(false);
    let [one, same, more] = [(7, 60), (7, 60), (8, 60)].map(|(nat, n)| doubled(heap, nat, n));
    let pins = [&one, &same, &more].map(|value| samples::pin(heap, value).unwrap());
    for [one, same, more] in [[one, same, more], pins] {
        let (one, same, more) = (heap.look(&one), heap.look(&same), heap.look(&more));
        assert!(one.is_equal(same) && !one.is_equal(more));
        assert!(one.compare(same).is_eq());
        assert!(one.compare(more).is_lt() && more.compare(one).is_gt());
    }
}

#[test]
fn the_last_difference_is_found_behind_shared_parts() {
    let heap = &mut heap(false);
    let build = |heap: &mut Heap, nat: u64| {
        let (shared, last) = (doubled(heap, 7, 60), heap.nat(nat));
        let row = heap.row(&[last, shared.clone(), shared]).unwrap();
        samples::mark_normal(heap, &row);
        row
    };
    let (less, more) = (build(heap, 1), build(heap, 2));
    assert!(heap.look(&less).compare(heap.look(&more)).is_lt());
}

#[test]
fn an_interrupt_ends_a_hash() {
    let heap = &mut heap(false);
    let value = doubled(heap, 7, 29);
    heap.interrupt_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(heap.hash(&value), Err(EvalError::Interrupted)));
}

#[test]
fn a_size_is_counted_up_to_a_number_of_objects() {
    let heap = &mut heap(false);
    let shared = doubled(heap, 7, 40);
    let size = |heap: &Heap, value: &Val, max| {
        heap.look(value).written_size_if_small(PinCounting::Opaque, max)
    };
    assert_eq!(size(heap, &shared, 1 << 10), Some((1 << 41) - 1));
    assert_eq!(size(heap, &shared, 20), None);
    let items: Vec<Val> = (0..1000).map(|n| heap.nat(n)).collect();
    let row = heap.row(&items).unwrap();
    assert_eq!(size(heap, &row, 2000), Some(1001));
    assert_eq!(size(heap, &row, 1000), None);
    // A request to stop is for the evaluation too.
    let value = doubled(heap, 7, 10_000);
    heap.interrupt_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(size(heap, &value, 1 << 20), None);
    assert!(heap.look(&value).is_interrupted());
}

#[test]
fn a_pin_is_hashed_within_a_number_of_words() {
    let heap = &mut heap(false);
    let inner = doubled(heap, 7, 5);
    let inner = samples::pin(heap, &inner).unwrap();
    let row = heap.row(&[inner.clone(), inner]).unwrap();
    let outer = samples::pin(heap, &row).unwrap();
    let hash = |heap: &Heap, words: u64| {
        let Shape::Pin(seen) = heap.look(&outer).shape() else { unreachable!("a pin was made") };
        let mut left = words;
        (crate::hash::hash_within_words(seen, &mut left), left)
    };
    // The outer item has 3 parts and is sized again when the inner one has its hash, of 63 parts.
    assert_eq!(hash(heap, 2), (None, 0));
    assert_eq!(hash(heap, 65), (None, 0));
    let (found, left) = hash(heap, 100);
    assert_eq!((found, left), (Some(heap.hash(&row).unwrap()), 100 - 3 - 63 - 3));
    // A known hash costs nothing.
    assert_eq!(hash(heap, 0), (found, 0));
}

#[test]
fn words_of_parts_that_a_value_shares_count_once() {
    let heap = &mut samples::heap(false);
    let bar = heap.bar(&[7; 8000]).expect("room");
    let mut value = heap.row(std::slice::from_ref(&bar)).expect("room");
    // The header and the item of the row; the header, the length and the bytes of the bar.
    assert!(!takes_more_words_than(heap.look(&value), 2 + 1002));
    assert!(takes_more_words_than(heap.look(&value), 2 + 1001));
    for _ in 0..40 {
        value = heap.row(&[value.clone(), value, bar.clone()]).expect("room");
    }
    assert!(!takes_more_words_than(heap.look(&value), 2 + 1002 + 40 * 4));
    assert!(takes_more_words_than(heap.look(&value), 2 + 1002 + 40 * 4 - 1));
    // A pin counts without its item.
    samples::mark_normal(heap, &bar);
    let pin = samples::pin(heap, &bar).expect("room");
    let row = heap.row(&[pin]).expect("room");
    assert!(!takes_more_words_than(heap.look(&row), 2 + 8));
}
