//! `profile`: samples the laws of a module or of a running machine.

use super::sire::{load_module, session_without_cache};
use crate::args::{CacheOptions, SampleArgs};
use crate::module_loader::ModuleLoader;
use crate::terminal::{ExitError, sire_error};
use crate::write_file::write_atomically;
use anyhow::{Context, Result, bail};
use machine::control::ControlClient;
use profile::SampledProfile;
use sire::{EntryOutcome, Sire};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use vm::SamplingOptions;

/// The mean distance of two samples of allocation, in bytes.
const ALLOCATION_INTERVAL: usize = 64 << 10;

/// Takes the profile, prints the table, and writes the files.
pub(crate) fn profile(args: &SampleArgs) -> Result<()> {
    let path = Path::new(&args.target);
    let profile = match path.is_dir() {
        true => profile_machine(args, path)?,
        false => profile_module(args)?,
    };
    io::stdout()
        .write_all(profile.table(args.rows).as_bytes())
        .context("cannot write the output")?;
    if let Some(file) = &args.flame_graph {
        let svg = profile.flame_graph(&format!("pallas profile {}", args.target));
        write_atomically(file, &svg.context("cannot draw the flame graph")?)?;
    }
    if let Some(file) = &args.pprof {
        write_atomically(file, &profile.pprof())?;
    }
    Ok(())
}

/// What is sampled.
fn options(args: &SampleArgs) -> SamplingOptions {
    match args.alloc {
        true => SamplingOptions::Allocation(ALLOCATION_INTERVAL),
        false => SamplingOptions::default(),
    }
}

fn profile_module(args: &SampleArgs) -> Result<SampledProfile> {
    if args.perf_map {
        eprintln!("pallas: names for perf: {}", jit::enable_perf_map().display());
    }
    if args.jitdump {
        eprintln!("pallas: code for perf inject: {}", jit::enable_jit_dump().display());
    }
    match &args.eval {
        Some(expression) => profile_expression(args, expression),
        None => {
            let mut sire = session_without_cache(args.evaluation)?;
            begin(&mut sire, args)?;
            ModuleLoader::new(&mut sire).load(&mut sire, &args.target)?;
            finish(&mut sire)
        }
    }
}

/// Evaluates an expression until the time is over.
fn profile_expression(args: &SampleArgs, expression: &str) -> Result<SampledProfile> {
    let cache = CacheOptions { store: args.cache.modules.clone() };
    let mut sire = load_module(&cache, args.evaluation, &args.target)?;
    sire.begin_interactive().map_err(sire_error)?;
    begin(&mut sire, args)?;
    let (start, limit) = (Instant::now(), Duration::from_secs(args.seconds.into()));
    loop {
        if sire.enter_quietly(expression).map_err(sire_error)? == EntryOutcome::Failed {
            return Err(ExitError { code: 1, message: None }.into());
        }
        if start.elapsed() >= limit {
            return finish(&mut sire);
        }
    }
}

fn begin(sire: &mut Sire, args: &SampleArgs) -> Result<()> {
    sire.vm().start_sampling(options(args)).context("cannot take a profile")
}

fn finish(sire: &mut Sire) -> Result<SampledProfile> {
    sire.finish_sampling().context("the profile has ended")
}

/// Asks the machine that runs in a directory.
fn profile_machine(args: &SampleArgs, directory: &Path) -> Result<SampledProfile> {
    if args.eval.is_some() {
        bail!("{} is a directory, and --eval takes a module", directory.display());
    }
    let interval = args.alloc.then_some(ALLOCATION_INTERVAL);
    Ok(ControlClient::connect(directory)?.profile(args.seconds, interval)?)
}
