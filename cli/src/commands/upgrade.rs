//! `upgrade`: lets a new program take over the state of a machine, whether or not it is running.

use super::event_text::duration_text;
use super::history::settings;
use super::machine::time_limits;
use super::recording::ProfileRecording;
use super::rehearse::rehearsed_at;
use super::sire::load_program;
use crate::args::UpgradeArgs;
use crate::write_file::write_atomically;
use anyhow::Context;
use machine::control::ControlClient;
use machine::{Machine, MachineSettings, StartError, UpgradeCheck, UpgradeProgram, UpgradeReport};
use persist::OpenError;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Upgrades a machine, and prints what that did.
pub(crate) fn upgrade(args: UpgradeArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.program.profile)?;
    let result = upgrade_machine(&args, &recording);
    recording.finish(result)
}

fn upgrade_machine(args: &UpgradeArgs, recording: &ProfileRecording) -> anyhow::Result<()> {
    let program = load_program(
        &args.program.cache,
        args.program.evaluation.execution,
        args.program.print,
        &args.module,
        recording,
    )?;
    let check = if args.force {
        UpgradeCheck::Forced
    } else {
        let at = rehearsed_at(&args.store, program.hash());
        UpgradeCheck::Rehearsed { at, max_lag: args.max_lag }
    };
    let mut settings = settings(args.program.evaluation, args.program.print)?;
    settings.limits = time_limits(args.program.time);
    settings.profile = recording.profile();
    let (report, is_running) = upgrade_store(&args.store, &program, check, settings)?;
    let text = report_text(&args.store, &report, is_running);
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// Upgrades the machine in a store. Returns also whether it is running.
pub(super) fn upgrade_store(
    store: &Path,
    program: &UpgradeProgram,
    check: UpgradeCheck,
    settings: MachineSettings,
) -> anyhow::Result<(UpgradeReport, bool)> {
    match Machine::open(store, settings) {
        Ok(mut machine) => {
            let report = machine.upgrade(program, check)?;
            machine.close()?;
            Ok((report, false))
        }
        Err(StartError::Open(in_use @ OpenError::InUse { .. })) => {
            // Another command may have the lock, or a machine that has no socket.
            let Ok(mut client) = ControlClient::connect(store) else { return Err(in_use.into()) };
            let file = ProgramFile::write(store, program)?;
            Ok((client.upgrade(program.hash(), &file.0, check)?, true))
        }
        Err(error) => Err(error.into()),
    }
}

/// The file of a program that a running machine reads. Dropping it removes it.
struct ProgramFile(PathBuf);

impl ProgramFile {
    fn write(store: &Path, program: &UpgradeProgram) -> anyhow::Result<ProgramFile> {
        let store = std::path::absolute(store).context("the current directory is unknown")?;
        let name = format!("upgrade-{}-{}.seed", program.hash(), std::process::id());
        let file = ProgramFile(store.join(name));
        write_atomically(&file.0, program.seed())?;
        Ok(file)
    }
}

impl Drop for ProgramFile {
    fn drop(&mut self) {
        // A file that stays has no meaning.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn report_text(store: &Path, report: &UpgradeReport, is_running: bool) -> String {
    let UpgradeReport { event, before, program, took, .. } = report;
    let (name, took) = (store.display(), duration_text(*took));
    let mut text = format!(
        "{name}: upgraded by event {event}, in {took}\nprogram {program}\nstate before {before}\n"
    );
    if is_running {
        let UpgradeReport { kept_workers, ended_workers, started_workers, .. } = report;
        let _ = writeln!(
            text,
            "workers: kept {kept_workers}, ended {ended_workers}, started {started_workers}"
        );
    }
    if let Some(count) = report.set_aside {
        let _ = writeln!(
            text,
            "inputs of the event that crashed, set aside: {count}; `pallas start --offer` offers \
             them again"
        );
    }
    if report.is_finished {
        text.push_str("the new cog has no workers, so it will never do anything\n");
    }
    text
}
