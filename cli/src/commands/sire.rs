//! `sire` and `save`: runs a session, and saves the `main` of a module.

use super::recording::ProfileRecording;
use super::setup::{cache_code, cache_directory, library_image, runtime};
use super::statistics::Measurement;
use crate::args::{
    BootCacheOptions, CacheOptions, EvaluationOptions, ExecutionOptions, PrintSize, SaveArgs,
    SireArgs, Verbosity,
};
use crate::file_kind::module_error;
use crate::interactive::InteractiveSession;
use crate::module_loader::{ModuleLoader, is_interactive};
use crate::terminal::{self, ExitError, sire_error};
use crate::write_file::{OptionalWriter, write_atomically};
use anyhow::Context;
use machine::UpgradeProgram;
use plan::{Val, seed};
use sire::{ModuleArgument, ModuleLibrary, Sire, SireOptions, SireOutput};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use vm::Vm;

/// How long the process stays at least for code that is still compiled at its end, so that later runs
/// have it.
const PENDING_CODE_TIME: Duration = Duration::from_millis(20);
/// How long it stays at most, for a session that took as long itself.
const PENDING_CODE_LIMIT: Duration = Duration::from_millis(250);

/// Loads the modules, then runs a session on standard input.
pub(crate) fn sire(args: SireArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.profile)?;
    let result = run_session(args, &recording);
    recording.finish(result)
}

fn run_session(args: SireArgs, recording: &ProfileRecording) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut sire = session(&args.cache.store, args.evaluation, args.print, io::stdout())?;
    recording.record(&mut sire);
    if is_interactive() {
        let loader = ModuleLoader::new(&mut sire);
        let history = cache_directory(&args.cache.store).map(|directory| directory.join("history"));
        return InteractiveSession::new(sire, loader, history)?.run(&args.modules);
    }
    if terminal::shows_call_chains() {
        sire.show_call_chains();
    }
    let mut modules = Vec::new();
    for argument in &args.modules {
        let module = ModuleArgument::parse(argument);
        modules.push((argument, module.map_err(|error| module_error(argument, error))?));
    }
    stop_on_interrupt(&mut sire)?;
    if terminal::verbosity() == Verbosity::Quiet {
        sire.load_quietly(|_, _, _| {});
    }
    for (argument, module) in modules {
        sire.load_argument(&module).map_err(|error| module_error(argument, error))?;
    }
    let measurement = Measurement::start(sire.vm());
    let result = sire.repl(io::stdin().lock()).map_err(sire_error).and_then(check_failures);
    if let Some(measurement) = measurement {
        eprintln!("{}", measurement.line(sire.vm()));
    }
    jit::finish_pending((start.elapsed()).clamp(PENDING_CODE_TIME, PENDING_CODE_LIMIT));
    // The process exits now. The system frees its memory faster than destructors would.
    std::mem::forget(sire);
    result
}

/// Fails if commands of a session failed. The session has reported them.
fn check_failures(failures: usize) -> anyhow::Result<()> {
    match failures {
        0 => Ok(()),
        _ => Err(ExitError { code: terminal::USAGE, message: None }.into()),
    }
}

/// Saves the `main` of a module.
pub(crate) fn save(args: SaveArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.profile)?;
    let result = save_main(&args, &recording);
    recording.finish(result)
}

fn save_main(args: &SaveArgs, recording: &ProfileRecording) -> anyhow::Result<()> {
    let (mut sire, main) =
        load_main(&args.cache, args.execution, args.print, &args.module, recording)?;
    let vm = sire.vm();
    let bytes =
        seed::save(vm, &main).with_context(|| format!("cannot save `main` of {}", args.module))?;
    write_atomically(&args.seed, &bytes)
}

/// Loads a module. Returns the session and its `main`.
pub(crate) fn load_main(
    cache: &CacheOptions,
    execution: ExecutionOptions,
    print: PrintSize,
    module: &str,
    recording: &ProfileRecording,
) -> anyhow::Result<(Sire, Val)> {
    // A closed standard output must not stop the command, which has a result other than its output.
    let output = OptionalWriter::new(io::stdout());
    let evaluation = EvaluationOptions { execution, ..Default::default() };
    let mut sire = session(&cache.store, evaluation, print, output)?;
    recording.record(&mut sire);
    ModuleLoader::new(&mut sire).load(&mut sire, module)?;
    let main = sire.binding("main").map_err(sire_error)?;
    Ok((sire, main))
}

