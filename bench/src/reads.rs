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

const AFTER_HELP: &str = "\
Prints a table in Markdown. Times are by the clock, so other load counts: `nice -n -20` as root keeps \
most of it away.";

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
    // The program is compiled.
    measure(&mut client, Duration::from_secs(2))?;

    let limits: Vec<String> = LIMITS.iter().map(|limit| format!("<= {limit} ms")).collect();
    println!(
        "| endless reads | events | p50, ms | p99, ms | longest, ms | {} |",
        limits.join(" | ")
    );
    println!("|{}", " --- |".repeat(5 + LIMITS.len()));
    let mut endless = Vec::new();
    for count in args.reads {
        while endless.len() < count {
            let mut connection = HttpConnection::open(port)?;
            connection.send("GET", "/loop", "")?;
            endless.push(connection);
        }
        let mut times = measure(&mut client, Duration::from_secs(args.seconds))?;
        times.sort_unstable();
        println!("{}", line(count, &times).context("no event was measured")?);
    }
    Ok(())
}

/// Makes events for a while, and returns the time of each.
fn measure(client: &mut HttpConnection, length: Duration) -> Result<Vec<Duration>> {
    let end = Instant::now() + length;
    let mut times = Vec::new();
    while Instant::now() < end {
        thread::sleep(LONGEST_PAUSE.mul_f64(fastrand::f64()));
        let begin = Instant::now();
        let answer = client.request("PUT", "/count", "")?;
        times.push(begin.elapsed());
        if answer.status != 200 {
            bail!("the status of an answer is {}", answer.status);
        }
    }
    Ok(times)
}

/// The line of the table for ascending times.
fn line(reads: usize, times: &[Duration]) -> Option<String> {
    let milliseconds = |time: &Duration| 1e3 * time.as_secs_f64();
    let quantile = |percent: usize| times.get(times.len() * percent / 100).map(milliseconds);
    let (half, most, longest) = (quantile(50)?, quantile(99)?, times.last().map(milliseconds)?);
    let counts = LIMITS.map(|limit| {
        let count = times.partition_point(|time| *time <= Duration::from_millis(limit));
        format!("{:.2} %", 100.0 * count as f64 / times.len() as f64)
    });
    Some(format!(
        "| {reads} | {} | {half:.2} | {most:.2} | {longest:.2} | {} |",
        times.len(),
        counts.join(" | ")
    ))
}
