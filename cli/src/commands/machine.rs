//! `boot` and `start`: creates a machine, and runs it.

use super::setup::{cache_code, runtime_builder};
use super::sire;
use crate::args::{BootArgs, CacheOptions, MachineOptions, StartArgs};
use crate::console::StdioConsole;
use crate::terminal::{self, ExitError};
use anyhow::Context;
use machine::{Machine, MachineHandle, MachineSettings, ReplayFrom, RunOutcome};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::Path;
use std::sync::Arc;

/// Creates a machine whose first state is the `main` of a module.
pub(crate) fn boot(args: BootArgs) -> anyhow::Result<()> {
    let cache = CacheOptions { store: args.cache.modules };
    let MachineOptions { execution, print, .. } = args.machine;
    let (mut sire, main) = sire::load_main(&cache, execution, print, &args.module)?;
    let booted = Machine::boot(&args.store, sire.vm(), &main)?;
    drop((main, sire));
    if booted.workers == 0 {
        eprintln!("pallas: `main` of {} has no workers, so it will never do anything", args.module);
    }
    if args.start { run(&args.store, &args.machine, ReplayFrom::Latest) } else { Ok(()) }
}

/// Runs a machine until it ends or is stopped.
pub(crate) fn start(args: StartArgs) -> anyhow::Result<()> {
    let from = if args.replay_all { ReplayFrom::Earliest } else { ReplayFrom::Latest };
    run(&args.store, &args.machine, from)
}

fn run(store: &Path, args: &MachineOptions, replay: ReplayFrom) -> anyhow::Result<()> {
    let mut settings =
        MachineSettings::new(Arc::new(StdioConsole::new(terminal::print_options(args.print)?)));
    settings.runtime = runtime_builder(args.execution, args.memory);
    settings.jobs = usize::from(args.eval_workers);
    settings.replay = replay;
    settings.store.keep_snapshots = usize::from(args.keep_snapshots);
    if args.disable_snapshots {
        settings.snapshots = None;
    }
    cache_code(&None);
    let machine = Machine::open(store, settings)?;
    stop_on_signal(machine.handle())?;
    match machine.run()? {
        RunOutcome::Stopped | RunOutcome::Finished => Ok(()),
        RunOutcome::Crashed => machine_failed("its cog crashed"),
        RunOutcome::TimedOut => machine_failed("its cog took too long to handle an event"),
        RunOutcome::Aborted(abort) => {
            machine_failed(&format!("its cog could not handle an event: {abort}"))
        }
    }
}

fn machine_failed(why: &str) -> anyhow::Result<()> {
    let message = Some(format!("the machine ended: {why}"));
    Err(ExitError { code: terminal::MACHINE_FAILED, message }.into())
}

/// Stops the machine on Ctrl-C or SIGTERM. A second signal exits the process at once.
fn stop_on_signal(handle: MachineHandle) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for (count, signal) in signals.forever().enumerate() {
                if count > 0 {
                    // Durable events stay; the next start replays them.
                    std::process::exit(128 + signal);
                }
                handle.stop();
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}
