//! `test`: runs the assertions of modules, several modules at the same time.

use super::setup::{cache_code, cache_directory, runtime};
use crate::args::TestArgs;
use crate::json;
use crate::source_files::source_files;
use crate::terminal::{self, ExitError};
use anyhow::{Context, Result};
use serde::Serialize;
use sire::{AssertionReport, ModuleArgument, ModuleLibrary, Sire, SireOptions, SireOutput};
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Size of the native stack of a thread that tests modules, in bytes.
const STACK_SIZE: usize = 64 << 20;

/// The result of the test of a module.
struct ModuleReport {
    file: String,
    /// Why it could not be loaded, with the diagnostics.
    error: Option<String>,
    assertions: Vec<AssertionReport>,
}

impl ModuleReport {
    fn passed(&self) -> usize {
        self.assertions.iter().filter(|assertion| assertion.failure.is_none()).count()
    }

    fn failed(&self) -> usize {
        self.assertions.len() - self.passed() + usize::from(self.error.is_some())
    }

    /// Leaves out the assertions whose file and line do not contain a text.
    fn filter(&mut self, text: &str) {
        if !self.file.contains(text) {
            self.assertions.retain(|assertion| assertion.text.contains(text));
        }
    }
}

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
    let diagnostics: Rc<RefCell<String>> = Rc::default();
    let result = check(args, &name, &diagnostics);
    let (assertions, error) = match result {
        Ok(assertions) => (assertions, None),
        Err(error) => {
            let shown = diagnostics.borrow();
            let text = if shown.is_empty() { format!("{error:#}\n") } else { shown.clone() };
            (Vec::new(), Some(text))
        }
    };
    ModuleReport { file: name, error, assertions }
}

fn check(
    args: &TestArgs,
    file: &str,
    diagnostics: &Rc<RefCell<String>>,
) -> Result<Vec<AssertionReport>> {
    let module = ModuleArgument::parse(file).map_err(terminal::sire_error)?;
    let none = || SireOutput::new(io::sink(), terminal::colour(false));
    let options = SireOptions {
        library: ModuleLibrary::new("sire"),
        cache: cache_directory(&args.cache.store).map(|directory| directory.join("modules")),
        output: none(),
        diagnostics: none(),
    };
    let vm = runtime(args.execution, args.memory)?;
    let mut sire = Sire::new(vm, options).map_err(terminal::evaluation_error)?;
    let shown = Rc::clone(diagnostics);
    let (colour, width) = (terminal::stdout_colour(), terminal::width());
    sire.on_diagnostic(move |found| shown.borrow_mut().push_str(&found.render(colour, width)));
    if terminal::shows_call_chains(false) {
        sire.show_call_chains();
    }
    sire.check_assertions(&module).map_err(terminal::sire_error)
}

fn as_text(reports: &[ModuleReport]) -> String {
    let mut text = String::new();
    for report in reports {
        if let Some(error) = &report.error {
            text += &format!("{}: cannot be loaded\n{error}\n", report.file);
        }
        for failure in report.assertions.iter().filter_map(|it| it.failure.as_ref()) {
            text += &failure.render(terminal::stdout_colour(), terminal::width());
            text.push('\n');
        }
    }
    text
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
