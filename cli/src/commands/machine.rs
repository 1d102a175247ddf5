//! `boot` and `start`: machines.

use super::{jets, keep_code, sire};
use crate::args::{Boot, Cache, Machine as MachineArgs, Start};
use crate::console::Terminal;
use crate::terminal::{self, Exit};
use anyhow::Context;
use machine::{Machine, MachineHandle, MachineSettings, ReplayFrom, RunOutcome};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::Path;
use std::sync::Arc;

/// Makes a new machine from the `main` of a module.
pub(crate) fn boot(args: Boot) -> anyhow::Result<()> {
    let cache = Cache { store: args.cache.modules };
    let (mut sire, main) = sire::load_main(&cache, args.machine.matching, &args.module)?;
    let booted = Machine::boot(&args.store, sire.vm(), &main)?;
    drop((main, sire));
    if booted.workers == 0 {
        eprintln!("pallas: `main` of {} has no workers, so it will never do anything", args.module);
    }
    if args.start { run(&args.store, &args.machine, ReplayFrom::Latest) } else { Ok(()) }
}

/// Starts a machine, and runs it until it ends or is stopped.
pub(crate) fn start(args: Start) -> anyhow::Result<()> {
    let from = if args.replay_all { ReplayFrom::Earliest } else { ReplayFrom::Latest };
    run(&args.store, &args.machine, from)
}

fn run(store: &Path, args: &MachineArgs, replay: ReplayFrom) -> anyhow::Result<()> {
    let mut settings = MachineSettings::new(Arc::new(Terminal::new()));
    settings.jets = jets::table(args.matching);
    settings.jit = args.matching.jit.mode();
    settings.jobs = usize::from(args.eval_workers);
    settings.replay = replay;
    settings.heap = args.memory.options();
    settings.store.keep_snapshots = usize::from(args.keep_snapshots);
    if args.disable_snapshots {
        settings.snapshots = None;
    }
    keep_code(&None);
    let machine = Machine::open(store, settings)?;
    stop_on_signal(machine.handle())?;
    match machine.run()? {
        RunOutcome::Stopped | RunOutcome::Finished => Ok(()),
        RunOutcome::Crashed => ended("its cog crashed"),
        RunOutcome::TimedOut => ended("its cog took too long to handle an event"),
        RunOutcome::Aborted(abort) => ended(&format!("its cog could not handle an event: {abort}")),
    }
}

fn ended(why: &str) -> anyhow::Result<()> {
    Err(Exit { code: terminal::CRASHED, message: Some(format!("the machine ended: {why}")) }.into())
}

/// Stops the machine at Ctrl-C or SIGTERM; a second one ends the process at once.
fn stop_on_signal(handle: MachineHandle) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot watch for signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for (count, signal) in signals.forever().enumerate() {
                if count > 0 {
                    // What is durable stays; the next start replays the rest.
                    std::process::exit(128 + signal);
                }
                handle.stop();
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}
