//! The memory and the CPU time that many small heaps, or one large heap, take in one process.
//!
//! `cargo run --profile quick -p bench --example small_heaps -- 100 20 64` makes 100 heaps with a
//! nursery of 256 KB, as drivers and jobs have, and 20 KB of live data each. It allocates 64 MB in
//! each, in turns of 1 MB; every fiftieth row replaces a live one. Then it prints the bytes in use,
//! the memory of the process, the CPU time and the collections. A fourth argument is another size
//! of the nursery in KB, and a fifth another number than 50.

use plan::{EvalError, Heap, HeapOptions, Val};
use rustix::time::{ClockId, clock_gettime};
use std::fs;

/// Words of a row: its header and four items.
const ROW_WORDS: usize = 5;

/// A heap, and its live rows.
struct LoadedHeap {
    heap: Box<Heap>,
    live: Vec<Val>,
    next: usize,
}

impl LoadedHeap {
    fn new(options: &HeapOptions, live_bytes: usize) -> std::io::Result<LoadedHeap> {
        let mut heap = Heap::new(options.clone())?;
        let zero = heap.nat(0);
        let live = vec![zero; (live_bytes / (8 * ROW_WORDS)).max(1)];
        Ok(LoadedHeap { heap, live, next: 0 })
    }

    /// Allocates that many bytes. Each `interval`th row becomes a live one.
    fn allocate(&mut self, bytes: usize, interval: usize) -> Result<(), EvalError> {
        for count in 0..bytes / (8 * ROW_WORDS) {
            let item = self.heap.nat(count as u64);
            let row = self.heap.row(&[item.clone(), item.clone(), item.clone(), item])?;
            if count.is_multiple_of(interval) {
                // A step that is prime to most sizes: neighbours do not die together.
                self.next = (self.next + 7919) % self.live.len();
                self.live[self.next] = row;
            }
        }
        Ok(())
    }
}

fn memory(name: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
    format!("{:.1} MB", kilobytes.unwrap_or_default() / 1024.0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |index: usize, default: usize| {
        std::env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (count, live, allocated) = (number(1, 100), number(2, 20), number(3, 64));
    let interval = number(5, 50).max(1);
    let options = HeapOptions { nursery: number(4, 256) << 10, ..HeapOptions::default() };
    let mut heaps = (0..count)
        .map(|_| LoadedHeap::new(&options, live << 10))
        .collect::<std::io::Result<Vec<LoadedHeap>>>()?;
    println!("made: {}", memory("VmRSS:"));
    let mut used = 0;
    for _ in 0..allocated {
        heaps.iter_mut().try_for_each(|heap| heap.allocate(1 << 20, interval))?;
        used = used.max(heaps.iter().map(|heap| heap.heap.used_bytes()).sum());
    }
    let statistics = heaps.iter().map(|heap| heap.heap.statistics());
    let (minor, major, copied) = statistics
        .fold((0, 0, 0), |sum, one| (sum.0 + one.minor, sum.1 + one.major, sum.2 + one.copied));
    let time = clock_gettime(ClockId::ProcessCPUTime);
    println!(
        "allocated: {}, peak {}; at most {:.1} MB in use; {:.2} s CPU; {minor} young and {major} \
         full collections, {:.1} MB copied",
        memory("VmRSS:"),
        memory("VmHWM:"),
        used as f64 / f64::from(1 << 20),
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
        copied as f64 * 8.0 / f64::from(1 << 20),
    );
    heaps.clear();
    println!("dropped: {}", memory("VmRSS:"));
    Ok(())
}
