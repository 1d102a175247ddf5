//! The options of the commands that tell about laws: `profile` and `explain`.

use super::shared::{BootCacheOptions, EvaluationOptions};
use clap::Args;
use std::path::PathBuf;

/// The help of `pallas profile`.
pub(super) const PROFILE_HELP: &str = "\
A module is profiled while it is loaded, without the cache; or, with --eval, while the expression
is evaluated again and again. Of a running machine, events, reads, drivers and jobs are profiled.

The table has a line for each law. `self` is its own share, `total` includes what it calls; the
other columns divide `self` by what ran: the interpreter, compiled code, a jet (the law's native
implementation), the collector. Laws that are inlined into compiled code count as part of the law
that they are inlined into.

Examples:
  pallas profile ./shop.sire --eval '(total orders)'
  pallas profile /tmp/counter --seconds 10 --flame-graph flame.svg
  pallas profile ./shop.sire --eval '(total orders)' --alloc";

/// The help of `pallas explain`.
pub(super) const EXPLAIN_HELP: &str = "\
Prints where a law is defined, its arity, its jet, its hash, the pins that it refers to, the names
whose values refer to it; then how it is compiled: the intermediate code before and after the
passes, and the machine code. `docs/src/profiling.md` says how to read them.

Examples:
  pallas explain map
  pallas explain -m ./shop.sire total --brief
  pallas explain --store /tmp/counter 3nKrg8fPEVq4";

/// Options of `pallas profile`.
#[derive(Args, Debug)]
pub(crate) struct SampleArgs {
    #[command(flatten)]
    pub(crate) cache: BootCacheOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// Load the module first, and profile this expression, with the module's names in scope
    #[arg(short = 'e', long, value_name = "EXPRESSION")]
    pub(crate) eval: Option<String>,
    /// How long the expression is evaluated again and again, at least once; or how long the machine
    /// is profiled
    #[arg(short = 's', long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Profile the memory that is allocated instead of CPU time
    #[arg(short = 'a', long)]
    pub(crate) alloc: bool,
    /// Write a flame graph to this file, an SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) flame_graph: Option<PathBuf>,
    /// Write the profile to this file in the format of pprof
    #[arg(long, value_name = "FILE")]
    pub(crate) pprof: Option<PathBuf>,
    /// The most laws in the table
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    pub(crate) rows: usize,
    /// Write the names of compiled laws to /tmp/perf-PID.map, where Linux's perf looks for them
    #[arg(long, requires = "eval")]
    pub(crate) perf_map: bool,
    /// Write the names and the code of compiled laws to /tmp/jit-PID.dump, for `perf inject --jit` of
    /// Linux
    #[arg(long, requires = "eval")]
    pub(crate) jitdump: bool,
    /// The module, by its name or path, or the directory of a running machine
    #[arg(value_name = "SIRE|STORE")]
    pub(crate) target: String,
}

/// Options of `pallas explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) cache: BootCacheOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// The module in whose scope the name is, by its name or path
    #[arg(short = 'm', long, value_name = "SIRE", default_value = "prelude")]
    pub(crate) module: String,
    /// Look among the laws of this machine instead, in its newest state; it may be running
    #[arg(long, value_name = "STORE", conflicts_with = "module")]
    pub(crate) store: Option<PathBuf>,
    /// Leave out the intermediate code and the machine code
    #[arg(short = 'b', long)]
    pub(crate) brief: bool,
    /// The name of the law, or the hash of its pin: all of it, or at least its first 6 characters
    #[arg(value_name = "NAME|HASH")]
    pub(crate) law: String,
}
