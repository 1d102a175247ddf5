//! `check`: verifies a store, and reports each damage with its effect.

use crate::args::StoreArgs;
use crate::progress;
use crate::terminal::{self, ExitError};
use anyhow::Context;
use machine::control::{InspectError, InspectedStore};
use machine::{HashVerifier, LoggedEnding, LoggedEvent};
use persist::inspect::{CheckReport, DamageEffect, DamageFinding, SnapshotStatus};
use persist::{OpenError, PinHash, StoreHistory, StoreInspection};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// Exit code for a damaged store.
const DAMAGED: u8 = 1;
/// Exit code for a store that could not be checked.
const NOT_CHECKED: u8 = 2;

/// Number of findings that are printed; the others are only counted.
const MAX_PRINTED: usize = 100;

/// Verifies a store, and prints what is damaged.
pub(crate) fn check(args: StoreArgs) -> anyhow::Result<()> {
    let mut store = InspectedStore::open(&args.store).map_err(open_error)?;
    let bar = progress::bytes("checking", store.inspection.bytes());
    let not_checked = |error: &dyn std::fmt::Display| exit_error(NOT_CHECKED, error);
    let verifier = HashVerifier::new(|bytes| bar.set_position(bytes));
    let mut verifier = verifier.map_err(|error| not_checked(&error))?;
    // Before the check, which maps the pins at the same addresses.
    let crash = crash_text(&store.inspection);
    let report = store.inspection.check(&mut verifier);
    bar.finish_and_clear();
    let report = report.map_err(|error| not_checked(&error))?;
    store.confirm().map_err(|error| not_checked(&error))?;
    let text = report_text(&args.store, &report) + &crash;
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")?;
    if report.findings.is_empty() {
        return Ok(());
    }
    Err(ExitError { code: DAMAGED, message: None }.into())
}

/// Says that the cog has crashed, and in which calls; empty if it has not. A crash is the last event
/// of the log: a cog that has crashed takes no events.
fn crash_text(store: &StoreInspection) -> String {
    let newest = || {
        // What cannot be read is a finding of the check.
        let history = StoreHistory::open(store).ok()?;
        let last = history.last();
        let record = history.records(last, last).ok()?.next()?.ok()?;
        LoggedEvent::decode(last.0, &record.payload).ok()
    };
    match newest() {
        Some(LoggedEvent { event, ending: LoggedEnding::Crashed { calls, .. }, .. }) => {
            let text = format!("the cog crashed in event {event}");
            if calls.is_empty() {
                return text + "\n";
            }
            format!("{text}; {}", terminal::call_chain_text(&calls))
        }
        _ => String::new(),
    }
}

fn exit_error(code: u8, message: &dyn std::fmt::Display) -> ExitError {
    ExitError { code, message: Some(message.to_string()) }
}

fn open_error(error: InspectError) -> ExitError {
    let is_damage = matches!(error, InspectError::Open(OpenError::Damaged { .. }));
    let code = if is_damage { DAMAGED } else { NOT_CHECKED };
    exit_error(code, &error)
}

fn report_text(store: &Path, report: &CheckReport) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().take(MAX_PRINTED) {
        let damage = &finding.damage;
        let (path, at) = (damage.path.display(), damage.offset);
        let _ = writeln!(text, "damaged: {path}, byte {at}: {}", damage.reason);
        let _ = writeln!(text, "  {}", effect(finding));
    }
    if let Some(more @ 1..) = report.findings.len().checked_sub(MAX_PRINTED) {
        let _ = writeln!(text, "and {more} more");
    }
    for damage in &report.unfinished {
        let (path, at) = (damage.path.display(), damage.offset);
        let _ = writeln!(text, "unfinished: {path} from byte {at} on: {}", damage.reason);
        text.push_str("  a crash left this; nothing in it was acknowledged: no damage\n");
    }
    for state in &report.snapshots {
        let (generation, covers) = (state.snapshot.generation, state.snapshot.covers);
        let _ =
            writeln!(text, "snapshot {generation} (after event {covers}): {}", condition(state));
    }
    let count =
        |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (pins, events) = (count(report.pins, "pin"), count(report.events, "event"));
    let name = store.display();
    let _ = match report.findings.len() as u64 {
        0 => writeln!(text, "{name}: whole: {pins} and {events} verified"),
        found => writeln!(
            text,
            "{name}: {} found; {pins} and {events} are whole\n{}",
            count(found, "damage"),
            advice(store, report)
        ),
    };
    text
}

fn effect(finding: &DamageFinding) -> String {
    let range = |what: &str, first: u64, last: u64| match last {
        u64::MAX => format!("each {what} from {first} on is lost"),
        last if last == first => format!("{what} {first} is lost"),
        last => format!("each {what} from {first} to {last} is lost"),
    };
    match finding.effect {
        DamageEffect::Events { first, last } => range("event", first, last),
        DamageEffect::Groups { first, last } => range("group of pins", first, last),
        DamageEffect::Pin(hash) => format!("pin {} is lost", hash_text(&hash)),
        DamageEffect::File => "no pin in it can be read".into(),
        DamageEffect::Snapshot => "this snapshot is lost".into(),
        DamageEffect::SetAsideInput => "this input, which was set aside, is lost".into(),
        DamageEffect::Nothing => "no data is lost, but the store is not opened like this".into(),
    }
}

fn condition(state: &SnapshotStatus) -> String {
    match (state.has_root, &state.first_bad, state.first_event) {
        (false, ..) => "its state is missing".into(),
        (_, Some(pin), _) => format!("its state needs pin {pin}, which is damaged or missing"),
        (.., Some(event)) => format!("its state is whole; event {event} after it is lost"),
        (true, None, None) => "whole, with all events after it".into(),
    }
}

fn advice(store: &Path, report: &CheckReport) -> String {
    let is_usable = |state: &&SnapshotStatus| state.is_whole() && state.first_event.is_none();
    let restore = "restore the damaged files from a copy if there is one, and keep a copy of the \
                   directory before anything else.";
    let Some(usable) = report.snapshots.iter().find(is_usable) else {
        return "Nothing was changed. Restore the damaged files from a copy; keep a copy of the \
                directory before anything else."
            .into();
    };
    let number = usable.snapshot.generation;
    let is_newest = report.snapshots.first().is_some_and(|it| it.snapshot.generation == number);
    // Other damage must be repaired before the store can be opened.
    let is_open = |finding: &DamageFinding| {
        matches!(finding.effect, DamageEffect::Pin(_) | DamageEffect::Snapshot)
    };
    let start = if !is_newest && report.findings.iter().all(is_open) {
        let store = store.display();
        format!(
            "\n`pallas start --from-snapshot {number} {store}` starts from the newest whole snapshot; \
             it deletes nothing."
        )
    } else {
        String::new()
    };
    format!(
        "Nothing was changed. A snapshot with all that follows it is whole, so no state is lost: \
         {restore}{start}"
    )
}

fn hash_text(hash: &PinHash) -> String {
    plan::Hash(*hash).to_string()
}
