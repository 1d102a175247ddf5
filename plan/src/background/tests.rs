//! Freezing in the background, while the heap's thread allocates, collects, hashes and appends.
//!
//! A test holds the lock of the pin space's backing to keep the other thread from ending. Tests with
//! `borrower` in their names use no pin space and run under Miri, which finds data races.

use crate::freeze;
use crate::heap::{HeapMemory, HeapOptions};
use crate::pinspace::{FrozenPin, PinSpace};
use crate::samples::{self, terms};
use crate::value_ref::Ref;
use crate::view::PinRef;
use crate::{FreezeError, Heap, Shape, Val};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

fn space() -> Arc<PinSpace> {
    PinSpace::in_memory().expect("the range can be reserved")
}

/// A freeze that has been started.
struct StartedFreeze {
    thread: JoinHandle<()>,
    result: Receiver<Result<FrozenPin, FreezeError>>,
}

impl StartedFreeze {
    fn start(heap: &mut Heap, value: &Val, space: &Arc<PinSpace>) -> StartedFreeze {
        let (sender, result) = channel();
        let send = move |frozen| sender.send(frozen).expect("the test waits");
        let thread = heap.freeze_in_background(value, space, send).expect("a thread");
        StartedFreeze { thread, result }
    }

    fn finish(self) -> FrozenPin {
        self.thread.join().expect("no panic");
        self.result.recv().expect("a result").expect("room")
    }
}

/// Makes a row of values in normal form, of all shapes.
fn sample_row(heap: &mut Heap, seed: u64) -> Val {
    let made = terms(seed, 60);
    let items: Vec<Val> =
        made.iter().map(|term| samples::normal(heap, term).expect("room")).collect();
    let pins: Vec<Val> = items.iter().map(|item| samples::pin(heap, item).expect("room")).collect();
    let row = heap.row(&[items, pins].concat()).expect("room");
    samples::mark_normal(heap, &row);
    row
}

fn make_garbage(heap: &mut Heap, rows: u64) {
    for number in 0..rows {
        let items = [number, number + 1].map(|number| heap.nat(number));
        heap.row(&items).expect("room");
    }
}

#[test]
fn a_freeze_in_the_background_has_the_same_result() {
    for stress in [false, true] {
        for seed in 0..4 {
            let heap = &mut samples::heap(stress);
            let row = sample_row(heap, seed);
            let (first, second) = (space(), space());
            let started = StartedFreeze::start(heap, &row, &first);
            make_garbage(heap, 5000);
            let frozen = started.finish();
            samples::collect(heap);
            assert_eq!(frozen.hash(), heap.freeze(&row, &second).expect("room").hash());
            assert_eq!(frozen.hash(), heap.hash(&row).expect("not too large"));
            let adopted = heap.adopt(&frozen);
            let Shape::Pin(pin) = heap.look(&adopted).shape() else { unreachable!("a pin") };
            let item = heap.hold(pin.item());
            assert!(heap.look(&item).is_equal(heap.look(&row)));
        }
    }
}

#[test]
fn full_collections_are_postponed_while_old_objects_are_lent() {
    let heap = &mut samples::heap(false);
    let row = sample_row(heap, 1);
    let space = space();
    let guard = space.backing();
    let started = StartedFreeze::start(heap, &row, &space);
    let before = heap.statistics();
    // Old space grows past the size at which it would be collected.
    let kept: Vec<Val> = (0..50_000)
        .map(|number| {
            let item = heap.nat(number);
            heap.row(&[item]).expect("room")
        })
        .collect();
    let after = heap.statistics();
    assert_eq!(after.major, before.major);
    assert!(after.minor > before.minor + 10);
    drop(guard);
    let frozen = started.finish();
    make_garbage(heap, 5000);
    assert!(heap.statistics().major > before.major, "it is no longer postponed");
    assert_eq!(frozen.hash(), heap.hash(&row).expect("not too large"));
    drop(kept);
}

#[test]
fn a_heap_at_its_limit_and_the_end_of_a_heap_wait_for_the_freeze() {
    for ends in [false, true] {
        let mut heap = samples::heap(false);
        let row = sample_row(&mut heap, 2);
        let hash = heap.hash(&row).expect("not too large");
        let space = space();
        let started = StartedFreeze::start(&mut heap, &row, &space);
        if ends {
            drop((row, heap));
        } else {
            heap.0.collect_all();
            assert_eq!(heap.hash(&row).expect("not too large"), hash);
        }
        // Both have waited, so the result has been sent, or is about to be.
        assert_eq!(started.finish().hash(), hash);
    }
}

