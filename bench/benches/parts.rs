//! Parts of the runtime in isolation: saving and loading seeds, the collector.
//!
//! ```text
//! cargo bench --package bench
//! ```

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plan::{Val, seed};
use runtime::{Runtime, RuntimeBuilder};
use std::hint::black_box;

fn runtime() -> Runtime {
    RuntimeBuilder::bare().build().expect("the stack can be reserved")
}

/// A row of `rows` rows of 100 nats.
fn rows(runtime: &mut Runtime, rows: u64) -> Val {
    let rows: Vec<Val> = (0..rows)
        .map(|row| {
            let items: Vec<Val> = (0..100).map(|item| runtime.nat(row * 100 + item)).collect();
            runtime.row(&items).expect("the heap is large enough")
        })
        .collect();
    runtime.row(&rows).expect("the heap is large enough")
}

fn seeds(c: &mut Criterion) {
    let mut runtime = runtime();
    let value = rows(&mut runtime, 1_000);
    let bytes = seed::save(&runtime, &value).expect("it is in normal form");
    let mut group = c.benchmark_group("seed of 100,000 nats");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("save", |b| b.iter(|| seed::save(&runtime, black_box(&value))));
    group.bench_function("load", |b| b.iter(|| seed::load(&mut runtime, black_box(&bytes))));
    group.finish();
}

fn collector(c: &mut Criterion) {
    let mut group = c.benchmark_group("full collection");
    for (name, count) in [("1 MB live", 1_250), ("16 MB live", 20_000)] {
        let mut runtime = runtime();
        let live = rows(&mut runtime, count);
        group.bench_function(name, |b| b.iter(|| runtime.collect()));
        drop(live);
    }
    group.finish();
}

criterion_group!(benches, seeds, collector);
criterion_main!(benches);
