//! `boot` and `start`: creates a machine, and runs it.

use super::history::{self, OpenHistory};
use super::recording::ProfileRecording;
use super::setup::{cache_code, runtime_builder};
use super::{metrics, sire, status};
use crate::args::{BootArgs, CacheOptions, MachineOptions, StartArgs, TimeOptions};
use crate::console::StdioConsole;
use crate::process::stop_with_parent;
use crate::progress;
use crate::terminal::{self, ExitError};
use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanDuration, ProgressBar};
use machine::device::ConsoleDevice;
use machine::{
    AbortReason, BootOptions, CogCrash, LimitStop, LimitStopCause, Machine, MachineHandle,
    MachineMetrics, MachineSettings, OpenCall, ReplayFrom, ReplayStatus, RunOutcome, TimeLimits,
    WorkerCalls,
};
use rustix::process::{Resource, Rlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Creates a machine whose first state is the `main` of a module.
pub(crate) fn boot(args: BootArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.machine.profile)?;
    let result = boot_and_run(args, &recording);
    recording.finish(result)
}

fn boot_and_run(args: BootArgs, recording: &ProfileRecording) -> anyhow::Result<()> {
    let cache = CacheOptions { store: args.cache.modules };
    let MachineOptions { evaluation, print, .. } = args.machine;
    let (mut sire, main) =
        sire::load_main(&cache, evaluation.execution, print, &args.module, recording)?;
    if !args.force && !Machine::is_cog(sire.vm(), &main)? {
        bail!(
            "`main` of {} is no cog: a function whose last arguments are a state, a function for \
             reads and a row of workers; `--force` creates the machine all the same",
            args.module
        );
    }
    let options = BootOptions {
        job_results: args.job_results.form(),
        read_arguments: args.read_arguments.order(),
    };
    let booted = Machine::boot(&args.store, sire.vm(), &main, options)?;
    drop((main, sire));
    if booted.workers == 0 {
        eprintln!("pallas: `main` of {} has no workers, so it will never do anything", args.module);
    }
    if terminal::shows_notices() && !args.start {
        let store = args.store.display();
        eprintln!("pallas: created {store}; `pallas start {store}` runs it");
    }
    if args.start {
        run(&args.store, &args.machine, recording, ReplayFrom::Latest, |_| {})
    } else {
        Ok(())
    }
}

/// Runs a machine until it ends or is stopped.
pub(crate) fn start(args: StartArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.machine.profile)?;
    if let Some(event) = args.until {
        let result = replay_until(&args, event, &recording);
        return recording.finish(result);
    }
    let from = match args.from_snapshot {
        Some(number) => ReplayFrom::Number(number),
        None if args.replay_all => ReplayFrom::Earliest,
        None => ReplayFrom::Latest,
    };
    let result = run(&args.store, &args.machine, &recording, from, |settings| {
        settings.offer_set_aside = args.offer;
        settings.retry_crash = args.retry;
        settings.attach = args.attach;
    });
    recording.finish(result)
}

