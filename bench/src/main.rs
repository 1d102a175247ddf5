//! Runs the same programs in `pallas`, Chez Scheme, GHC and C, and says how they compare.
//!
//! ```text
//! cargo build --release --package cli
//! cargo run --release --package bench -- --rounds 9
//! ```
//!
//! A program is a folder of `programs`, with one source per system. Each run is a process of its
//! own, cold. Runs are interleaved: a round runs every program once in every system, so that what else
//! the machine does falls on all of them alike, and the least of all rounds counts. All systems must
//! print the same, or there is no comparison.
//!
//! What is compared is the processor time of the thread that runs the program, from when it is loaded to
//! when its result is printed, by clocks within the process: so neither starting a system counts, nor
//! what else the machine does. Chez, GHC and C have their programs compiled beforehand. Ours is read
//! and interpreted in that time, until its machine code is there: which `pallas` keeps from the run
//! before, and `first run` has to make. What the compiler does on a thread of its own is told apart, and
//! so are the times of whole processes.
//!
//! ```text
//! program  what there is to run
//! system   who runs it, and how it is made ready
//! measure  one run, and the fastest of many
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

/// Compares `pallas` with Chez Scheme, GHC and C on the same programs.
#[derive(Parser)]
struct Args {
    /// How often each program is run; the fastest run counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// Only these programs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// Instead, run `pallas` without each of the compiler's passes in turn, and say how many times as
    /// long that takes.
    #[arg(long)]
    passes: bool,

    /// The `pallas` to measure.
    #[arg(long, default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// Another way to run `pallas`, as a name and the flags for it: `interpreter=--no-jit`. May be
    /// given more than once.
    #[arg(long = "variant", value_name = "NAME=FLAGS")]
    variants: Vec<String>,

    /// A run that takes longer than so many seconds is given up.
    #[arg(long, default_value_t = 120)]
    limit: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let pallas = args.pallas.canonicalize().with_context(|| {
        format!("no {}: cargo build --release --package cli", args.pallas.display())
    })?;
    let programs = program::all()?;
    if let Some(name) = args.only.iter().find(|name| !programs.iter().any(|p| &&p.name == name)) {
        let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        bail!("no program {name}; there are {}", names.join(", "));
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
        print!("{}", report::slowdowns(&programs, &systems, &costs));
        return Ok(());
    }
    let systems = system::all(&pallas, &args.variants, scratch.path())?;
    let costs = measure::all(&programs, &systems, args.rounds, args.limit)?;
    for table in [report::times, report::processes, report::counts] {
        println!("{}", table(&programs, &systems, &costs));
    }
    Ok(())
}
