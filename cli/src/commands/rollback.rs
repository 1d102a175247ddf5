//! `rollback`: goes back to an earlier state of a machine, and keeps what happened since in a file.

use super::event_text::ShownEvent;
use super::history::{ValueRenderer, settings};
use super::machine::time_limits;
use crate::args::RollbackArgs;
use crate::write_file::write_atomically;
use anyhow::{Context, bail};
use machine::{LoggedEvent, Machine, OfferReport, RollbackReport};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The directory in a store with the inputs of events that were rolled back.
const ROLLED_BACK: &str = "rolled-back";

/// Goes back, and prints what that did.
pub(crate) fn rollback(args: RollbackArgs) -> anyhow::Result<()> {
    let mut settings = settings(args.evaluation, args.print)?;
    settings.limits = time_limits(args.time);
    let mut machine = Machine::open(&args.store, settings)?;
    let to = match args.to {
        Some(to) => to,
        None => match machine.before_last_upgrade()? {
            Some(to) => to,
            None => bail!("the log has no upgrade; name the event to go back to with --to"),
        },
    };
    let last = machine.last_event();
    let events = machine.events_after(to)?;
    // The file is durable before the events stop to count.
    let mut values = ValueRenderer::new(args.print)?;
    let file = write_events(&args.store, last + 1, &events, &mut values)?;
    let report = machine.roll_back(to)?;
    let offered = if args.replay_inputs { Some(machine.offer_again(to + 1, last)?) } else { None };
    machine.close()?;
    let inputs = events.iter().map(|event| event.inputs.len()).sum();
    let text = report_text(&args.store, &report, inputs, &file, offered);
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// Writes the events that a rollback leaves out, one a line, and returns the file.
fn write_events(
    store: &Path,
    rollback: u64,
    events: &[LoggedEvent],
    values: &mut ValueRenderer,
) -> anyhow::Result<PathBuf> {
    let directory = store.join(ROLLED_BACK);
    let path = directory.join(format!("{rollback}.jsonl"));
    let mut text = String::new();
    for event in events {
        let json = ShownEvent::from(event).json(values).with_seeds(&event.inputs);
        text += &serde_json::to_string(&json).context("cannot write JSON")?;
        text.push('\n');
    }
    fs::create_dir_all(&directory)
        .and_then(|()| fs::File::open(store)?.sync_all())
        .with_context(|| format!("cannot create {}", directory.display()))?;
    write_atomically(&path, text.as_bytes())?;
    let synced = fs::File::open(&directory).and_then(|directory| directory.sync_all());
    synced.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn report_text(
    store: &Path,
    report: &RollbackReport,
    inputs: usize,
    file: &Path,
    offered: Option<OfferReport>,
) -> String {
    let RollbackReport { event, to, root } = report;
    let (name, file) = (store.display(), file.display());
    let mut text = format!(
        "{name}: event {event} went back to the state after event {to}\nstate {root}\ninputs since \
         then: {inputs}, kept in {file}\n"
    );
    if let Some(OfferReport { applied, set_aside, left }) = offered {
        let _ = writeln!(
            text,
            "offered again: applied {applied}, set aside {set_aside}, left out {left}"
        );
    }
    text
}
