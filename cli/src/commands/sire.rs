//! `sire` and `save`: modules and sessions.

use super::statistics::Counting;
use super::{keep_code, kept_folder, runtime};
use crate::args::{Cache, Matching, Memory, Save, Sire as SireArgs};
use crate::terminal::{self, sire_error};
use anyhow::Context;
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput, module_name};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vm::{Val, Vm, seed};

/// Loads the modules, then runs a session on standard input.
pub(crate) fn sire(args: SireArgs) -> anyhow::Result<()> {
    let mut sire = session(&args.cache.store, args.matching, args.memory)?;
    let modules = args.modules.iter().map(|module| module_name(module));
    let modules: Vec<&str> = modules.collect::<Result<_, _>>().map_err(sire_error)?;
    interrupts(&mut sire)?;
    for module in modules {
        sire.load(module).map_err(sire_error)?;
    }
    let counting = Counting::start(sire.vm());
    let ended = sire.repl(io::stdin().lock()).map_err(sire_error);
    if let Some(counting) = counting {
        eprintln!("{}", counting.end(sire.vm()));
    }
    // The process ends: its memory goes back at once, which is sooner than piece by piece.
    std::mem::forget(sire);
    ended
}

/// Saves the `main` of a module.
pub(crate) fn save(args: Save) -> anyhow::Result<()> {
    let (mut sire, main) = load_main(&args.cache, args.matching, &args.module)?;
    let vm = sire.vm();
    let bytes =
        seed::save(vm, &main).with_context(|| format!("cannot save `main` of {}", args.module))?;
    write_whole(&args.seed, &bytes)
}

/// Loads a module and gives its `main`.
pub(crate) fn load_main(
    cache: &Cache,
    matching: Matching,
    module: &str,
) -> anyhow::Result<(Sire, Val)> {
    let name = module_name(module).map_err(sire_error)?;
    let mut sire = session(&cache.store, matching, Memory::default())?;
    sire.load(name).map_err(sire_error)?;
    let main = sire.binding("main").map_err(sire_error)?;
    Ok((sire, main))
}

/// A Sire that prints to standard output.
fn session(store: &Option<PathBuf>, matching: Matching, memory: Memory) -> anyhow::Result<Sire> {
    let output = SireOutput::new(io::LineWriter::new(io::stdout()), terminal::stdout_colour());
    let cache = kept_folder(store).map(|folder| folder.join("modules"));
    keep_code(store);
    start(runtime(matching, memory)?, cache, output)
}

/// Loads modules anew, whatever is kept of them, and prints nothing but diagnostics.
pub(super) fn load_anew(vm: Vm, modules: &[String]) -> anyhow::Result<()> {
    let output = SireOutput::new(io::sink(), terminal::colour(false));
    let mut sire = start(vm, None, output)?;
    interrupts(&mut sire)?;
    for module in modules {
        let name = module_name(module).map_err(sire_error)?;
        sire.load(name).map_err(sire_error)?;
    }
    Ok(())
}

fn start(vm: Vm, cache: Option<PathBuf>, output: SireOutput) -> anyhow::Result<Sire> {
    let library = ModuleLibrary::new("sire");
    let diagnostics = SireOutput::new(io::stderr(), terminal::stderr_colour());
    let options = SireOptions { library, cache, output, diagnostics };
    Sire::new(vm, options).map_err(terminal::stopped)
}

/// Makes Ctrl-C stop the evaluation that runs, and a second one, while that still runs, the session.
fn interrupts(sire: &mut Sire) -> anyhow::Result<()> {
    let flag = sire.vm().interrupt_flag();
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_default(signal, flag.clone())
        .and_then(|_| signal_hook::flag::register(signal, flag))
        .context("cannot watch for Ctrl-C")?;
    Ok(())
}

/// Writes a file whole or not at all: beside it first, then in its place.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let name = path.file_name().with_context(failed)?;
    if path.exists() && !path.is_file() {
        // A device or pipe takes what it is given.
        return File::create(path).and_then(|mut file| file.write_all(bytes)).with_context(failed);
    }
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What was written in part is of no use; the first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(failed)
}
