//! How long the collector stops a heap, by how much lives on it and how much is frozen beside it.
//!
//! ```text
//! cargo run --release -p vm --example pauses
//! ```
//!
//! Rows of a few words are made and forgotten while so much lives: the time that a single one takes
//! beyond the ordinary is a pause. Then everything is collected three times. Frozen pins are in
//! memory, 1 MB each, and all of them are held by a row of the heap.

use std::time::{Duration, Instant};
use vm::pinspace::PinSpace;
use vm::{Options, Stop, Val, Vm};

/// Bytes that are allocated while pauses are measured.
const CHURN: usize = 2 << 30;
/// Words of a row that is made and forgotten, header included.
const ROW: usize = 5;
/// What takes longer than this is a pause.
const LEAST: Duration = Duration::from_micros(20);
/// Ends of the histogram's buckets, in milliseconds.
const BUCKETS: [f64; 6] = [0.1, 0.3, 1.0, 3.0, 10.0, 100.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{:>9} {:>9} {:>9} {:>7}", "live MB", "frozen MB", "alloc/s", "pauses");
    BUCKETS.iter().for_each(|end| print!(" {:>7}", format!("<{end}ms")));
    println!(" {:>9} {:>9}", "longest", "full");
    for frozen in [0, 1000, 4000] {
        for live in [1, 10, 100, 1000] {
            measure(live, frozen)?;
        }
    }
    Ok(())
}

fn measure(live: usize, frozen: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut vm = Vm::new(Options { max_heap: 8 << 30, ..Options::default() }, Default::default())?;
    let space = PinSpace::in_memory()?;
    let mut pins = Vec::new();
    for number in 0..frozen as u64 {
        let mut bytes = vec![0; 1 << 20];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let bar = vm.bar(&bytes)?;
        let frozen = vm.freeze(&bar, &space)?;
        pins.push(vm.adopt(&frozen));
    }
    let pins = vm.row(&pins)?;
    let alive = (0..live).map(|_| megabyte(&mut vm)).collect::<Result<Vec<Val>, Stop>>()?;
    vm.collect();

    let item = vm.nat(7);
    let items = vec![item; ROW - 1];
    let mut pauses: Vec<Duration> = Vec::new();
    let begun = Instant::now();
    for _ in 0..CHURN / (8 * ROW) {
        let at = Instant::now();
        drop(vm.row(&items)?);
        pauses.extend(Some(at.elapsed()).filter(|took| *took >= LEAST));
    }
    let taken = begun.elapsed();
    let full = (0..3).map(|_| {
        let at = Instant::now();
        vm.collect();
        at.elapsed()
    });
    let full = full.min().unwrap_or_default();
    drop((pins, alive));

    let throughput = format!("{:.0} MB", CHURN as f64 / 1e6 / taken.as_secs_f64());
    print!("{live:>9} {frozen:>9} {throughput:>9} {:>7}", pauses.len());
    let mut least = 0.0;
    for end in BUCKETS {
        let within = |took: &&Duration| (least..end).contains(&(took.as_secs_f64() * 1e3));
        print!(" {:>7}", pauses.iter().filter(within).count());
        least = end;
    }
    let longest = pauses.iter().max().copied().unwrap_or_default();
    println!(" {:>9} {:>9}", format!("{longest:.1?}"), format!("{full:.1?}"));
    Ok(())
}

/// A megabyte of small rows.
fn megabyte(vm: &mut Vm) -> Result<Val, Stop> {
    let item = vm.nat(1);
    let rows = (0..(1 << 20) / 48).map(|_| vm.row(&vec![item.clone(); 4]));
    let rows = rows.collect::<Result<Vec<Val>, Stop>>()?;
    vm.row(&rows)
}
