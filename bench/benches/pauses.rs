//! The pauses of the collector, and the rate of allocation, by the sizes of the nursery, the live
//! data and the frozen pins.
//!
//! ```text
//! cargo bench --package bench --bench pauses
//! ```
//!
//! The benchmark allocates small rows. Four of five megabytes are garbage immediately. The fifth
//! replaces a megabyte of live data. So a fifth of the nursery survives, and the old space is
//! collected sometimes. A pause is the time of a batch of rows during which a collection ran, which
//! includes a few microseconds for the rows. Times are CPU times of the thread, so that other load
//! on the machine does not count. Frozen pins have 1 MB each, and a row on the heap holds all of
//! them.

use std::time::Duration;

use plan::pinspace::PinSpace;
use plan::{EvalError, HeapOptions, Val};
use runtime::{Runtime, RuntimeBuilder, SetupError};
use rustix::time::{ClockId, clock_gettime};

/// Sizes in megabytes: nursery, live data, frozen pins.
const SIZES: [(usize, usize, usize); 14] = [
    (1, 1, 0),
    (1, 10, 0),
    (1, 100, 0),
    (1, 1000, 0),
    (4, 1, 0),
    (4, 10, 0),
    (4, 100, 0),
    (4, 1000, 0),
    (16, 1, 0),
    (16, 10, 0),
    (16, 100, 0),
    (16, 1000, 0),
    (4, 10, 4000),
    (4, 100, 4000),
];

const MEGABYTE: usize = 1 << 20;
/// Items of a row. Its header is one more word.
const ITEMS: usize = 4;
/// Rows that are allocated between two readings of the clock.
const BATCH: usize = 64;
/// Rows in a megabyte, with their slots in the row that holds them.
const ROWS: usize = MEGABYTE / (8 * (ITEMS + 2)) / BATCH * BATCH;
/// One of this number of megabytes survives.
const SURVIVOR_INTERVAL: usize = 5;
/// Upper ends of the histogram's buckets, in milliseconds.
const BUCKETS: [f64; 7] = [0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 10_000.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --all-targets` runs benchmarks without this flag; one size is enough then.
    let sizes = if std::env::args().any(|arg| arg == "--bench") { &SIZES[..] } else { &SIZES[..1] };
    print!(
        "| nursery | live | frozen | allocated | young: median | longest | full: median | longest |"
    );
    BUCKETS.iter().for_each(|end| print!(" <{end} ms |"));
    println!("\n|{}", "---|".repeat(8 + BUCKETS.len()));
    sizes.iter().try_for_each(|(nursery, live, frozen)| measure(*nursery, *live, *frozen))
}

/// A heap on which rows are allocated, and its pauses so far.
struct AllocationRun {
    runtime: Runtime,
    items: Vec<Val>,
    /// CPU time at the last reading of the clock.
    last: Duration,
    /// Pauses of collections of the nursery.
    young: Vec<Duration>,
    /// Pauses of full collections.
    full: Vec<Duration>,
}

impl AllocationRun {
    fn new(nursery: usize) -> Result<AllocationRun, SetupError> {
        let options = HeapOptions {
            nursery: nursery * MEGABYTE,
            max_heap: 8 << 30,
            ..HeapOptions::default()
        };
        let mut runtime = RuntimeBuilder::bare().heap(options).build()?;
        let items = vec![runtime.nat(7); ITEMS];
        Ok(AllocationRun { runtime, items, last: cpu_time(), young: vec![], full: vec![] })
    }

    /// Allocates a megabyte of rows, and returns a row that holds them.
    fn megabyte(&mut self) -> Result<Val, EvalError> {
        let mut batches = Vec::with_capacity(ROWS / BATCH);
        for _ in 0..ROWS / BATCH {
            let before = self.runtime.statistics();
            let rows = (0..BATCH).map(|_| self.runtime.row(&self.items));
            let rows = rows.collect::<Result<Vec<Val>, EvalError>>()?;
            batches.push(self.runtime.row(&rows)?);
            self.record(before);
        }
        self.runtime.row(&batches)
    }

    /// Allocates a megabyte of rows, and drops each one immediately.
    fn garbage(&mut self) -> Result<(), EvalError> {
        for _ in 0..ROWS / BATCH {
            let before = self.runtime.statistics();
            for _ in 0..BATCH {
                drop(self.runtime.row(&self.items)?);
            }
            self.record(before);
        }
        Ok(())
    }

    /// Records a pause, if a collection ran since the last reading of the clock.
    fn record(&mut self, before: plan::HeapStatistics) {
        let now = cpu_time();
        let after = self.runtime.statistics();
        if after.major > before.major {
            self.full.push(now - self.last);
        } else if after.minor > before.minor {
            self.young.push(now - self.last);
        }
        self.last = now;
    }
}

/// The CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measure(nursery: usize, live: usize, frozen: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut run = AllocationRun::new(nursery)?;
    let space = PinSpace::in_memory()?;
    let mut pins = Vec::new();
    for number in 0..frozen as u64 {
        let mut bytes = vec![0; MEGABYTE];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let bar = run.runtime.bar(&bytes)?;
        let frozen = run.runtime.freeze(&bar, &space)?;
        pins.push(run.runtime.adopt(&frozen));
    }
    let pins = run.runtime.row(&pins)?;
    let mut alive = (0..live).map(|_| run.megabyte()).collect::<Result<Vec<Val>, EvalError>>()?;
    run.runtime.collect();

    (run.young, run.full, run.last) = (vec![], vec![], cpu_time());
    let start = run.last;
    let megabytes = (10 * live).max(1000);
    for number in 0..megabytes {
        if number % SURVIVOR_INTERVAL == 0 {
            let index = number / SURVIVOR_INTERVAL % live;
            alive[index] = run.megabyte()?;
        } else {
            run.garbage()?;
        }
    }
    let elapsed = run.last - start;
    drop((pins, alive));
    report([nursery, live, frozen], megabytes as f64 / elapsed.as_secs_f64(), &mut run);
    Ok(())
}

fn report(sizes: [usize; 3], rate: f64, run: &mut AllocationRun) {
    sizes.iter().for_each(|size| print!("| {size} MB "));
    print!("| {rate:.0} MB/s |");
    for pauses in [&mut run.young, &mut run.full] {
        pauses.sort_unstable();
        match (pauses.get(pauses.len() / 2), pauses.last()) {
            (Some(median), Some(longest)) => print!(" {median:.2?} | {longest:.2?} |"),
            _ => print!(" none | |"),
        }
    }
    let mut least = 0.0;
    for end in BUCKETS {
        let all = run.young.iter().chain(&run.full);
        let within = |took: &&Duration| (least..end).contains(&(took.as_secs_f64() * 1e3));
        print!(" {} |", all.filter(within).count());
        least = end;
    }
    println!();
}
