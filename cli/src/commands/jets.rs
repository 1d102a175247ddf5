//! `jets`: lists the laws that have jets, and counts the calls of jets while modules are loaded.

use super::setup::checked_laws;
use super::sire;
use crate::args::JetsArgs;
use crate::json;
use anyhow::Context;
use jets::{KnownLaw, LawSource};
use runtime::RuntimeBuilder;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use vm::jet::{CallCounts, JetTable};

/// Prints the laws that are known by hash, the library of each, and whether it has a native
/// implementation. With modules, loads these and prints the counts too.
pub(crate) fn list(args: JetsArgs) -> anyhow::Result<()> {
    let run = if args.modules.is_empty() { None } else { Some(CountedRun::of(&args.modules)?) };
    let text = if args.json { as_json(run.as_ref())? } else { as_lines(run.as_ref()) };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// The counts of a run.
struct CountedRun {
    table: Arc<JetTable>,
    /// Number of pinned laws with the name of a jet's law but another hash, by name.
    mismatches: HashMap<String, u64>,
}

impl CountedRun {
    /// Loads the modules without the cache, and counts.
    fn of(modules: &[String]) -> anyhow::Result<CountedRun> {
        let mut table = jets::table();
        table.enable_call_counts();
        let mismatches: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
        let counter = Arc::clone(&mismatches);
        table.on_mismatch(checked_laws(), move |name, _| {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            *counter.entry(name.to_owned()).or_default() += 1;
        });
        let table = Arc::new(table);
        let runtime = RuntimeBuilder::bare().jets(Arc::clone(&table)).build();
        sire::load_uncached(runtime.context("cannot set up the runtime")?.into(), modules)?;
        let mismatches = mismatches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(CountedRun { table, mismatches })
    }

    fn counts(&self, law: &KnownLaw) -> RunCounts {
        let jet = self.table.find(&law.hash);
        let CallCounts { all, fell_back } =
            jet.and_then(|jet| self.table.calls(jet)).unwrap_or_default();
        let mismatched = self.mismatches.get(law.name).copied().unwrap_or(0);
        RunCounts { calls: all, fell_back, mismatched }
    }
}

/// The counts of one law in a run.
#[derive(Serialize)]
struct RunCounts {
    calls: u64,
    fell_back: u64,
    mismatched: u64,
}

/// A law in the JSON list.
#[derive(Serialize)]
struct JsonLaw {
    name: &'static str,
    hash: String,
    library: &'static str,
    native: bool,
    #[serde(flatten)]
    counts: Option<RunCounts>,
}

fn as_json(run: Option<&CountedRun>) -> anyhow::Result<String> {
    let laws = jets::list().into_iter().map(|law| JsonLaw {
        name: law.name,
        hash: law.hash.to_string(),
        library: library(&law),
        native: law.native,
        counts: run.map(|run| run.counts(&law)),
    });
    json::text(&laws.collect::<Vec<_>>())
}

fn as_lines(run: Option<&CountedRun>) -> String {
    let mut text = String::new();
    if run.is_some() {
        let law = format!("{:<44}  {:<22}  {:<6}  {:<9}", "hash", "name", "runs", "library");
        let _ =
            writeln!(text, "{law}  {:>12}  {:>12}  {:>10}", "called", "fell back", "mismatched");
    }
    for law in jets::list() {
        let (how, hash) = (if law.native { "native" } else { "law" }, law.hash.to_string());
        let line = format!("{hash:<44}  {:<22}  {how:<6}  {:<9}", law.name, library(&law));
        let _ = match run.map(|run| run.counts(&law)) {
            Some(RunCounts { calls, fell_back, mismatched }) => {
                writeln!(text, "{line}  {calls:>12}  {fell_back:>12}  {mismatched:>10}")
            }
            None => writeln!(text, "{}", line.trim_end()),
        };
    }
    text
}

/// The library that defines a law.
fn library(law: &KnownLaw) -> &'static str {
    match law.source {
        LawSource::Project | LawSource::EarlierProject => "pallas",
        LawSource::PrototypeJets | LawSource::PrototypeLibrary => "prototype",
    }
}
