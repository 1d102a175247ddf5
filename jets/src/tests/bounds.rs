//! Very large arguments: a running jet can be interrupted, and a jet whose result does not fit on
//! the heap fails before it allocates.

use super::harness::JetHarness;
use plan::{EvalError, Natural, Val};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A description of a large argument.
#[derive(Clone, Copy, Debug)]
enum LargeValue {
    /// A nat.
    Nat(u64),
    /// The nat of this many 1 bits.
    Bits(u64),
    /// A pinned jet.
    Jet(&'static str),
    /// `Nats(from, count)`: the row of `count` consecutive nats.
    Nats(u64, u64),
    /// `Set(from, count)`: the set of these nats.
    Set(u64, u64),
    /// `Tab(from, count)`: the table that maps each of these nats to itself.
    Tab(u64, u64),
    /// `Repeat(count, item)`: a row of `count` copies.
    Repeat(u64, &'static LargeValue),
    /// A bar of this many bytes.
    Bytes(u64),
}

use LargeValue::{Bits, Bytes, Jet, Nat, Nats, Repeat, Set, Tab};

fn make(harness: &mut JetHarness, large: LargeValue) -> Val {
    let row = |harness: &mut JetHarness, items: Vec<Val>| harness.vm.row(&items).expect("room");
    match large {
        Nat(nat) => harness.vm.nat(nat),
        Bits(bits) => {
            let nat = (Natural::from(1u32) << bits) - Natural::from(1u32);
            harness.vm.natural(&nat).expect("room")
        }
        Jet(name) => harness.make(&super::harness::TestValue::Jet(name)),
        Nats(from, count) => {
            let items = (from..from + count).map(|nat| harness.vm.nat(nat)).collect();
            row(harness, items)
        }
        Set(from, count) => {
            let keys = make(harness, Nats(from, count));
            harness.make_set(&keys).expect("room")
        }
        Tab(from, count) => {
            let (keys, values) =
                (make(harness, Set(from, count)), make(harness, Nats(from, count)));
            harness.vm.app(&keys, &[values]).expect("room")
        }
        Repeat(count, item) => {
            let item = make(harness, *item);
            row(harness, vec![item; count as usize])
        }
        Bytes(count) => {
            let bytes = vec![7; count as usize];
            harness.vm.bar(&bytes).expect("room")
        }
    }
}

/// Calls a jet; if `interrupt`, another thread interrupts the call about 2 ms after it starts.
fn run(
    harness: &mut JetHarness,
    jet: &'static str,
    args: &[LargeValue],
    interrupt: bool,
) -> Result<(), EvalError> {
    let args: Vec<Val> = args.iter().map(|large| make(harness, *large)).collect();
    let pin = make(harness, Jet(jet));
    let flag = harness.vm.interrupt_flag();
    let other = Arc::clone(&flag);
    let timer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(2));
        other.store(interrupt, Ordering::Relaxed);
    });
    let result = harness.vm.apply(&pin, &args).map(drop);
    timer.join().expect("it only waits");
    flag.store(false, Ordering::Relaxed);
    result
}

/// Calls that take much longer than the 2 ms until the interrupt.
const LONG_RUNNING: &[(&str, &[LargeValue])] = &[
    // One step of a product takes some tenths of a second; the interrupt is checked between steps.
    ("_Mul", &[Bits(200_000_000), Bits(200_000_000)]),
    ("_Pow", &[Bits(4_000_000), Nat(30)]),
    ("_Times", &[Jet("_Dec"), Nat(0), Nat(20_000_000)]),
    ("_Bitwise", &[Jet("_Xor"), Bits(4_000_000), Bits(4_000_000)]),
    ("_NatFold", &[Jet("_Add"), Nat(0), Bits(4_000_000)]),
    ("_Gen", &[Nat(20_000_000), Jet("_Dec")]),
    ("sumOf", &[Jet("_Dec"), Nats(0, 1_000_000)]),
    ("_TabFilterWithKey", &[Jet("_Add"), Tab(0, 1_000_000)]),
];

#[test]
fn long_loops_can_be_interrupted() {
    let mut harness = JetHarness::new();
    for (jet, args) in LONG_RUNNING {
        // On an overloaded machine the jet may return before the interrupting thread runs.
        let mut interrupted =
            || matches!(run(&mut harness, jet, args, true), Err(EvalError::Interrupted));
        assert!((0..5).any(|_| interrupted()), "{jet} is not interrupted");
    }
}

/// Calls whose result does not fit on a small heap.
const TOO_LARGE: &[(&str, &[LargeValue])] = &[
    ("_Bex", &[Nat(1 << 40)]),
    ("_Lsh", &[Nat(1), Nat(1 << 40)]),
    ("_Pow", &[Nat(3), Nat(1 << 40)]),
    ("_Mul", &[Bits(20_000_000), Bits(20_000_000)]),
    ("_SetBit", &[Nat(1 << 40), Nat(1)]),
    ("_Times", &[Jet("_Dec"), Nat(0), Nat(1 << 40)]),
    ("_Gen", &[Nat(1 << 40), Jet("_Dec")]),
    ("_NatToSizedBar", &[Nat(1 << 40), Nat(1)]),
    ("_SizedListToRow", &[Nat(1 << 40), Nat(0)]),
    ("cat", &[Repeat(10_000, &Nats(0, 1000))]),
    ("implode", &[Repeat(10_000, &Bits(10_000))]),
    ("padCat", &[Repeat(10_000, &Bits(10_000))]),
    ("padFlat", &[Repeat(10_000, &Bits(10_000))]),
    ("barCat", &[Repeat(10_000, &Bytes(1000))]),
    ("barFlat", &[Repeat(10_000, &Bytes(1000))]),
];

#[test]
fn results_that_do_not_fit_fail() {
    let mut harness = JetHarness::with_small_heap();
    for (jet, args) in TOO_LARGE {
        let result = run(&mut harness, jet, args, false);
        assert!(matches!(result, Err(EvalError::OutOfMemory)), "{jet}: {result:?}");
    }
    assert!(run(&mut harness, "_Add", &[Nat(1), Nat(2)], false).is_ok());
}