/// Replays a machine up to an event, and prints the hash of the state after it.
fn replay_until(args: &StartArgs, event: u64, recording: &ProfileRecording) -> anyhow::Result<()> {
    let MachineOptions { evaluation, print, .. } = args.machine;
    let mut settings = history::settings(evaluation, print)?;
    settings.profile = recording.profile();
    let mut opened = OpenHistory::open(&args.store, settings)?;
    let mut replay = opened.history.replay_at(event)?;
    let status = match replay.status() {
        ReplayStatus::Running => "runs",
        ReplayStatus::Finished => "has finished",
        ReplayStatus::Crashed => "has crashed",
    };
    let state = replay.state_hash()?;
    drop(replay);
    opened.store.confirm()?;
    let store = args.store.display();
    let text = format!("{store}: after event {event}: state {state}; the cog {status}\n");
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// Runs a machine with the settings of its options, which `adjust` completes.
fn run(
    store: &Path,
    args: &MachineOptions,
    recording: &ProfileRecording,
    replay: ReplayFrom,
    adjust: impl FnOnce(&mut MachineSettings),
) -> anyhow::Result<()> {
    let operation = &args.operation;
    let status = status::line(operation.status);
    let replay_bar =
        (replay == ReplayFrom::Earliest).then(|| progress::items_and_rate("replaying"));
    let print = terminal::print_options(args.print)?;
    let mut console = StdioConsole::new(print, replay_bar.clone(), status.clone());
    if args.supervised {
        stop_with_parent().context("cannot watch the parent process")?;
        // The parent reports its upgrades.
        console = console.hiding_upgrades();
    }
    let console = Arc::new(console);
    let mut settings = MachineSettings::new(console);
    settings.runtime = runtime_builder(args.evaluation);
    settings.jobs = usize::from(args.eval_workers);
    if let Some(threads) = args.driver_threads {
        settings.drivers.threads = usize::from(threads);
    }
    settings.limits = time_limits(args.time);
    settings.network.listen = operation.listen.clone();
    settings.devices.push(Arc::new(ConsoleDevice::start(io::stdin(), io::stdout())?));
    settings.store.retention = operation.keep.retention;
    if args.disable_snapshots {
        settings.snapshots = None;
    }
    settings.replay = replay;
    settings.profile = recording.profile();
    adjust(&mut settings);
    cache_code(&None);
    raise_descriptor_limit();
    let start = Instant::now();
    let opened = Machine::open(store, settings);
    replay_bar.iter().for_each(ProgressBar::finish_and_clear);
    let machine = opened?;
    if replay == ReplayFrom::Earliest {
        eprintln!("pallas: {}", replay_text(machine.replayed(), start.elapsed()));
    }
    let handle = machine.handle();
    let first_event = machine.last_event();
    if terminal::shows_notices() {
        eprintln!("pallas: {}", resume_text(store, first_event, machine.replayed()));
    }
    stop_on_signal(machine.handle(), args.supervised)?;
    if let Some(address) = operation.metrics {
        metrics::serve(address, machine.handle())?;
    }
    if let Some(line) = status.clone() {
        status::follow(line, machine.handle())?;
    }
    let outcome = machine.run();
    status.iter().for_each(ProgressBar::finish_and_clear);
    let outcome = outcome?;
    if terminal::shows_notices() {
        eprintln!("pallas: {}", end_text(&outcome, first_event, &handle.metrics()));
    }
    match outcome {
        RunOutcome::Stopped | RunOutcome::Finished => Ok(()),
        RunOutcome::Crashed(crash) => {
            let message = Some(crash_text(store, crash));
            Err(ExitError { code: terminal::COG_CRASHED, message }.into())
        }
        RunOutcome::LimitExceeded(stop) => {
            let message = Some(limit_text(stop, args));
            Err(ExitError { code: terminal::LIMIT_EXCEEDED, message }.into())
        }
        RunOutcome::Stalled(drivers) => {
            let message = Some(stall_text(&drivers));
            Err(ExitError { code: terminal::STALLED, message }.into())
        }
    }
}

/// Raises the number of open files to the system's maximum for this process: each connection is one.
fn raise_descriptor_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // With the limit as it was, a machine accepts fewer connections at a time.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
}

/// Says where a machine resumes: its last event, the newest snapshot and its age.
fn resume_text(store: &Path, last: u64, replayed: u64) -> String {
    let newest = std::fs::read_dir(store.join("snap")).ok().and_then(|entries| {
        entries.filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok()).max()
    });
    let age = newest.and_then(|time| time.elapsed().ok());
    let age = age.map_or_else(String::new, |age| format!(", which is {} old", HumanDuration(age)));
    let snapshot = last.saturating_sub(replayed);
    format!(
        "resuming after event {last}: the snapshot after event {snapshot}{age}, and {replayed} events \
         since"
    )
}

/// Says why a machine ended, and what was saved.
fn end_text(outcome: &RunOutcome, first_event: u64, metrics: &MachineMetrics) -> String {
    let events = metrics.events;
    let why = match outcome {
        RunOutcome::Stopped => "the machine was stopped",
        RunOutcome::Finished => "the machine ended, since nothing can happen to it any more",
        RunOutcome::Crashed(_) | RunOutcome::LimitExceeded(_) | RunOutcome::Stalled(_) => {
            "the machine ended"
        }
    };
    format!("{why}; saved: {events} new events, up to event {}", first_event + events)
}

