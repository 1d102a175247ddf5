//! `bench`: measures the functions of a module whose names begin with `bench`.

use super::sire::load_module;
use crate::args::BenchArgs;
use crate::json;
use crate::measure::{RunTimes, duration_text, measure};
use crate::terminal::{ExitError, sire_error};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io::{self, Write};

/// The JSON of a measurement.
#[derive(Serialize)]
struct JsonTimes {
    name: String,
    runs: usize,
    median: u128,
    fastest: u128,
}

/// Measures each of the functions, and prints their times.
pub(crate) fn bench(args: &BenchArgs) -> Result<()> {
    let BenchArgs { cache, evaluation, json, module } = args;
    let mut sire = load_module(cache, *evaluation, module)?;
    sire.begin_interactive().map_err(sire_error)?;
    let names: Vec<String> = sire
        .names()
        .into_iter()
        .filter(|name| name.starts_with("bench") && rex::chars::is_word(name))
        .filter(|name| sire.describe(name).is_some_and(|info| info.arity == Some(1)))
        .collect();
    if names.is_empty() {
        bail!("{module} has no function of one argument whose name begins with `bench`");
    }
    let mut all = Vec::new();
    for name in names {
        let Some(times) = measure(&mut sire, &format!("({name} 0)"))? else {
            return Err(ExitError { code: 1, message: None }.into());
        };
        let RunTimes { runs, median, fastest } = times;
        if !json {
            let (median, fastest) = (duration_text(median), duration_text(fastest));
            println!("{name:<30} median {median:>12}, fastest {fastest:>12}, {runs} runs");
        }
        let (median, fastest) = (median.as_nanos(), fastest.as_nanos());
        all.push(JsonTimes { name, runs, median, fastest });
    }
    if *json {
        let text = json::text(&all)?;
        io::stdout().write_all(text.as_bytes()).context("cannot write the output")?;
    }
    Ok(())
}
