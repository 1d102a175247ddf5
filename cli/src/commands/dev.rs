//! `dev`: watches the sources of a module, and upgrades a machine in place whenever they change.
//!
//! ```text
//! watch     the files of the module and its imports; a change is reported when it is over
//! check     one session loads the module, runs its assertions and those of its test module
//! creation  the store of a new machine, made together with its note
//! note      which program the store runs, and which `migrate` its state has been through
//! machine   the machine, in a process of its own
//!
//! change ─▶ check ─▶ rehearsal ─▶ upgrade, one event of the log
//!             │          │          │
//!             └──────────┴──────────┴─▶ on failure: the reason, and the old program goes on
//! ```
//!
//! Everything is driven by [`DevEvent`]s, which the threads of the watcher, of the signals and of the
//! machine send.

mod check;
mod creation;
mod machine;
mod note;
mod watch;

use self::machine::{DevMachine, MachineSite};
use super::history::{OpenHistory, settings};
use super::machine::time_limits;
use crate::args::{DevArgs, Verbosity};
use crate::measure::duration_text;
use crate::terminal::{self, sire_error};
use ::machine::{RehearsalReport, RehearsedEnding, UpgradeCheck, UpgradeReport};
use anyhow::{Context, Result, bail};
use check::{CheckFailure, CheckInterrupt, CheckedProgram};
use creation::create_store;
use note::{DevNote, NotedProgram};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use sire::{ModuleArgument, ModuleSource};
use std::io::{self, Write as _};
use std::process::ExitStatus;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use watch::{SourceWatcher, sources_of};

/// A change is over when no file has changed for this time. Editors write a file in several steps.
const QUIET_TIME: Duration = Duration::from_millis(80);

/// A change is looked at after this time even if files go on to change.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// What `dev` reacts to.
enum DevEvent {
    /// A file has changed that may be a source.
    Changed,
    /// The process of the machine has ended.
    Ended(io::Result<ExitStatus>),
    /// The user asks to stop.
    Stop,
}

/// Watches a module until Ctrl-C.
pub(crate) fn dev(args: DevArgs) -> Result<()> {
    let module = ModuleArgument::parse(&args.module).map_err(sire_error)?;
    let test_module = module.sibling(&format!("{}_test", module.name()));
    let modules = vec![module, test_module];
    if sources_of(&modules[..1]).is_empty() {
        bail!("{}: there is no such module", args.module);
    }
    let (sender, events) = mpsc::channel();
    let interrupt = CheckInterrupt::default();
    stop_on_signal(sender.clone(), interrupt.clone())?;
    let (changed, interrupted) = (sender.clone(), interrupt.clone());
    let watcher = SourceWatcher::start(&modules, move || {
        // A check of sources that have changed meanwhile is of no use.
        interrupted.fire();
        // The receiver lives as long as the process works.
        let _ = changed.send(DevEvent::Changed);
    })?;
    let machine = DevMachine::new(&args, sender);
    let mut session = DevSession {
        interrupt,
        watcher,
        machine,
        modules,
        sources: None,
        checks: 0,
        is_refused: false,
        args: &args,
    };
    session.begin()?;
    session.follow(&events);
    session.machine.stop();
    Ok(())
}

/// Sends [`DevEvent::Stop`] on Ctrl-C and SIGTERM, and ends an evaluation that is under way. A second
/// signal exits the process immediately.
fn stop_on_signal(sender: mpsc::Sender<DevEvent>, interrupt: CheckInterrupt) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle signals")?;
    let wait = move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                // Durable events stay; the next start replays them.
                std::process::exit(128 + signal);
            }
            // In this order: the check that is interrupted is followed by the end, not by another.
            let _ = sender.send(DevEvent::Stop);
            interrupt.stop();
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .context("cannot start a thread")?;
    Ok(())
}

/// What became of a change.
enum ChangeOutcome {
    /// A machine was created.
    Booted,
    /// The machine was upgraded.
    Upgraded(UpgradeReport),
    /// The machine runs this very program.
    Unchanged,
}

/// Why a change is not in effect.
struct Refusal {
    /// The result of the assertions, if they could be run.
    tests: Option<String>,
    /// The reason in one line.
    reason: String,
    /// Diagnostics, or nothing.
    details: String,
}

