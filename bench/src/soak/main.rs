//! The soak test: clients write to a web program while its machine is killed again and again, and
//! check afterwards that every write that was answered is still there.
//!
//! ```text
//! cargo build --release --package cli
//! cargo run --release --package bench --bin soak -- --minutes 30
//! ```
//!
//! The machine gets SIGKILL at random moments, and is started again on the same store. Each client
//! has keys of its own, and writes growing numbers to them. After each start, and at the end, it
//! reads all of its keys: a key must have the number that was answered last, or a later one that
//! was sent. Anything else is a lost or invented write, and the exit code is 1. [`client`] is a
//! client.

#![forbid(unsafe_code)]

mod client;

use anyhow::{Result, bail};
use bench::MachineProcess;
use clap::Parser;
use client::{Client, Tally};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Kills a web program again and again, and checks that no answered write is lost.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// Minutes until the last check
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,

    /// Mean of the seconds from a start of the machine to the next kill
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    kill_every: f64,

    /// Number of clients, each with a connection of its own
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    clients: u64,

    /// Number of keys of each client
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    keys: u64,

    /// Seed of the random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The `pallas` binary
    #[arg(long, value_name = "FILE", default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// A module in a folder `sire`, whose program keeps what `PUT /entries/KEY` sends, for `GET /entries/KEY`
    #[arg(long, value_name = "FILE", default_value = "bench/src/soak/sire/entries.sire")]
    module: PathBuf,
}

/// What the clients and the main thread share.
pub(crate) struct Shared {
    /// The port that the machine listens on.
    pub(crate) port: u16,
    /// The number of starts of the machine.
    pub(crate) starts: AtomicU64,
    /// Set when the clients are to make their last check.
    pub(crate) is_over: AtomicBool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("machine");
    let mut machine = MachineProcess::boot(&args.pallas, &args.module, &store)?;
    let output = File::create(folder.path().join("output"))?;
    let shared = Arc::new(Shared {
        port: machine.start(output.try_clone()?, Stdio::inherit())?,
        starts: AtomicU64::new(1),
        is_over: AtomicBool::new(false),
    });
    let clients: Vec<_> = (0..args.clients)
        .map(|id| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || Client::new(id, args.keys, shared).run())
        })
        .collect();

    let mut random = fastrand::Rng::with_seed(args.seed);
    let end = Instant::now() + Duration::from_secs_f64(60.0 * args.minutes);
    loop {
        // Exponentially distributed, so the next kill does not depend on the last one.
        let wait = Duration::from_secs_f64(-args.kill_every * (1.0 - random.f64()).ln());
        if Instant::now() + wait >= end {
            thread::sleep(end.saturating_duration_since(Instant::now()));
            break;
        }
        thread::sleep(wait);
        machine.kill()?;
        machine.start(output.try_clone()?, Stdio::inherit())?;
        shared.starts.fetch_add(1, Ordering::SeqCst);
    }
    shared.is_over.store(true, Ordering::SeqCst);

    let mut tally = Tally::default();
    for client in clients {
        match client.join() {
            Ok(result) => tally.add(&result?),
            Err(_) => bail!("a client panicked"),
        }
    }
    machine.kill()?;
    machine.check()?;
    println!(
        "{} kills, {} writes answered, {} numbers read and compared, {} lost",
        shared.starts.load(Ordering::SeqCst),
        tally.answered,
        tally.compared,
        tally.lost.len()
    );
    for lost in &tally.lost {
        println!("{lost}");
    }
    if !tally.lost.is_empty() {
        bail!("{} writes are wrong", tally.lost.len());
    }
    Ok(())
}
