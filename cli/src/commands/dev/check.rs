//! Loads a module and runs its assertions, so that its program can be adopted.

use crate::args::DevArgs;
use crate::commands::module_report::CheckingSession;
use crate::commands::setup::cache_code;
use crate::terminal::{self, sire_error};
use anyhow::{Result, bail};
use machine::{BootOptions, Machine, UpgradeProgram};
use parking_lot::Mutex;
use plan::{Hash, Val};
use sire::{ModuleArgument, Sire};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the check that is under way, from another thread.
#[derive(Clone, Default)]
pub(super) struct CheckInterrupt(Arc<Mutex<ArmedFlag>>);

#[derive(Default)]
struct ArmedFlag {
    /// The flag that interrupts the evaluations of the check.
    flag: Option<Arc<AtomicBool>>,
    was_fired: bool,
    /// Whether no check is of use any more.
    is_stopping: bool,
}

impl ArmedFlag {
    fn fire(&mut self) {
        self.was_fired = true;
        if let Some(flag) = &self.flag {
            flag.store(true, Ordering::SeqCst);
        }
    }
}

impl CheckInterrupt {
    /// Begins a check, before its sources are read: what fires from now on interrupts it.
    pub(super) fn begin(&self) {
        let mut armed = self.0.lock();
        armed.was_fired = armed.is_stopping;
    }

    /// Connects the check's flag.
    fn arm(&self, flag: Arc<AtomicBool>) {
        let mut armed = self.0.lock();
        flag.store(armed.was_fired, Ordering::SeqCst);
        armed.flag = Some(flag);
    }

    /// Interrupts the check, if there is one.
    pub(super) fn fire(&self) {
        self.0.lock().fire();
    }

    /// Interrupts the check, and all later ones.
    pub(super) fn stop(&self) {
        let mut armed = self.0.lock();
        armed.is_stopping = true;
        armed.fire();
    }

    /// Ends the check. Returns whether it was interrupted.
    fn disarm(&self) -> bool {
        let mut armed = self.0.lock();
        armed.flag = None;
        armed.was_fired
    }
}

/// A program whose assertions passed.
pub(super) struct CheckedProgram {
    /// The session that holds the values.
    sire: Sire,
    main: Val,
    pub(super) migrate: Option<Val>,
    /// The text of the definition of `migrate`, if it has one.
    pub(super) migrate_text: Option<String>,
    /// The number of assertions.
    pub(super) passed: usize,
}

/// Why a module was not accepted.
pub(super) struct CheckFailure {
    /// The reason in one line.
    pub(super) reason: String,
    /// The diagnostics.
    pub(super) details: String,
}

impl From<anyhow::Error> for CheckFailure {
    fn from(error: anyhow::Error) -> CheckFailure {
        CheckFailure { reason: format!("{error:#}"), details: String::new() }
    }
}

/// Runs [`run_assertions`]. Returns none if it was interrupted.
pub(super) fn check(
    args: &DevArgs,
    modules: &[ModuleArgument],
    interrupt: &CheckInterrupt,
) -> Option<Result<CheckedProgram, CheckFailure>> {
    let result = run_assertions(args, modules, interrupt);
    // The flag may still be set, and then it would interrupt what the session does next.
    if interrupt.disarm() { None } else { Some(result) }
}

/// Loads a module and runs its assertions, and those of its test module, if that exists. `modules`
/// are these two.
fn run_assertions(
    args: &DevArgs,
    modules: &[ModuleArgument],
    interrupt: &CheckInterrupt,
) -> Result<CheckedProgram, CheckFailure> {
    cache_code(&args.cache.modules);
    let colour = terminal::stderr_colour();
    let mut session = CheckingSession::start(&args.cache.modules, args.evaluation, colour)?;
    interrupt.arm(session.sire.vm().interrupt_flag());
    let mut passed = 0;
    let mut program = None;
    for (index, module) in modules.iter().enumerate() {
        if index > 0 && super::watch::sources_of(std::slice::from_ref(module)).is_empty() {
            continue;
        }
        let name = if index == 0 { args.module.clone() } else { module.name().to_owned() };
        let report = session.check(module, name.clone());
        passed += report.passed();
        if report.failed() > 0 {
            let reason = match report.error {
                Some(_) => format!("{name} cannot be loaded"),
                None => format!("{passed} passed, {} failed", report.failed()),
            };
            return Err(CheckFailure { reason, details: report.failures(colour) });
        }
        if index == 0 {
            let sire = &mut session.sire;
            let main = sire.binding("main").map_err(sire_error)?;
            let migrate = sire.binding("migrate").ok();
            sire.begin_interactive().map_err(sire_error)?;
            let source = sire.describe("migrate").and_then(|info| info.source);
            program = Some((main, migrate, source.map(|source| source.text)));
        }
    }
    let (main, migrate, migrate_text) = program.ok_or_else(|| CheckFailure {
        reason: format!("{}: there is no such module", args.module),
        details: String::new(),
    })?;
    Ok(CheckedProgram { sire: session.sire, main, migrate, migrate_text, passed })
}

impl CheckedProgram {
    /// The hash of the program without `migrate`.
    pub(super) fn main_hash(&mut self) -> Result<Hash> {
        Ok(UpgradeProgram::new(self.sire.vm(), &self.main, None)?.hash())
    }

    /// The program for an upgrade, with `migrate` if it is to be used.
    pub(super) fn program(&mut self, migrates: bool) -> Result<UpgradeProgram> {
        let migrate = self.migrate.as_ref().filter(|_| migrates);
        Ok(UpgradeProgram::new(self.sire.vm(), &self.main, migrate)?)
    }

    /// Creates a machine with `main` as its first state. The session ends, because it would keep the
    /// store locked.
    pub(super) fn boot(mut self, store: &Path) -> Result<()> {
        if !Machine::is_cog(self.sire.vm(), &self.main)? {
            bail!(
                "`main` is no cog: a function whose last arguments are a state, a function for \
                 reads and a row of workers"
            );
        }
        Machine::boot(store, self.sire.vm(), &self.main, BootOptions::default())?;
        Ok(())
    }
}