/// Number of drivers of a machine that cannot go on which are described; the others are counted.
const MAX_STALLED_DRIVERS: usize = 10;

/// Says that nothing can happen to a machine any more, and what its drivers wait for.
fn stall_text(drivers: &[WorkerCalls]) -> String {
    let mut text =
        "the machine ended: nothing can happen to it any more, since no job is computed and \
                    no driver waits for anything that may come"
            .to_owned();
    for WorkerCalls { slot, calls } in drivers.iter().take(MAX_STALLED_DRIVERS) {
        let call = |call: &OpenCall| format!("%{} (request {})", call.device, call.key);
        let state = match calls.as_slice() {
            [] => "has no open call".to_owned(),
            calls => {
                let calls: Vec<String> = calls.iter().map(call).collect();
                format!("waits for what never comes: {}", calls.join(", "))
            }
        };
        text += &format!("\n  driver {slot} {state}");
    }
    match drivers.len().saturating_sub(MAX_STALLED_DRIVERS) {
        0 if drivers.is_empty() => text + "\n  the machine runs no driver",
        0 => text,
        more => text + &format!("\n  and {more} more"),
    }
}

/// Says in which event the cog of a machine crashed, and how the machine can go on.
fn crash_text(store: &Path, crash: Option<CogCrash>) -> String {
    let store = store.display();
    let (event, back) = match crash {
        Some(CogCrash { event, inputs, first }) => {
            let input = match (first, inputs) {
                (Some(origin), 1) => format!(", which has one input, of {origin}"),
                (Some(origin), count) => {
                    format!(", which has {count} inputs, the first one of {origin}")
                }
                (None, _) => String::new(),
            };
            (format!(" in event {event}{input}"), (event - 1).to_string())
        }
        None => (String::new(), "EVENT".into()),
    };
    format!(
        "the machine ended: its cog crashed{event}. `pallas start --retry {store}` continues from the \
         state before the event that crashed; `pallas upgrade {store} SIRE` has a corrected program \
         take this state over; `pallas rollback --to {back} {store}` goes back to an earlier state"
    )
}

/// Says how many events a start replayed, and how fast.
fn replay_text(events: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = events as f64 / seconds.max(1e-9);
    format!("replayed {events} events in {seconds:.2} s ({rate:.0} events/s)")
}

pub(super) fn time_limits(args: TimeOptions) -> TimeLimits {
    let TimeOptions { event_limit, read_limit, driver_limit, job_limit } = args;
    TimeLimits {
        event: event_limit.0,
        read: read_limit.0,
        driver: driver_limit.0,
        job: job_limit.0,
    }
}

/// Says which limit an event exceeded, which option sets the limit, and what the next start does.
fn limit_text(stop: LimitStop, args: &MachineOptions) -> String {
    let heap = args.evaluation.memory.heap();
    let size = |bytes: usize| HumanBytes(bytes as u64).to_string();
    let limit = match stop.reason {
        AbortReason::Time => format!("; the limit is --event-limit {}", args.time.event_limit),
        AbortReason::Memory => format!("; the limit is --max-heap, {}", size(heap.max_heap)),
        AbortReason::Stack => format!("; the limit is --max-stack, {}", size(heap.max_stack)),
        AbortReason::Loop => String::new(),
    };
    let (event, offer) = match stop.cause {
        LimitStopCause::SetAsideInRow(count) => (
            format!("{count} inputs in a row were set aside, the last event because"),
            ", and with --offer tries the inputs again",
        ),
        LimitStopCause::JobResult(slot) => (
            format!("the event with the result of job {slot} was stopped:"),
            ", and computes the job again",
        ),
    };
    let reason = stop.reason;
    format!(
        "the machine stopped: {event} {reason}{limit}. The next start continues from the state \
         before{offer}"
    )
}

/// Stops the machine on Ctrl-C or SIGTERM. A second signal exits the process immediately. If it is
/// supervised, Ctrl-C has no effect: the terminal also sends it to the parent, which sends SIGTERM.
fn stop_on_signal(handle: MachineHandle, is_supervised: bool) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let obeyed = |signal: &i32| *signal != SIGINT || !is_supervised;
            for (count, signal) in signals.forever().filter(obeyed).enumerate() {
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
