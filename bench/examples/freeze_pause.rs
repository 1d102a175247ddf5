//! How long a freeze of a large state holds up the thread of its heap.
//!
//! `cargo run --profile quick -p bench --example freeze_pause -- 1000000` makes a state of that many
//! rows of three items, freezes it on the heap's thread and in the background, and prints the CPU
//! time of the heap's thread. Then it changes the state and does so again: the state is old by then.

use plan::pinspace::PinSpace;
use plan::{HeapOptions, Val};
use runtime::RuntimeBuilder;
use rustix::time::{ClockId, clock_gettime};
use std::sync::mpsc::channel;
use vm::Vm;

/// The CPU time of this thread, in milliseconds.
fn milliseconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Makes a row of rows, in normal form.
fn state(vm: &mut Vm, count: u64, version: u64) -> Result<Val, plan::EvalError> {
    let mut items = Vec::new();
    for number in 0..count {
        let parts = [vm.nat(number), vm.nat(number + version), vm.nat(version)];
        items.push(vm.row(&parts)?);
    }
    let row = vm.row(&items)?;
    vm.force(&row)
}

fn freeze(vm: &mut Vm, value: &Val, is_old: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (first, second) = (PinSpace::in_memory()?, PinSpace::in_memory()?);
    let (sender, result) = channel();
    let before = milliseconds();
    let thread = vm.freeze_in_background(value, &second, move |frozen| {
        let _ = sender.send((frozen, milliseconds()));
    })?;
    let begun = milliseconds();
    thread.join().map_err(|_| "the thread panicked")?;
    let (frozen, elsewhere) = result.recv()?;
    let before_sync = milliseconds();
    let here = vm.freeze(value, &first)?;
    let after = milliseconds();
    assert_eq!(here.hash(), frozen?.hash());
    println!(
        "{is_old}: {:.1} ms to begin, {elsewhere:.0} ms on the other thread; {:.0} ms for a freeze on \
         the heap's thread",
        begun - before,
        after - before_sync,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut vm: Vm = RuntimeBuilder::bare().heap(HeapOptions::default()).build()?.into();
    let value = state(&mut vm, count, 1)?;
    freeze(&mut vm, &value, "all young or old")?;
    let other = state(&mut vm, count, 2)?;
    // Everything is old: what a snapshot of a machine finds, except for the last events.
    vm.collect();
    freeze(&mut vm, &other, "all old")?;
    let young: Vec<Val> = (0..10_000)
        .map(|number| {
            let item = vm.nat(number);
            vm.row(&[item])
        })
        .collect::<Result<_, _>>()?;
    let last = state(&mut vm, count, 3)?;
    freeze(&mut vm, &last, "new again")?;
    drop(young);
    Ok(())
}
