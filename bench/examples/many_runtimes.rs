//! The memory, threads and mappings that many runtimes in one process take.
//!
//! `cargo run --profile quick -p bench --example many_runtimes -- 1000 tiered` makes 1000 runtimes
//! with the compiler (`tiered`, `eager`) or without it (`off`), runs a law in each until it is
//! compiled, and prints the resources of the process.

use plan::{HeapOptions, plain};
use runtime::{CompileMode, RuntimeBuilder};
use spec::Term;
use std::fs;

/// `f n`: 0 for 0, else one more than `f` of the predecessor.
const DEEP: &str = "{'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";

/// Prints the memory, threads and mappings of the process.
fn print_usage(when: &str) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default().lines().count();
    let (memory, threads) = (line("VmRSS:"), line("Threads:"));
    println!("{when}: {memory}, {threads} threads, {maps} mappings, {:?}", jit::statistics());
}

fn main() {
    let mut args = std::env::args().skip(1);
    let count: usize = args.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let mode = match args.next().as_deref() {
        Some("off") => CompileMode::Off,
        Some("eager") => CompileMode::Eager,
        _ => CompileMode::Tiered,
    };
    print_usage("at the start");
    let law = Term::parse(DEEP).expect("a term");
    let mut runtimes = Vec::with_capacity(count);
    let options = HeapOptions { nursery: 256 << 10, ..HeapOptions::default() };
    let builder = RuntimeBuilder::bare().heap(options).compile(mode);
    for _ in 0..count {
        runtimes.push(builder.build().expect("the compiler supports this machine"));
    }
    print_usage("made");
    for runtime in &mut runtimes {
        let law = plain::from_term(runtime, &law).expect("room");
        let depth = runtime.nat(3000);
        runtime.apply(&law, &[depth]).expect("a value");
    }
    print_usage("run");
    runtimes.clear();
    print_usage("dropped");
}
