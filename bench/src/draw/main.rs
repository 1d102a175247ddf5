//! Makes the tables of `bench/RESULTS.md` and a plot for each from the raw runs in `bench/runs`:
//! [`results::with_run`] replaces the part of a run, and [`plot::ratios`] draws it.
//!
//! ```text
//! cargo run --release --package bench --bin compare -- --rounds 9 --save bench/runs/NAME.json
//! cargo run --package bench --bin draw
//! ```

#![forbid(unsafe_code)]

mod plot;
mod results;

use anyhow::{Context, Result, bail};
use bench::SavedRun;
use clap::Parser;
use std::fs;
use std::path::PathBuf;

/// Makes the tables and plots of the saved runs.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// Directory of the runs, the files *.json. The plots are written beside them
    #[arg(long, value_name = "DIR", default_value = "bench/runs")]
    runs: PathBuf,
    /// The file with the tables
    #[arg(long, value_name = "FILE", default_value = "bench/RESULTS.md")]
    results: PathBuf,
    /// Change nothing, and fail if a table or a plot is not that of its run
    #[arg(long)]
    check: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let list = |path: &PathBuf| format!("cannot read {}", path.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&args.runs).with_context(|| list(&args.runs))? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let before = fs::read_to_string(&args.results).with_context(|| list(&args.results))?;
    let mut text = before.clone();
    for path in files {
        let name = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        let run = SavedRun::read(&path)?;
        text = results::with_run(&text, &name, &run)?;
        update(&args, &path.with_extension("svg"), &plot::ratios(&name, &run)?)?;
    }
    update(&args, &args.results, &text)
}

/// Writes a file if it has another text; fails instead if nothing is to be changed.
fn update(args: &Args, path: &PathBuf, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    if args.check {
        bail!("{} is not made from the runs; run `draw`", path.display());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
