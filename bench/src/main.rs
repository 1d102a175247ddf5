//! Compares `pallas` with Chez Scheme, GHC and C on the same programs: [`measure::all`] runs them,
//! and [`report`] prints the tables.
//!
//! ```text
//! cargo build --release --package cli
//! cargo run --release --package bench -- --rounds 9
//! ```
//!
//! A program is a folder of `programs`, with one source file per system. Each run is a new process.
//! A round runs every program once in every system, so that other load on the machine affects all
//! systems alike; the minimum over all rounds counts. All systems must print the same result.
//!
//! The compared figure is the CPU time of the thread that runs the program, from the end of loading
//! to the printed result, measured within the process. It excludes the start of the system. Chez,
//! GHC and C programs are compiled beforehand. The time of `pallas` includes reading the program,
//! and interpreting it until its machine code is ready; the system `pallas` has the code in its
//! cache from the run before, and `first run` has an empty cache. The compiler runs on another
//! thread; its time, and the times of whole processes, are in separate tables.
//!
//! ```text
//! program  the programs
//! system   the systems, and how each compiles and runs a program
//! measure  one run, and the minimum of several
//! report   the tables
//! ```

#![forbid(unsafe_code)]

mod measure;
mod program;
mod report;
mod system;

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Prints three tables in Markdown: CPU time of the program's thread, with the ratio to the faster of
Chez and GHC; time and memory of whole processes; allocation and compilation by pallas.

Examples, from the root of the repository:
  cargo build --release --package cli                                 build the binary to measure
  cargo run --release --package bench -- --rounds 9                   compare all programs
  cargo run --release --package bench -- --only fib,tak               compare two programs
  cargo run --release --package bench -- --variant interpreter=--no-jit
  cargo run --release --package bench -- --passes --rounds 3

Chez Scheme, GHC and a C compiler are used if they are installed. On Debian:
  apt-get install -y chezscheme ghc build-essential";

/// Compares `pallas` with Chez Scheme, GHC and C on the same programs.
#[derive(Parser)]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
struct Args {
    /// Number of measured runs of each program in each system. One more run before them warms up
    /// the caches. The minimum counts
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    rounds: u32,

    /// Run only these programs, separated by commas [default: all folders of bench/programs]
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    only: Vec<String>,

    /// Measure the passes of the compiler instead: run `pallas` without each pass in turn, and
    /// print the ratio to the time with all passes
    #[arg(long)]
    passes: bool,

    /// The `pallas` binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// Measure `pallas` with other flags too, under this name; may be repeated
    #[arg(long = "variant", value_name = "NAME=FLAGS")]
    variants: Vec<String>,

    /// Time limit of a run, in seconds. A run that exceeds it ends the comparison with an error
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    limit: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let pallas = args.pallas.canonicalize().with_context(|| {
        format!(
            "cannot find {}: run `cargo build --release --package cli` first",
            args.pallas.display()
        )
    })?;
    let programs = program::all()?;
    if let Some(name) = args.only.iter().find(|name| !programs.iter().any(|p| &&p.name == name)) {
        let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        bail!("unknown program {name}; the programs are {}", names.join(", "));
    }
    let wanted = |name: &str| {
        name == program::NOTHING
            || args.only.is_empty()
            || args.only.iter().any(|only| only == name)
    };
    let programs: Vec<_> = programs.into_iter().filter(|p| wanted(&p.name)).collect();

    let scratch = tempfile::tempdir()?;
    if args.passes {
        let systems = system::without_passes(&pallas, scratch.path())?;
        let costs = measure::all(&programs, &systems, args.rounds, args.limit)?;
        print!("{}", report::passes(&programs, &systems, &costs));
        return Ok(());
    }
    let systems = system::all(&pallas, &args.variants, scratch.path())?;
    let costs = measure::all(&programs, &systems, args.rounds, args.limit)?;
    for table in [report::cpu_times, report::processes, report::statistics] {
        println!("{}", table(&programs, &systems, &costs));
    }
    Ok(())
}
