//! How long the collector stops a heap, by the size of the nursery, how much lives on the heap and how much
//! is frozen beside it; and how fast it allocates.
//!
//! ```text
//! cargo bench --package bench --bench pauses
//! ```
//!
//! Small rows are made. Four megabytes of them are forgotten at once; the fifth lives on, in the place of
//! one that has lived until then. So the nursery's survivors are a fifth, and the old space is collected
//! now and then. What a batch of rows takes in which something was collected is a pause, a few
//! microseconds for the rows included. Times are those that the thread had a processor, so that nothing
//! else on the machine counts. Frozen pins are 1 MB each, and all of them are held by a row of the heap.

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use vm::pinspace::PinSpace;
use vm::{Options, Stop, Val, Vm};

/// Megabytes: the nursery, what lives, what is frozen.
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
/// Items of a row. With header it has a word more.
const ITEMS: usize = 4;
/// Rows that are made between two looks at the clock.
const BATCH: usize = 64;
/// Rows that take a megabyte, with their places in the row that holds them.
const ROWS: usize = MEGABYTE / (8 * (ITEMS + 2)) / BATCH * BATCH;
/// Of so many megabytes one lives on.
const SURVIVES: usize = 5;
/// Ends of the histogram's buckets, in milliseconds.
const BUCKETS: [f64; 7] = [0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 10_000.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Tests of all targets run benchmarks too, without asking for figures.
    let sizes = if std::env::args().any(|arg| arg == "--bench") { &SIZES[..] } else { &SIZES[..1] };
    print!(
        "| nursery | live | frozen | allocated | young: median | longest | full: median | longest |"
    );
    BUCKETS.iter().for_each(|end| print!(" <{end} ms |"));
    println!("\n|{}", "---|".repeat(8 + BUCKETS.len()));
    sizes.iter().try_for_each(|(nursery, live, frozen)| measure(*nursery, *live, *frozen))
}

/// A heap on which rows are made, and what its pauses were.
struct Churn {
    vm: Vm,
    items: Vec<Val>,
    /// Since when the thread has had a processor.
    last: Duration,
    young: Vec<Duration>,
    full: Vec<Duration>,
}

impl Churn {
    fn new(nursery: usize) -> std::io::Result<Churn> {
        let options =
            Options { nursery: nursery * MEGABYTE, max_heap: 8 << 30, ..Options::default() };
        let mut vm = Vm::new(options, Arc::default())?;
        let items = vec![vm.nat(7); ITEMS];
        Ok(Churn { vm, items, last: processor_time(), young: vec![], full: vec![] })
    }

    /// Makes a megabyte of rows.
    fn megabyte(&mut self) -> Result<Val, Stop> {
        let mut batches = Vec::with_capacity(ROWS / BATCH);
        for _ in 0..ROWS / BATCH {
            let before = self.vm.statistics();
            let rows = (0..BATCH).map(|_| self.vm.row(&self.items));
            let rows = rows.collect::<Result<Vec<Val>, Stop>>()?;
            batches.push(self.vm.row(&rows)?);
            self.note(before);
        }
        self.vm.row(&batches)
    }

    /// Makes a megabyte of rows, of which each is forgotten at once.
    fn garbage(&mut self) -> Result<(), Stop> {
        for _ in 0..ROWS / BATCH {
            let before = self.vm.statistics();
            for _ in 0..BATCH {
                drop(self.vm.row(&self.items)?);
            }
            self.note(before);
        }
        Ok(())
    }

    /// Notes a pause, if there was one since the clock was looked at.
    fn note(&mut self, before: vm::Statistics) {
        let now = processor_time();
        let after = self.vm.statistics();
        if after.major > before.major {
            self.full.push(now - self.last);
        } else if after.minor > before.minor {
            self.young.push(now - self.last);
        }
        self.last = now;
    }
}

/// How long this thread has had a processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measure(nursery: usize, live: usize, frozen: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut churn = Churn::new(nursery)?;
    let space = PinSpace::in_memory()?;
    let mut pins = Vec::new();
    for number in 0..frozen as u64 {
        let mut bytes = vec![0; MEGABYTE];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let bar = churn.vm.bar(&bytes)?;
        let frozen = churn.vm.freeze(&bar, &space)?;
        pins.push(churn.vm.adopt(&frozen));
    }
    let pins = churn.vm.row(&pins)?;
    let mut alive = (0..live).map(|_| churn.megabyte()).collect::<Result<Vec<Val>, Stop>>()?;
    churn.vm.collect();

    (churn.young, churn.full, churn.last) = (vec![], vec![], processor_time());
    let begun = churn.last;
    let megabytes = (10 * live).max(1000);
    for number in 0..megabytes {
        if number % SURVIVES == 0 {
            let place = number / SURVIVES % live;
            alive[place] = churn.megabyte()?;
        } else {
            churn.garbage()?;
        }
    }
    let taken = churn.last - begun;
    drop((pins, alive));
    report([nursery, live, frozen], megabytes as f64 / taken.as_secs_f64(), &mut churn);
    Ok(())
}

fn report(sizes: [usize; 3], rate: f64, churn: &mut Churn) {
    sizes.iter().for_each(|size| print!("| {size} MB "));
    print!("| {rate:.0} MB/s |");
    for pauses in [&mut churn.young, &mut churn.full] {
        pauses.sort_unstable();
        match (pauses.get(pauses.len() / 2), pauses.last()) {
            (Some(median), Some(longest)) => print!(" {median:.2?} | {longest:.2?} |"),
            _ => print!(" none | |"),
        }
    }
    let mut least = 0.0;
    for end in BUCKETS {
        let all = churn.young.iter().chain(&churn.full);
        let within = |took: &&Duration| (least..end).contains(&(took.as_secs_f64() * 1e3));
        print!(" {} |", all.filter(within).count());
        least = end;
    }
    println!();
}