/// A session with the cache that prints nothing but errors.
pub(super) fn quiet_session(cache: &CacheOptions) -> anyhow::Result<Sire> {
    cache_code(&cache.store);
    let output = SireOutput::new(io::sink(), terminal::colour(false));
    let directory = cache_directory(&cache.store).map(|directory| directory.join("modules"));
    let runtime = runtime(EvaluationOptions::default())?;
    let mut sire = start(runtime, directory, output)?;
    sire.on_diagnostic(terminal::print_diagnostic);
    stop_on_interrupt(&mut sire)?;
    Ok(sire)
}

/// Loads a module, and prints nothing but errors.
pub(super) fn load_module(
    cache: &CacheOptions,
    evaluation: EvaluationOptions,
    module: &str,
) -> anyhow::Result<Sire> {
    cache_code(&cache.store);
    let output = SireOutput::new(io::sink(), terminal::colour(false));
    let mut sire = start_cached(runtime(evaluation)?, &cache.store, output)?;
    sire.on_diagnostic(terminal::print_diagnostic);
    stop_on_interrupt(&mut sire)?;
    ModuleLoader::new(&mut sire).load(&mut sire, module)?;
    Ok(sire)
}

/// A session without the cache that prints nothing but errors.
pub(super) fn session_without_cache(evaluation: EvaluationOptions) -> anyhow::Result<Sire> {
    let output = SireOutput::new(io::sink(), terminal::colour(false));
    let mut sire = start(runtime(evaluation)?, None, output)?;
    sire.on_diagnostic(terminal::print_diagnostic);
    stop_on_interrupt(&mut sire)?;
    Ok(sire)
}

/// Loads a module for an upgrade: its `main`, and its `migrate` if it has one.
pub(super) fn load_program(
    cache: &BootCacheOptions,
    execution: ExecutionOptions,
    print: PrintSize,
    module: &str,
    recording: &ProfileRecording,
) -> anyhow::Result<UpgradeProgram> {
    let cache = CacheOptions { store: cache.modules.clone() };
    let (mut sire, main) = load_main(&cache, execution, print, module, recording)?;
    let migrate = sire.binding("migrate").ok();
    Ok(UpgradeProgram::new(sire.vm(), &main, migrate.as_ref())?)
}

/// A session with the cache, which prints to `output`.
fn session(
    store: &Option<PathBuf>,
    evaluation: EvaluationOptions,
    print: PrintSize,
    output: impl Write + 'static,
) -> anyhow::Result<Sire> {
    let options = terminal::print_options(print)?;
    let output =
        SireOutput::new(io::LineWriter::new(output), options.colour).with_limit(options.limit);
    cache_code(store);
    start_cached(runtime(evaluation)?, store, output)
}

/// Loads modules without the cache. Prints only diagnostics.
pub(super) fn load_uncached(vm: Vm, modules: &[String]) -> anyhow::Result<()> {
    let output = SireOutput::new(io::sink(), terminal::colour(false));
    let mut sire = start(vm, None, output)?;
    stop_on_interrupt(&mut sire)?;
    for argument in modules {
        let module = ModuleArgument::parse(argument).map_err(|it| module_error(argument, it))?;
        sire.load_argument(&module).map_err(|error| module_error(argument, error))?;
    }
    Ok(())
}

/// A session that keeps the states of modules in a folder, and starts from those that the program has.
fn start_cached(vm: Vm, store: &Option<PathBuf>, output: SireOutput) -> anyhow::Result<Sire> {
    let cache = cache_directory(store).map(|directory| directory.join("modules"));
    let mut sire = start(vm, cache, output)?;
    if let Some(image) = library_image() {
        sire.start_from(image);
    }
    Ok(sire)
}

fn start(vm: Vm, cache: Option<PathBuf>, output: SireOutput) -> anyhow::Result<Sire> {
    let library = ModuleLibrary::new("sire");
    let diagnostics = SireOutput::new(io::stderr(), terminal::stderr_colour());
    let options = SireOptions { library, cache, output, diagnostics };
    Sire::new(vm, options).map_err(terminal::evaluation_error)
}

/// Makes Ctrl-C interrupt the current evaluation. A second Ctrl-C, while that evaluation still
/// runs, exits the process.
fn stop_on_interrupt(sire: &mut Sire) -> anyhow::Result<()> {
    let flag = sire.vm().interrupt_flag();
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_default(signal, flag.clone())
        .and_then(|_| signal_hook::flag::register(signal, flag))
        .context("cannot handle Ctrl-C")?;
    Ok(())
}
