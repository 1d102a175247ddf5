//! Parts of the runtime in isolation: saving and loading seeds, the collector.
//!
//! ```text
//! cargo bench --package bench
//! ```

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plan::{Options, Val, seed};
use std::hint::black_box;
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

fn runtime() -> Vm {
    Vm::new(Options::default(), Arc::new(JetTable::new())).expect("the stack can be reserved")
}

/// A row of `rows` rows of 100 nats.
fn rows(vm: &mut Vm, rows: u64) -> Val {
    let rows: Vec<Val> = (0..rows)
        .map(|row| {
            let items: Vec<Val> = (0..100).map(|item| vm.nat(row * 100 + item)).collect();
            vm.row(&items).expect("the heap is large enough")
        })
        .collect();
    vm.row(&rows).expect("the heap is large enough")
}

fn seeds(c: &mut Criterion) {
    let mut vm = runtime();
    let value = rows(&mut vm, 1_000);
    let bytes = seed::save(&vm, &value).expect("it is in normal form");
    let mut group = c.benchmark_group("seed of 100,000 nats");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("save", |b| b.iter(|| seed::save(&vm, black_box(&value))));
    group.bench_function("load", |b| b.iter(|| seed::load(&mut vm, black_box(&bytes))));
    group.finish();
}

fn collector(c: &mut Criterion) {
    let mut group = c.benchmark_group("full collection");
    for (name, count) in [("1 MB live", 1_250), ("16 MB live", 20_000)] {
        let mut vm = runtime();
        let live = rows(&mut vm, count);
        group.bench_function(name, |b| b.iter(|| vm.collect()));
        drop(live);
    }
    group.finish();
}

criterion_group!(benches, seeds, collector);
criterion_main!(benches);
