//! Measures the time and the size of printed values from 10^3 to 10^6 parts, whole and within the
//! default limit: each row should be ten times the row before.
//!
//! ```text
//! cargo run --release -p show --example slope
//! ```

use plan::{EvalError, Heap, HeapOptions, Val, ValueBuilder};
use show::{PrintLimit, value_text};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut heap = Heap::new(HeapOptions::default())?;
    println!("{:<28}{:>9}{:>12}{:>9}{:>12}{:>9}", "value", "items", "bytes", "ms", "limited", "ms");
    for (name, make) in SHAPES {
        for count in [1_000, 10_000, 100_000, 1_000_000] {
            let value = make(&mut heap, count)?;
            let (bytes, time) = print(&heap, &value, PrintLimit::UNLIMITED);
            let (limited, limited_time) = print(&heap, &value, PrintLimit::DEFAULT);
            println!("{name:<28}{count:>9}{bytes:>12}{time:>9.2}{limited:>12}{limited_time:>9.2}");
        }
    }
    Ok(())
}

/// The size of the text in bytes, and the shortest of three times in milliseconds.
fn print(heap: &Heap, value: &Val, limit: PrintLimit) -> (usize, f64) {
    let mut bytes = 0;
    let mut shortest = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        bytes = value_text(heap.look(value), limit).len();
        shortest = shortest.min(start.elapsed().as_secs_f64() * 1e3);
    }
    (bytes, shortest)
}

type Make = fn(&mut Heap, u64) -> Result<Val, EvalError>;

const SHAPES: [(&str, Make); 6] = [
    ("row", |heap, count| heap.build(|b| row(b, count))),
    ("list, nested at the end", |heap, count| {
        nested(heap, count, |b, n| {
            let tail = b.len() - 1;
            b.push_nat(n)?;
            b.push_copy(tail);
            b.row(2)
        })
    }),
    ("list, nested at the start", |heap, count| {
        nested(heap, count, |b, n| {
            b.push_nat(n)?;
            b.row(2)
        })
    }),
    ("tables in each other", |heap, count| {
        nested(heap, count, |b, n| {
            let item = b.len() - 1;
            b.push_nat(1)?;
            b.push_nat(2)?;
            b.push_nat(n)?;
            b.row(1)?;
            b.law()?;
            b.push_copy(item);
            b.row(1)?;
            b.app(1)
        })
    }),
    ("law of nested calls", |heap, count| {
        let body = nested(heap, count, |b, _| {
            let argument = b.len() - 1;
            b.push_nat(0)?;
            b.push_nat(1)?;
            b.push_copy(argument);
            b.app(2)
        })?;
        heap.build(|b| {
            b.push_nat(0)?;
            b.push_nat(1)?;
            b.push(&body);
            b.law()
        })
    }),
    ("pins in each other", |heap, count| nested(heap, count, |b, _| b.pin())),
];

/// Pushes the row of the numbers below `count`.
fn row(b: &mut ValueBuilder<'_>, count: u64) -> Result<(), EvalError> {
    b.room_for(count as usize)?;
    (0..count).try_for_each(|n| b.push_nat(n))?;
    b.row(count as usize)
}

/// A value that `wrap` has wrapped `count` times. The stack keeps the last value only.
fn nested(
    heap: &mut Heap,
    count: u64,
    wrap: impl Fn(&mut ValueBuilder<'_>, u64) -> Result<(), EvalError>,
) -> Result<Val, EvalError> {
    let mut value = heap.nat(0);
    for n in (0..count).rev() {
        value = heap.build(|b| {
            b.push(&value);
            wrap(b, n)
        })?;
    }
    Ok(value)
}
