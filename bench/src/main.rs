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
//! The old programs are those that the compiler was tuned on. The new programs were written
//! afterwards, as a user of the library writes them: the Gabriel and Larceny benchmarks, nofib, the
//! Benchmarks Game. A twin in Chez or GHC has the same algorithm and size, with the data structures
//! that its language has for the purpose: where Sire has a table, Haskell has `Data.Map`, and
//! Scheme has a mutable hash table, since Chez has no persistent one.
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
//! raw_runs the costs of all runs, to be saved
//! ```

#![forbid(unsafe_code)]

mod measure;
mod program;
mod raw_runs;
mod report;
mod system;

use anyhow::{Context, Result, bail};
use clap::Parser;
use program::{Program, ProgramGroup};
use raw_runs::RawRuns;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Prints three tables in Markdown: CPU time of the program's thread, with the ratio to the faster of
Chez and GHC; time and memory of whole processes; allocation and compilation by pallas. A time
with > is that of a run that the limit ended; it counts with this time. The exit code is 1 if a
program fails in pallas.

Examples, from the root of the repository:
  cargo build --release --package cli                                 build the binary to measure
  cargo run --release --package bench -- --rounds 9                   compare all programs
  cargo run --release --package bench -- --group new                  compare the new programs
  cargo run --release --package bench -- --only fib,tak               compare two programs
  cargo run --release --package bench -- --variant interpreter=--no-jit
  cargo run --release --package bench -- --check                      is a program slower compiled?
  cargo run --release --package bench -- --passes --rounds 3

Chez Scheme, GHC and a C compiler are used if they are installed. On Debian:
  apt-get install -y chezscheme ghc build-essential";

/// Compares `pallas` with Chez Scheme, GHC and C on the same programs.
#[derive(Parser)]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
struct Args {
    /// Number of measured runs of each program in each system. One more run before them warms up
    /// the caches. The minimum counts
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Run only these programs, separated by commas [default: all of the group]
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    only: Vec<String>,

    /// Run the programs of this group
    #[arg(long, value_enum, default_value = "all")]
    group: ProgramGroup,

    /// Measure the passes of the compiler instead: run `pallas` without each pass in turn, and
    /// print the ratio to the time with all passes
    #[arg(long)]
    passes: bool,

    /// Compare `pallas` with `pallas --no-jit` instead. The exit code is 1 if a program is slower
    /// with the compiler, on a first run or with its code in the cache
    #[arg(long, conflicts_with = "passes")]
    check: bool,

    /// The `pallas` binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/pallas")]
    pallas: PathBuf,

    /// Measure the prototype too: its binary. The environment variable PALLAS_REFERENCE names the
    /// checkout of the prototype, whose library the programs then use
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passes", "check"])]
    reference: Option<PathBuf>,

    /// Measure `pallas` with other flags too, under this name; may be repeated
    #[arg(long = "variant", value_name = "NAME=FLAGS")]
    variants: Vec<String>,

    /// Write the cost of each run, with a description of the machine, to this file as JSON; `draw`
    /// makes a table and a plot of it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passes", "check"])]
    save: Option<PathBuf>,

    /// Limit of the CPU time of a run, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    limit: u64,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let pallas = args.pallas.canonicalize().with_context(|| {
        format!(
            "cannot find {}: run `cargo build --release --package cli` first",
            args.pallas.display()
        )
    })?;
    let programs = selected_programs(&args)?;
    let scratch = tempfile::tempdir()?;
    if args.passes {
        let systems = system::without_passes(&pallas, scratch.path())?;
        let measurements =
            measure::all(&programs, &systems, args.rounds, args.limit, |_, _, _| {})?;
        print!("{}", report::passes(&programs, &systems, &measurements));
        return Ok(ExitCode::SUCCESS);
    }
    if args.check {
        return check(&args, &programs, &pallas, scratch.path());
    }
    let mut systems = system::all(&pallas, &args.variants, scratch.path())?;
    if let Some(binary) = &args.reference {
        systems.push(system::prototype(binary, scratch.path())?);
    }
    let mut raw = RawRuns::new(&programs, &systems);
    let measurements =
        measure::all(&programs, &systems, args.rounds, args.limit, |program, system, cost| {
            raw.add(program, system, cost);
        })?;
    for table in [report::cpu_times, report::processes, report::statistics] {
        println!("{}", table(&programs, &systems, &measurements));
    }
    // After the tables: an error must not lose what was measured.
    if let Some(path) = &args.save {
        raw.save(path)?;
    }
    if args.reference.is_none() {
        println!("Prototype: not run, since no binary is given (`--reference FILE`).");
    }
    let fails = measurements
        .iter()
        .any(|row| row.iter().zip(&systems).any(|(m, system)| m.is_failed() && system.is_pallas()));
    Ok(ExitCode::from(u8::from(fails)))
}

/// The programs that the arguments select, with [`program::NOTHING`].
fn selected_programs(args: &Args) -> Result<Vec<Program>> {
    let programs = program::all()?;
    if let Some(name) = args.only.iter().find(|name| !programs.iter().any(|p| &&p.name == name)) {
        let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        bail!("unknown program {name}; the programs are {}", names.join(", "));
    }
    let is_wanted = |program: &Program| {
        program.name == program::NOTHING
            || (args.group.contains(program)
                && (args.only.is_empty() || args.only.contains(&program.name)))
    };
    Ok(programs.into_iter().filter(is_wanted).collect())
}

/// Compares `pallas` with its interpreter. The exit code is 1 if a program is slower compiled.
fn check(args: &Args, programs: &[Program], pallas: &Path, scratch: &Path) -> Result<ExitCode> {
    let systems = system::with_and_without_compiler(pallas, scratch)?;
    let measurements = measure::all(programs, &systems, args.rounds, args.limit, |_, _, _| {})?;
    let (table, slower) = report::compiler_check(programs, &systems, &measurements);
    println!("{table}");
    if slower.is_empty() {
        println!("No program is slower with the compiler.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Slower with the compiler: {}", slower.join(", "));
    Ok(ExitCode::FAILURE)
}