#[test]
fn both_threads_hash_the_same_pins() {
    for seed in 10..20 {
        let heap = &mut samples::heap(false);
        let row = sample_row(heap, seed);
        let started = StartedFreeze::start(heap, &row, &space());
        let hash = heap.hash(&row).expect("not too large");
        assert_eq!(started.finish().hash(), hash);
    }
}

#[test]
fn a_bar_is_appended_to_while_it_is_frozen() {
    let heap = &mut *samples::heap(false);
    let text: Vec<u8> = (0..3000).map(|n| n as u8).collect();
    let start = heap.bar(&text).expect("room");
    let mut newest = samples::append_to_bar(heap, &start, b"more");
    let row = heap.row(std::slice::from_ref(&newest)).expect("room");
    samples::mark_normal(heap, &row);
    let space = space();
    let started = StartedFreeze::start(heap, &row, &space);
    for _ in 0..200 {
        newest = samples::append_to_bar(heap, &newest, b"more");
    }
    assert_eq!(started.finish().hash(), heap.hash(&row).expect("not too large"));
    let whole = [&text[..], &b"more".repeat(201)].concat();
    assert!(matches!(heap.look(&newest).shape(), Shape::Bar(bytes) if bytes == whole));
}

#[test]
fn an_error_is_passed_on_and_the_heap_goes_on() {
    let heap = &mut samples::heap(false);
    let (increment, one) = (heap.nat(3), heap.nat(1));
    let thunk = heap.app(&increment, &[one]).expect("room");
    let row = heap.row(&[thunk]).expect("room");
    let refused = heap.freeze_in_background(&row, &space(), |_| unreachable!("it is not started"));
    assert!(matches!(refused, Err(FreezeError::NotNormal)));
    // Each row has the one before twice, so its hash would not end.
    let mut row = heap.row(&[]).expect("room");
    for _ in 0..40 {
        row = heap.row(&[row.clone(), row]).expect("room");
        samples::mark_normal(heap, &row);
    }
    let (sender, result) = channel();
    let send = move |frozen| sender.send(frozen).expect("the test waits");
    let thread = heap.freeze_in_background(&row, &space(), send).expect("a thread");
    thread.join().expect("no panic");
    assert!(matches!(result.recv(), Ok(Err(FreezeError::Limit(text))) if text.contains("parts")));
    let normal = sample_row(heap, 3);
    StartedFreeze::start(heap, &normal, &space()).finish();
}

/// Makes a row in normal form: a row of nats, two pins that share an item, a law, a big nat, and a bar
/// that shares its buffer. Returns the row, and the bar.
fn small_row(heap: &mut Heap) -> (Val, Val) {
    let numbers = [1, 2, u64::MAX].map(|number| heap.nat(number));
    let numbers = heap.row(&numbers).expect("room");
    let inner = samples::pin(heap, &numbers).expect("room");
    let outer = heap.row(&[inner.clone(), numbers.clone()]).expect("room");
    let outer = samples::pin(heap, &outer).expect("room");
    let law = spec::Term::parse("{'f' 2 (0 1 2)}").expect("a term");
    let law = samples::normal(heap, &law).expect("room");
    let bar = heap.bar(&[7; 300]).expect("room");
    let bar = samples::append_to_bar(heap, &bar, b"more");
    let row = heap.row(&[numbers, inner, outer, law, bar.clone()]).expect("room");
    samples::mark_normal(heap, &row);
    (row, bar)
}

#[test]
fn a_borrower_hashes_and_copies_while_the_heap_goes_on() {
    let options =
        HeapOptions { nursery: 1 << 15, max_heap: 1 << 24, max_stack: 1 << 17, stress: false };
    for start in 0..4 {
        let heap = &mut Heap::new(options.clone()).expect("a small stack");
        let (row, mut bar) = small_row(heap);
        let pin = samples::pin(heap, &row).expect("room");
        let loan = heap.0.lend_old();
        let word = heap.0.word(&pin);
        let borrower = std::thread::spawn(move || {
            let reader = HeapMemory::reader().expect("a small stack");
            let hash = PinRef(Ref::new(word, &reader)).hash().expect("not too large");
            let length = freeze::record_length(&reader, word);
            drop(loan);
            (hash, length)
        });
        // The order of the actions differs from run to run.
        for action in (0..4).map(|number| (start + number) % 4) {
            match action {
                0 => drop(heap.hash(&row).expect("not too large")),
                1 => heap.0.collect_young(),
                2 => bar = samples::append_to_bar(heap, &bar, b"and more"),
                _ => make_garbage(heap, 100),
            }
        }
        heap.0.collect_all();
        let (hash, length) = borrower.join().expect("no panic");
        assert_eq!(hash, heap.hash(&row).expect("not too large"));
        assert!(length > 40);
        assert!(matches!(heap.look(&bar).shape(), Shape::Bar(bytes) if bytes.ends_with(b"more")));
    }
}
