//! What minor collections cost while compiled code is deep in a recursion, and what they would cost
//! if every one of them looked at all its frames.
//!
//! `cargo run --release -p jit --example deep` goes down so many calls, makes garbage there, and comes back.

use jit::build::Jets;
use jit::{Mode, install};
use std::time::{Duration, Instant};
use vm::spec::Term;
use vm::{Options, Vm, plain};

/// `c a n`: `a` for 0, else `c` of an app of the predecessor, and of the predecessor.
const CHURN: &str = "{'c' 2 (0 (0 (0 (2 2) 1) (0 (0 {'h' 3 (0 (0 1 (0 (2 0) 3)) 3)} 0) 1)) 2)}";
/// `f k d`: for 0 what `k` makes of as much garbage as is put here for `#`, else one more than `f k` of the
/// predecessor.
const DEEP: &str =
    "{'f' 2 (0 (0 (0 (2 2) (0 1 (2 #))) (0 (0 {'g' 3 (0 (2 3) (0 (0 1 2) 3))} 0) 1)) 2)}";

/// How often garbage is made at the bottom: 24 bytes each time.
const GARBAGE: u64 = 10_000_000;

/// How long it takes to make garbage at that depth, and in how many collections.
fn run(depth: u64, has_barrier: bool) -> (Duration, u64) {
    let options = Options { max_stack: 8 << 30, max_heap: 8 << 30, ..Options::default() };
    let mut vm = Vm::new(options, Default::default()).expect("addresses can be had");
    install(&mut vm, Jets::default(), Mode::Eager).expect("the machine is known");
    if !has_barrier {
        vm.forgo_barrier();
    }
    let mut time = |garbage: u64| {
        let deep = DEEP.replace('#', &garbage.to_string());
        let [churn, deep] = [CHURN, &deep].map(|text| {
            let term = Term::parse(text).expect("a term");
            plain::from_term(&mut vm, &term).expect("room")
        });
        let (zero, depth) = (vm.nat(0), vm.nat(depth));
        let bottom = vm.app(&churn, &[zero]).expect("room");
        let (start, minor) = (Instant::now(), vm.statistics().minor);
        vm.apply(&deep, &[bottom, depth]).expect("a value");
        (start.elapsed(), vm.statistics().minor - minor)
    };
    time(1);
    let (way, before) = time(1);
    let (whole, minor) = time(GARBAGE);
    (whole.saturating_sub(way), minor - before)
}

fn main() {
    println!("| depth | collections | ms | without barrier, ms |");
    println!("|---|---|---|---|");
    for depth in [10, 10_000, 100_000, 1_000_000] {
        let [(with, minor), (without, _)] = [true, false].map(|barrier| run(depth, barrier));
        println!("| {depth} | {minor} | {} | {} |", with.as_millis(), without.as_millis());
    }
}
