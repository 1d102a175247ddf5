//! Reports that another thread makes, compared with those of full collections.

use super::UNFINISHED_MAX;
use crate::layout::ObjectLayout;
use crate::pinspace::{HeapReferences, PinSpace};
use crate::samples::{self, terms};
use crate::word::Word;
use crate::{Heap, LentReferences, Val};
use std::sync::Arc;
use std::thread;

fn space() -> Arc<PinSpace> {
    PinSpace::in_memory().expect("the range can be reserved")
}

fn on_another_thread(lent: LentReferences) -> HeapReferences {
    let list = move || lent.list(|| true);
    thread::spawn(list).join().expect("no panic").expect("the system has memory")
}

/// What a survey finds if the heap reports as `report` does.
fn survey(
    heap: &mut Heap,
    space: &Arc<PinSpace>,
    report: impl FnOnce(&mut Heap) -> HeapReferences,
) -> Vec<usize> {
    space.begin_survey();
    let report = report(heap);
    space.finish_survey(&[report]).expect("all heaps have reported")
}

fn lent(heap: &mut Heap, space: &Arc<PinSpace>) -> Vec<usize> {
    survey(heap, space, |heap| {
        on_another_thread(heap.lend_references(space).expect("all is in normal form"))
    })
}

/// Makes values of all shapes, pins of some, and frozen pins of others.
fn samples(heap: &mut Heap, space: &Arc<PinSpace>, seed: u64) -> Vec<Val> {
    let mut values = Vec::new();
    for (index, term) in terms(seed, 90).iter().enumerate() {
        let value = samples::normal(heap, term).expect("room");
        values.push(match index % 3 {
            0 => value,
            1 => samples::pin(heap, &value).expect("room"),
            _ => {
                let frozen = heap.freeze(&value, space).expect("room");
                let pin = heap.adopt(&frozen);
                let row = heap.row(&[pin, value]).expect("room");
                samples::mark_normal(heap, &row);
                row
            }
        });
    }
    values
}

#[test]
fn a_report_of_lent_objects_has_that_of_a_full_collection() {
    for stress in [false, true] {
        for seed in 0..8 {
            let space = space();
            let heap = &mut samples::heap(stress);
            let mut values = samples(heap, &space, seed);
            // Some pins of the heap have frozen copies now, which the next full collection finds.
            let row = heap.row(&values).expect("room");
            samples::mark_normal(heap, &row);
            heap.freeze(&values[1], &space).expect("room");
            for _ in 0..3 {
                let before = lent(heap, &space);
                let expected = survey(heap, &space, |heap| heap.survey_references(&space));
                assert!(!expected.is_empty());
                // A full collection does not visit what a frozen copy has in it.
                assert!(expected.iter().all(|address| before.contains(address)));
                assert_eq!(lent(heap, &space), expected);
                drop(values.split_off(values.len() / 2));
            }
            drop((row, values));
            samples::collect(heap);
            assert!(lent(heap, &space).is_empty());
        }
    }
}

/// A row of a frozen pin, and the address of the pin.
fn row_of_frozen(heap: &mut Heap, space: &Arc<PinSpace>, number: u64) -> (Val, usize) {
    let number = heap.nat(number);
    let item = heap.row(&[number]).expect("room");
    samples::mark_normal(heap, &item);
    let frozen = heap.freeze(&item, space).expect("room");
    let pin = heap.adopt(&frozen);
    let row = heap.row(&[pin]).expect("room");
    samples::mark_normal(heap, &row);
    (row, frozen.address())
}

#[test]
fn what_evaluations_refer_to_is_reported() {
    let space = space();
    let heap = &mut samples::heap(false);
    let (row, first) = row_of_frozen(heap, &space, 1);
    let (other, second) = row_of_frozen(heap, &space, 2);
    // A thunk on the stack refers to a row that is not normal, and to a thunk with a value.
    let raw = &mut heap.0;
    raw.reserve(20).expect("room");
    let (row_word, other_word) = (raw.word(&row), raw.word(&other));
    let unfinished = raw.allocate_words(ObjectLayout::Row, 0, &[row_word]);
    let done = raw.allocate_words(ObjectLayout::Indirection, 0, &[other_word]);
    let thunk = raw.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, unfinished, done]);
    raw.stack.push(thunk);
    drop((row, other));
    let mut expected = vec![first, second];
    expected.sort_unstable();
    assert_eq!(lent(heap, &space), expected);
    heap.0.stack.pop();
    assert!(lent(heap, &space).is_empty());
}

#[test]
fn the_heap_goes_on_while_its_references_are_listed() {
    let space = space();
    let heap = &mut samples::heap(false);
    let values = samples(heap, &space, 3);
    let expected = survey(heap, &space, |heap| heap.survey_references(&space));
    space.begin_survey();
    let lent = heap.lend_references(&space).expect("all is in normal form");
    assert!(heap.is_lent());
    // The values are dropped, and others are made. Full collections wait.
    let before = heap.statistics();
    drop(values);
    let kept: Vec<Val> = (0..20_000)
        .map(|number| {
            let item = heap.nat(number);
            heap.row(&[item]).expect("room")
        })
        .collect();
    let after = heap.statistics();
    assert!(after.minor > before.minor && after.major == before.major);
    let report = on_another_thread(lent);
    assert_eq!(space.finish_survey(&[report]), Some(expected));
    assert!(!heap.is_lent());
    drop(kept);
}

#[test]
fn a_report_that_is_cancelled_ends_the_loan() {
    let space = space();
    let heap = &mut samples::heap(false);
    let _values: Vec<Val> = (0..3 * super::STEP as u64)
        .map(|number| {
            let item = heap.nat(number);
            let row = heap.row(&[item]).expect("room");
            samples::mark_normal(heap, &row);
            row
        })
        .collect();
    let lent = heap.lend_references(&space).expect("all is in normal form");
    let mut asked = 0;
    let report = lent.list(|| {
        asked += 1;
        asked < 2
    });
    assert!(report.is_none() && asked == 2);
    assert!(!heap.is_lent());
}

#[test]
fn there_is_no_report_if_too_much_is_not_in_normal_form() {
    let space = space();
    let heap = &mut samples::heap(false);
    let raw = &mut heap.0;
    for _ in 0..=UNFINISHED_MAX {
        raw.reserve(3).expect("room");
        let top = raw.stack.top();
        let below = if top == 0 { Word::ZERO } else { raw.stack.pop() };
        let thunk = raw.allocate_words(ObjectLayout::ThunkApp, 0, &[Word::ZERO, below]);
        raw.stack.push(thunk);
    }
    assert!(heap.lend_references(&space).is_none());
    assert!(!heap.is_lent());
}
