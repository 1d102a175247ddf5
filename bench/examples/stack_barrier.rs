//! The cost of minor collections while compiled code is deep in a recursion, with the barrier on
//! the stack and without. Without it, every collection scans all frames.
//!
//! `cargo run --release -p bench --example stack_barrier` recurses to a depth, makes garbage there,
//! and returns.

use plan::{HeapOptions, plain};
use runtime::{CompileMode, RuntimeBuilder};
use spec::Term;
use std::time::{Duration, Instant};

/// `c a n`: `a` for 0, else `c b m` where `m` is the predecessor of `n` and `b` an app of `m`.
const CHURN: &str = "{'c' 2 (0 (0 (0 (2 2) 1) (0 (0 {'h' 3 (0 (0 1 (0 (2 0) 3)) 3)} 0) 1)) 2)}";
/// `f k d`: for 0, `k` applied to the count that replaces `#`; else one more than `f k` of the
/// predecessor.
const DEEP: &str =
    "{'f' 2 (0 (0 (0 (2 2) (0 1 (2 #))) (0 (0 {'g' 3 (0 (2 3) (0 (0 1 2) 3))} 0) 1)) 2)}";

/// The count of objects of 24 bytes that are allocated at the bottom.
const GARBAGE: u64 = 10_000_000;

/// The time to make garbage at a depth, and the count of minor collections.
fn run(depth: u64, has_barrier: bool) -> (Duration, u64) {
    let options = HeapOptions { max_stack: 8 << 30, max_heap: 8 << 30, ..HeapOptions::default() };
    let builder = RuntimeBuilder::bare().heap(options).compile(CompileMode::Eager);
    let mut runtime = builder.build().expect("the compiler supports this machine");
    if !has_barrier {
        runtime.disable_stack_barrier();
    }
    let mut time = |garbage: u64| {
        let deep = DEEP.replace('#', &garbage.to_string());
        let [churn, deep] = [CHURN, &deep].map(|text| {
            let term = Term::parse(text).expect("a term");
            plain::from_term(&mut runtime, &term).expect("room")
        });
        let (zero, depth) = (runtime.nat(0), runtime.nat(depth));
        let bottom = runtime.app(&churn, &[zero]).expect("room");
        let (start, minor) = (Instant::now(), runtime.statistics().minor);
        runtime.apply(&deep, &[bottom, depth]).expect("a value");
        (start.elapsed(), runtime.statistics().minor - minor)
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
