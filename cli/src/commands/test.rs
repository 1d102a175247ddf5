//! `test`: runs the assertions of modules, several modules at the same time.

use super::module_report::{CheckingSession, ModuleReport};
use super::setup::cache_code;
use crate::args::{TestArgs, Verbosity};
use crate::json;
use crate::source_files::source_files;
use crate::terminal::{self, ExitError};
use anyhow::{Context, Result};
use serde::Serialize;
use sire::{AssertionReport, ModuleArgument};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Size of the native stack of a thread that tests modules, in bytes.
const STACK_SIZE: usize = 64 << 20;

/// Runs the assertions of modules, and prints the failures and the totals.
pub(crate) fn test(args: &TestArgs) -> Result<()> {
    let files = source_files(&args.paths)?;
    cache_code(&args.cache.store);
    let mut reports = test_all(args, &files)?;
    if let Some(text) = &args.filter {
        reports.iter_mut().for_each(|report| report.filter(text));
    }
    let passed: usize = reports.iter().map(ModuleReport::passed).sum();
    let failed: usize = reports.iter().map(ModuleReport::failed).sum();
    let text = match args.json {
        true => json::text(&JsonReport::of(&reports, passed, failed))?,
        false => format!("{}{passed} passed, {failed} failed\n", as_text(&reports)),
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")?;
    if failed > 0 { Err(ExitError { code: 1, message: None }.into()) } else { Ok(()) }
}

/// Tests all modules on several threads. Returns the reports in the order of the files.
fn test_all(args: &TestArgs, files: &[PathBuf]) -> Result<Vec<ModuleReport>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let count = args.jobs.map_or(processors, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..count {
            let (sender, next) = (sender.clone(), &next);
            let work = move || {
                while let Some((index, file)) = take(files, next) {
                    if sender.send((index, test_module(args, file))).is_err() {
                        break;
                    }
                }
            };
            thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, work)
                .context("cannot start a thread")?;
        }
        drop(sender);
        let mut reports: Vec<(usize, ModuleReport)> = receiver.iter().collect();
        reports.sort_by_key(|(index, _)| *index);
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    })
}

/// Takes the next file that no thread has taken.
fn take<'f>(files: &'f [PathBuf], next: &AtomicUsize) -> Option<(usize, &'f Path)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    files.get(index).map(|file| (index, file.as_path()))
}

fn test_module(args: &TestArgs, file: &Path) -> ModuleReport {
    let name = file.display().to_string();
    let checked = || -> Result<ModuleReport> {
        let module = ModuleArgument::parse(&name).map_err(terminal::sire_error)?;
        let (store, colour) = (&args.cache.store, terminal::stdout_colour());
        let mut session = CheckingSession::start(store, args.evaluation, colour)?;
        Ok(session.check(&module, name.clone()))
    };
    checked().unwrap_or_else(|error| ModuleReport {
        file: name.clone(),
        error: Some(format!("{error:#}\n")),
        assertions: Vec::new(),
    })
}

fn as_text(reports: &[ModuleReport]) -> String {
    let colour = terminal::stdout_colour();
    let is_verbose = terminal::verbosity() == Verbosity::Verbose;
    let report_text = |report: &ModuleReport| {
        let passed = is_verbose.then(|| format!("{}: {} passed\n", report.file, report.passed()));
        passed.unwrap_or_default() + &report.failures(colour)
    };
    reports.iter().map(report_text).collect()
}

/// The reports with the keys of the JSON output.
#[derive(Serialize)]
struct JsonReport<'r> {
    passed: usize,
    failed: usize,
    modules: Vec<JsonModule<'r>>,
}

#[derive(Serialize)]
struct JsonModule<'r> {
    file: &'r str,
    error: Option<&'r str>,
    assertions: Vec<JsonAssertion<'r>>,
}

#[derive(Serialize)]
struct JsonAssertion<'r> {
    line: usize,
    text: &'r str,
    passed: bool,
    message: Option<String>,
}

impl JsonReport<'_> {
    fn of(reports: &[ModuleReport], passed: usize, failed: usize) -> JsonReport<'_> {
        let assertion = |report: &'_ AssertionReport| {
            let failure = report.failure.as_ref();
            let message = failure.map(|failure| {
                let parts = [failure.message.clone()].into_iter().chain(failure.notes.clone());
                parts.collect::<Vec<_>>().join("; ")
            });
            (report.line, message)
        };
        let modules = reports.iter().map(|report| JsonModule {
            file: &report.file,
            error: report.error.as_deref(),
            assertions: report
                .assertions
                .iter()
                .map(|it| {
                    let (line, message) = assertion(it);
                    JsonAssertion { line, text: &it.text, passed: message.is_none(), message }
                })
                .collect(),
        });
        JsonReport { passed, failed, modules: modules.collect() }
    }
}
