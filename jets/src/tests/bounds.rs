//! Gigantic arguments: a jet at work on them can be interrupted, and one that would need more memory
//! than there may be says so before it takes it.

use super::bench::Bench;
use plan::{EvalError, Natural, Val};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Arguments to make.
#[derive(Clone, Copy, Debug)]
enum Large {
    /// A nat.
    Nat(u64),
    /// A nat of so many bits.
    Bits(u64),
    /// A pinned jet.
    Jet(&'static str),
    /// The row of that many nats, from that one up.
    Nats(u64, u64),
    /// The set of them.
    Set(u64, u64),
    /// The table of them, with themselves for values.
    Tab(u64, u64),
    /// A row of that many times the same.
    Rep(u64, &'static Large),
    /// A bar of so many bytes.
    Bytes(u64),
}

use Large::{Bits, Bytes, Jet, Nat, Nats, Rep, Set, Tab};

fn make(bench: &mut Bench, large: Large) -> Val {
    let row = |bench: &mut Bench, items: Vec<Val>| bench.vm.row(&items).expect("room");
    match large {
        Nat(nat) => bench.vm.nat(nat),
        Bits(bits) => {
            let nat = (Natural::from(1u32) << bits) - Natural::from(1u32);
            bench.vm.natural(&nat).expect("room")
        }
        Jet(name) => bench.make(&super::bench::V::Jet(name)),
        Nats(from, count) => {
            let items = (from..from + count).map(|nat| bench.vm.nat(nat)).collect();
            row(bench, items)
        }
        Set(from, count) => {
            let keys = make(bench, Nats(from, count));
            bench.make_set(&keys).expect("room")
        }
        Tab(from, count) => {
            let (keys, values) = (make(bench, Set(from, count)), make(bench, Nats(from, count)));
            bench.vm.app(&keys, &[values]).expect("room")
        }
        Rep(count, item) => {
            let item = make(bench, *item);
            row(bench, vec![item; count as usize])
        }
        Bytes(count) => {
            let bytes = vec![7; count as usize];
            bench.vm.bar(&bytes).expect("room")
        }
    }
}

/// How a call ends; if it is `hurried`, somebody asks for it to stop soon after it has begun.
fn end(
    bench: &mut Bench,
    jet: &'static str,
    args: &[Large],
    hurried: bool,
) -> Result<(), EvalError> {
    let args: Vec<Val> = args.iter().map(|large| make(bench, *large)).collect();
    let pin = make(bench, Jet(jet));
    let flag = bench.vm.interrupt_flag();
    let other = Arc::clone(&flag);
    let asking = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(2));
        other.store(hurried, Ordering::Relaxed);
    });
    let result = bench.vm.apply(&pin, &args).map(drop);
    asking.join().expect("it only waits");
    flag.store(false, Ordering::Relaxed);
    result
}

/// What takes far longer than the interrupt takes to come.
const LONG: &[(&str, &[Large])] = &[
    // One step of a product takes some tenths of a second; only then is anybody heard.
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
    let mut bench = Bench::new();
    for (jet, args) in LONG {
        // On a machine that stands still, the jet may be done before anybody asks.
        let mut interrupted =
            || matches!(end(&mut bench, jet, args, true), Err(EvalError::Interrupted));
        assert!((0..5).any(|_| interrupted()), "{jet} is not interrupted");
    }
}

/// What a small heap cannot hold.
const HUGE: &[(&str, &[Large])] = &[
    ("_Bex", &[Nat(1 << 40)]),
    ("_Lsh", &[Nat(1), Nat(1 << 40)]),
    ("_Pow", &[Nat(3), Nat(1 << 40)]),
    ("_Mul", &[Bits(20_000_000), Bits(20_000_000)]),
    ("_SetBit", &[Nat(1 << 40), Nat(1)]),
    ("_Times", &[Jet("_Dec"), Nat(0), Nat(1 << 40)]),
    ("_Gen", &[Nat(1 << 40), Jet("_Dec")]),
    ("_NatToSizedBar", &[Nat(1 << 40), Nat(1)]),
    ("_SizedListToRow", &[Nat(1 << 40), Nat(0)]),
    ("cat", &[Rep(10_000, &Nats(0, 1000))]),
    ("implode", &[Rep(10_000, &Bits(10_000))]),
    ("padCat", &[Rep(10_000, &Bits(10_000))]),
    ("padFlat", &[Rep(10_000, &Bits(10_000))]),
    ("barCat", &[Rep(10_000, &Bytes(1000))]),
    ("barFlat", &[Rep(10_000, &Bytes(1000))]),
];

#[test]
fn what_does_not_fit_is_refused() {
    let mut bench = Bench::with_small_heap();
    for (jet, args) in HUGE {
        let result = end(&mut bench, jet, args, false);
        assert!(matches!(result, Err(EvalError::OutOfMemory)), "{jet}: {result:?}");
    }
    assert!(end(&mut bench, "_Add", &[Nat(1), Nat(2)], false).is_ok());
}
