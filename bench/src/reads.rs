//! How long endless reads delay events: a web program changes its state, alone and beside reads that
//! never end.
//!
//! ```text
//! cargo build --release --package cli
//! cargo run --release --package bench --bin reads
//! ```
//!
//! One client sends `PUT /count` again and again, with random pauses, so that the events arrive at
//! any moment of a read. The time of an event is that from the request to the answer, which is sent
//! when the event is durable.
//!
//! Other programs may have the processors meanwhile, and so may other guests of the host. The system
//! counts both, so the last column is the longest time of the events for which the threads of machine
//! and client, and the computer if it is virtual, waited less than [`WAIT_LIMIT`] together. What delays
//! these events is the machine itself.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use bench::{HttpConnection, MachineProcess};
use clap::Parser;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// Upper limits of the columns of the histogram, in milliseconds.
const LIMITS: [u64; 6] = [1, 2, 5, 10, 20, 50];

/// The longest pause between two events. It is longer than a slice of a read.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// How long the threads of machine and client may wait for a processor during an event that counts as
/// undisturbed.
const WAIT_LIMIT: Duration = Duration::from_millis(1);

const AFTER_HELP: &str = "\
Prints a table in Markdown. Times are by the clock, so other load counts. An event is undisturbed if \
the threads of machine and client waited less than 1 ms for a processor, all together.";

/// Measures the times of events beside endless reads.
#[derive(Parser)]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
struct Args {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,

    /// Numbers of endless reads, ascending, separated by commas
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_values_t = [0, 1, 20])]
    reads: Vec<usize>,

    /// The `pallas` binary
    #[arg(long, value_name = "FILE", default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// The module of the web program
    #[arg(long, value_name = "FILE", default_value = "bench/machines/reads.sire")]
    module: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    // The command looks modules up in a folder `sire`.
    let module = folder.path().join("sire/reads.sire");
    std::fs::create_dir(folder.path().join("sire"))?;
    std::fs::copy(&args.module, &module).with_context(|| args.module.display().to_string())?;
    let mut machine = MachineProcess::boot(&args.pallas, &module, &folder.path().join("machine"))?;
    let options = ["--read-limit", "none"];
    let port = machine.start_with(&options, Stdio::null(), Stdio::null())?;
    let mut client = HttpConnection::open(port)?;
    let process = machine.id().context("the machine runs")?;
    // The program is compiled.
    measure(&mut client, process, Duration::from_secs(2))?;

    let limits: Vec<String> = LIMITS.iter().map(|limit| format!("<= {limit} ms")).collect();
    println!(
        "| endless reads | events | p50, ms | p99, ms | longest, ms | {} | undisturbed | longest, ms |",
        limits.join(" | ")
    );
    println!("|{}", " --- |".repeat(7 + LIMITS.len()));
    let mut endless = Vec::new();
    for count in args.reads {
        while endless.len() < count {
            let mut connection = HttpConnection::open(port)?;
            connection.send("GET", "/loop", "")?;
            endless.push(connection);
        }
        let mut events = measure(&mut client, process, Duration::from_secs(args.seconds))?;
        events.sort_unstable_by_key(|event| event.time);
        println!("{}", line(count, &events).context("no event was measured")?);
    }
    Ok(())
}

/// An event, as the client sees it.
struct MeasuredEvent {
    /// The time from the request to the answer.
    time: Duration,
    /// How long the threads of machine and client, and the virtual machine that they run in, waited for
    /// a processor meanwhile, in sum.
    waited: Duration,
}

/// Makes events for a while, and measures each.
fn measure(
    client: &mut HttpConnection,
    process: u32,
    length: Duration,
) -> Result<Vec<MeasuredEvent>> {
    let end = Instant::now() + length;
    let mut events = Vec::new();
    let delay = || {
        let threads = bench::run_delay(process)? + bench::run_delay_of_thread()?;
        anyhow::Ok(threads + bench::stolen_time()?)
    };
    while Instant::now() < end {
        thread::sleep(LONGEST_PAUSE.mul_f64(fastrand::f64()));
        let before = delay()?;
        let begin = Instant::now();
        let answer = client.request("PUT", "/count", "")?;
        let time = begin.elapsed();
        events.push(MeasuredEvent { time, waited: delay()?.saturating_sub(before) });
        if answer.status != 200 {
            bail!("the status of an answer is {}", answer.status);
        }
    }
    Ok(events)
}

/// The line of the table for events in the order of their times.
fn line(reads: usize, events: &[MeasuredEvent]) -> Option<String> {
    let milliseconds = |event: &MeasuredEvent| 1e3 * event.time.as_secs_f64();
    let quantile = |percent: usize| events.get(events.len() * percent / 100).map(milliseconds);
    let (half, most, longest) = (quantile(50)?, quantile(99)?, events.last().map(milliseconds)?);
    let counts = LIMITS.map(|limit| {
        let count = events.partition_point(|event| event.time <= Duration::from_millis(limit));
        format!("{:.2} %", 100.0 * count as f64 / events.len() as f64)
    });
    let undisturbed = || events.iter().filter(|event| event.waited < WAIT_LIMIT);
    let longest_undisturbed = undisturbed().next_back().map_or(0.0, milliseconds);
    Some(format!(
        "| {reads} | {} | {half:.2} | {most:.2} | {longest:.2} | {} | {} | {longest_undisturbed:.2} |",
        events.len(),
        counts.join(" | "),
        undisturbed().count()
    ))
}
