//! `rehearse`: tries a new program on the state and the last inputs of a machine. A clean rehearsal
//! is noted in the store, for `upgrade`.

use super::history::{OpenHistory, ValueRenderer, settings};
use super::machine::time_limits;
use super::recording::ProfileRecording;
use super::rehearse_text::{JsonRehearsal, report_text};
use super::sire::load_program;
use crate::args::RehearseArgs;
use crate::json;
use crate::terminal::ExitError;
use crate::write_file::write_atomically;
use anyhow::Context;
use plan::Hash;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Exit code when something got worse.
const WORSE: u8 = 1;

/// The directory in a store with the notes of clean rehearsals.
const NOTES: &str = "rehearsals";

/// The note of a clean rehearsal.
#[derive(Serialize, Deserialize)]
struct RehearsalNote {
    /// The hash of the program.
    program: String,
    /// The last event of the state that was rehearsed.
    event: u64,
}

fn note_path(store: &Path, program: Hash) -> PathBuf {
    store.join(NOTES).join(format!("{program}.json"))
}

/// The last event of the state on which a program was rehearsed without a fault. None if it was not.
pub(super) fn rehearsed_at(store: &Path, program: Hash) -> Option<u64> {
    let bytes = std::fs::read(note_path(store, program)).ok()?;
    let note: RehearsalNote = serde_json::from_slice(&bytes).ok()?;
    (note.program == program.to_string()).then_some(note.event)
}

/// Rehearses an upgrade, and prints what differs.
pub(crate) fn rehearse(args: RehearseArgs) -> anyhow::Result<()> {
    let recording = ProfileRecording::start(&args.program.profile)?;
    let result = rehearse_module(&args, &recording);
    recording.finish(result)
}

fn rehearse_module(args: &RehearseArgs, recording: &ProfileRecording) -> anyhow::Result<()> {
    let program = load_program(
        &args.program.cache,
        args.program.evaluation.execution,
        args.program.print,
        &args.module,
        recording,
    )?;
    let mut settings = settings(args.program.evaluation, args.program.print)?;
    settings.limits = time_limits(args.program.time);
    settings.profile = recording.profile();
    let mut opened = OpenHistory::open(&args.store, settings)?;
    let report = opened.history.rehearse(&program, args.last)?;
    opened.store.confirm()?;
    drop(opened);
    let mut values = ValueRenderer::new(args.program.print)?;
    let text = if args.json {
        json::text(&JsonRehearsal::of(&report, &mut values))?
    } else {
        report_text(&args.store, &report, &mut values)
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")?;
    let path = note_path(&args.store, report.program);
    if !report.is_clean() {
        // An earlier rehearsal of the program does not count any more.
        let _ = std::fs::remove_file(path);
        return Err(ExitError { code: WORSE, message: None }.into());
    }
    let note = RehearsalNote { program: report.program.to_string(), event: report.to };
    let bytes = serde_json::to_vec(&note).context("cannot write JSON")?;
    std::fs::create_dir_all(args.store.join(NOTES))
        .with_context(|| format!("cannot note the rehearsal in {}", args.store.display()))?;
    write_atomically(&path, &bytes)
}
