//! The web demo under load: `demo_notepad` and [`sqlite-service`](../sqlite_service.rs) answer the
//! same requests on the loopback address, one after the other, in one run.
//!
//! ```text
//! cargo build --release --package cli
//! cargo build --release --package bench --features rivals --bin sqlite-service
//! cargo run --release --package bench --bin web
//! ```
//!
//! The load comes from `wrk`, on one thread. A write is answered when it is durable. [`service`]
//! starts the two services, and [`load`] runs `wrk` and reads what it prints.

#![forbid(unsafe_code)]

mod load;
mod service;

use anyhow::Result;
use clap::Parser;
use load::{Load, Measured, Method};
use service::Service;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Prints a table in Markdown: requests per second, the latencies that half and 99 of 100 requests stay
below, and the CPU time of the service per request, which depends least on other load. Needs wrk (on Debian: apt-get install -y wrk).";

/// Measures the web demo beside an HTTP service over SQLite.
#[derive(Parser)]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
struct Args {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10)]
    seconds: u32,

    /// How often each measurement is repeated, services in turn. The best counts
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: u32,

    /// Numbers of connections, separated by commas
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_values_t = [1, 64])]
    connections: Vec<u32>,

    /// Bytes of the note
    #[arg(long, value_name = "BYTES", default_value_t = 200)]
    size: usize,

    /// The `pallas` binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// The service to compare with
    #[arg(long, value_name = "FILE", default_value = "target/release/sqlite-service")]
    rival: PathBuf,

    /// The module of the notepad
    #[arg(long, value_name = "FILE", default_value = "sire/demo_notepad.sire")]
    module: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let services = [
        Service::pallas(&args.pallas, &args.module, folder.path())?,
        Service::sqlite(&args.rival, folder.path())?,
    ];
    println!(
        "| request | connections | service | requests/s | p50, ms | p99, ms | CPU, us | failed |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for method in [Method::Read, Method::Write] {
        for &connections in &args.connections {
            let load = Load { method, connections, seconds: args.seconds, size: args.size };
            let mut best: [Option<(Measured, f64)>; 2] = [None, None];
            for _ in 0..args.rounds {
                for (service, best) in services.iter().zip(&mut best) {
                    let before = service.cpu_time()?;
                    let measured = load.run(service.port, folder.path())?;
                    let cpu_time = service.cpu_time()?.saturating_sub(before);
                    let each = 1e6 * cpu_time.as_secs_f64() / measured.requests.max(1) as f64;
                    let is_better =
                        |other: &(Measured, f64)| measured.per_second > other.0.per_second;
                    if best.as_ref().is_none_or(is_better) {
                        *best = Some((measured, each));
                    }
                }
            }
            for (service, best) in services.iter().zip(best) {
                let Some((measured, cpu_time)) = best else { continue };
                let Measured { per_second, p50, p99, failed, .. } = measured;
                println!(
                    "| {method} | {connections} | {} | {per_second:.0} | {p50:.2} | {p99:.2} | \
                     {cpu_time:.1} | {failed} |",
                    service.name
                );
            }
        }
    }
    Ok(())
}