struct DevSession<'a> {
    args: &'a DevArgs,
    /// The module, and its test module, which need not exist.
    modules: Vec<ModuleArgument>,
    watcher: SourceWatcher,
    machine: DevMachine<'a>,
    interrupt: CheckInterrupt,
    /// The sources that were checked last. None if the check was interrupted.
    sources: Option<Vec<ModuleSource>>,
    /// The number of checks that were not interrupted.
    checks: u64,
    /// Whether the last change that passed its assertions was refused.
    is_refused: bool,
}

impl DevSession<'_> {
    /// Starts the machine, if there is one, and checks the module.
    fn begin(&mut self) -> Result<()> {
        // A machine can be created in an empty directory. Any other one is refused here.
        let mut entries = std::fs::read_dir(&self.args.store).into_iter().flatten();
        if entries.next().is_some() || self.args.store.is_file() {
            self.machine.start()?;
        }
        let imports = sources_of(&self.modules[..1]);
        let imports = imports.iter().skip(1).filter(|source| source.path.is_some()).count();
        self.say(&format!(
            "watching {} and {imports} of its imports; the machine is {}; Ctrl-C stops",
            self.args.module,
            self.args.store.display()
        ));
        self.change();
        Ok(())
    }

    /// Handles events until the user asks to stop.
    fn follow(&mut self, events: &mpsc::Receiver<DevEvent>) {
        // When the change that is under way is looked at, and the latest time for that.
        let mut due: Option<(Instant, Instant)> = None;
        loop {
            let event = match due {
                Some((at, _)) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(DevEvent::Changed) => {
                    let now = Instant::now();
                    let latest = due.map_or(now + MAX_DELAY, |(_, latest)| latest);
                    due = Some(((now + QUIET_TIME).min(latest), latest));
                }
                Ok(DevEvent::Ended(status)) => {
                    self.show_end(&status);
                    if self.is_refused {
                        // The upgrade may have met the machine as it ended.
                        self.sources = None;
                        self.change();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    due = None;
                    self.change();
                }
                Ok(DevEvent::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn show_end(&mut self, status: &io::Result<ExitStatus>) {
        let text = self.machine.ended(status);
        self.warn(&format!("{text}; the next change that passes starts it again"));
    }

    /// Checks the module if its sources have changed, and upgrades the machine if they pass.
    fn change(&mut self) {
        self.interrupt.begin();
        let sources = sources_of(&self.modules);
        if self.sources.as_ref() == Some(&sources) {
            return;
        }
        self.watcher.watch(&sources);
        let start = Instant::now();
        let Some(result) = self.attempt() else {
            // A newer change comes next, or the end.
            self.sources = None;
            return;
        };
        self.sources = Some(sources);
        self.checks += 1;
        self.is_refused = matches!(&result, Err(Refusal { tests: Some(_), .. }));
        self.show(&result, start.elapsed());
    }

    fn show(&self, result: &Result<(String, ChangeOutcome), Refusal>, took: Duration) {
        let (number, took) = (self.checks, duration_text(took));
        match result {
            Ok((tests, outcome)) => self.say(&format!(
                "check {number}: {tests}; {}",
                match outcome {
                    ChangeOutcome::Booted =>
                        format!("created {} in {took}", self.args.store.display()),
                    ChangeOutcome::Upgraded(report) => upgrade_text(report, &took),
                    ChangeOutcome::Unchanged => "the program is the same".into(),
                }
            )),
            Err(Refusal { tests, reason, details }) => {
                let tests = tests.as_ref().map_or_else(String::new, |tests| format!("{tests}; "));
                let rest = match self.machine.site() {
                    MachineSite::Nowhere => "no machine runs",
                    MachineSite::Supervised | MachineSite::Elsewhere => "the old program goes on",
                };
                let details = details.trim_end();
                let gap = if details.is_empty() { "" } else { "\n" };
                self.warn(&format!("check {number}: {tests}{reason}; {rest}{gap}{details}"));
            }
        }
    }

    /// Checks the module, and has the machine run it. Returns the result of the assertions and what
    /// was done; none if the check was interrupted.
    fn attempt(&mut self) -> Option<Result<(String, ChangeOutcome), Refusal>> {
        let checked = match check::check(self.args, &self.modules, &self.interrupt)? {
            Ok(checked) => checked,
            Err(CheckFailure { reason, details }) => {
                return Some(Err(Refusal { tests: None, reason, details }));
            }
        };
        let tests = format!("{} passed, 0 failed", checked.passed);
        Some(match self.adopt(checked) {
            Ok(outcome) => Ok((tests, outcome)),
            Err(error) => {
                let text = format!("{error:#}");
                let (reason, details) = text.split_once('\n').unwrap_or((&text, ""));
                let reason = reason.trim_end_matches([' ', ':']).to_owned();
                Err(Refusal { tests: Some(tests), reason, details: details.to_owned() })
            }
        })
    }

    /// Has the machine run a program.
    fn adopt(&mut self, mut checked: CheckedProgram) -> Result<ChangeOutcome> {
        let store = &self.args.store;
        if !store.join("FORMAT").exists() {
            let noted = NotedProgram {
                main: checked.main_hash()?.to_string(),
                upgrade: None,
                migrate: checked.migrate_text.clone(),
            };
            create_store(store, checked, &DevNote::booted(noted))?;
            self.machine.start()?;
            return Ok(ChangeOutcome::Booted);
        }
        let mut settings = settings(self.args.evaluation, self.args.print)?;
        settings.limits = time_limits(self.args.time);
        let mut opened = OpenHistory::open(store, settings)?;
        let mut note = DevNote::load(store);
        note.observe(&opened.history)?;
        let main = checked.main_hash()?.to_string();
        let migrates = checked.migrate.is_some() && !note.has_migrated(&checked.migrate_text);
        if note.runs(&main) && !migrates {
            drop(opened);
            self.machine.start()?;
            return Ok(ChangeOutcome::Unchanged);
        }
        let program = checked.program(migrates)?;
        let mut check = UpgradeCheck::Forced;
        if !self.args.force {
            // Before the last upgrade, the state was that of another program.
            let count = note.events_since_change(opened.history.last()).min(self.args.last);
            let report = opened.history.rehearse(&program, count)?;
            if let Some(fault) = first_fault(&report) {
                bail!("not upgraded: {fault}");
            }
            check = UpgradeCheck::Rehearsed { at: Some(report.to), max_lag: u64::MAX };
        }
        opened.store.confirm()?;
        drop(opened);
        let migrate = checked.migrate_text.clone();
        let upgrade = Some(program.hash().to_string());
        note.save_pending(NotedProgram { main, upgrade, migrate }, store)?;
        self.machine.upgrade(&program, check).map(ChangeOutcome::Upgraded)
    }

    /// Prints a line about what has happened, unless only errors are to be shown.
    fn say(&self, text: &str) {
        if terminal::verbosity() != Verbosity::Quiet {
            self.warn(text);
        }
    }

    /// Prints a line about something that went wrong.
    fn warn(&self, text: &str) {
        // If standard error cannot be written, there is nowhere to report that.
        let _ = writeln!(io::stderr(), "pallas: {text}");
    }
}

fn upgrade_text(report: &UpgradeReport, took: &str) -> String {
    let UpgradeReport { event, kept_workers, ended_workers, started_workers, .. } = report;
    let mut text = format!("upgraded in {took} by event {event}");
    if kept_workers + ended_workers + started_workers > 0 {
        text += &format!(
            " (workers: {kept_workers} kept, {ended_workers} ended, {started_workers} started)"
        );
    }
    if let Some(count) = report.set_aside {
        text += &format!("; inputs of the event that crashed, set aside: {count}");
    }
    if report.is_finished {
        text += "; it has no workers, so it will never do anything";
    }
    text
}

/// The first thing that got worse in a rehearsal.
fn first_fault(report: &RehearsalReport) -> Option<String> {
    let RehearsalReport { from, to, upgrade, upgrade_now, events, .. } = report;
    if let Err(failure) = upgrade_now {
        return Some(format!("the state after event {to}: {failure}"));
    }
    if let Err(failure) = upgrade {
        return Some(format!("rehearsed on the state after event {from}: {failure}"));
    }
    let event = events.iter().find(|event| event.is_worse())?;
    let ending = match &event.new {
        RehearsedEnding::Crashed(text) => format!("crashes:\n{}", text.trim_end()),
        RehearsedEnding::Aborted(reason) => format!("is stopped: {reason}"),
        _ => "is not reached, because the cog asks for no worker any more".into(),
    };
    Some(format!("event {} of the rehearsal {ending}", event.event))
}
