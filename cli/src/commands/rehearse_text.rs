//! The report of a rehearsal as text and as JSON.

use super::event_text::{JsonOutput, duration_text, push_entry};
use super::history::ValueRenderer;
use indicatif::HumanBytes;
use machine::{
    LoggedOutput, RehearsalReport, RehearsedEnding, RehearsedEvent, UpgradeFailure,
    WorkerComparison,
};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The report as lines. Only events that got worse or differ are listed.
pub(super) fn report_text(
    store: &Path,
    report: &RehearsalReport,
    values: &mut ValueRenderer,
) -> String {
    let RehearsalReport { program, from, to, upgrade, upgrade_now, heaps, .. } = report;
    let name = store.display();
    let mut text = format!("{name}: program {program}\n");
    let mut upgraded = |event: u64, result: &Result<Duration, UpgradeFailure>| {
        let _ = match result {
            Ok(took) => {
                let took = duration_text(*took);
                writeln!(text, "upgrade of the state after event {event}: in {took}")
            }
            Err(failure) => writeln!(text, "upgrade of the state after event {event}: {failure}"),
        };
    };
    upgraded(*from, upgrade);
    if from != to {
        upgraded(*to, upgrade_now);
    }
    if let Some(workers) = &report.workers {
        text += &workers_text(workers);
    }
    let worse = report.events.iter().filter(|event| event.is_worse()).count();
    let different = report.events.iter().filter(|event| event.is_different()).count();
    let _ = writeln!(
        text,
        "events: {}; got worse: {worse}; other outputs or answers: {different}",
        report.events.len()
    );
    for event in report.events.iter().filter(|event| is_listed(event)) {
        text += &event_text(event, values);
    }
    let [old, new] = heaps.map(|bytes| HumanBytes(bytes as u64));
    let _ = writeln!(text, "heap: {old} with the old program, {new} with the new one");
    text += if report.is_clean() {
        "nothing got worse: `pallas upgrade` accepts this program\n"
    } else {
        "something got worse: `pallas upgrade` refuses this program\n"
    };
    text
}

/// Whether there is something to say about an event.
fn is_listed(event: &RehearsedEvent) -> bool {
    event.is_different() || event.old != event.new
}

fn workers_text(workers: &WorkerComparison) -> String {
    let WorkerComparison { kept, ended, started } = workers;
    format!(
        "workers that keep running: {}; that end: {}; that start: {}\n",
        slots_text(kept),
        slots_text(ended),
        slots_text(started)
    )
}

/// The names of slots: `slot 0`, `slots 1, 2` or `none`.
fn slots_text(slots: &[u64]) -> String {
    let numbers: Vec<String> = slots.iter().map(u64::to_string).collect();
    match slots {
        [] => "none".into(),
        [slot] => format!("slot {slot}"),
        _ => format!("slots {}", numbers.join(", ")),
    }
}

fn event_text(event: &RehearsedEvent, values: &mut ValueRenderer) -> String {
    let mark = if event.is_worse() { "  worse" } else { "" };
    let mut text = format!("event {}{mark}\n", event.event);
    if event.old != event.new {
        for (sign, ending) in [("-", &event.old), ("+", &event.new)] {
            let _ = writeln!(text, "  {sign} {}", ending_text(ending));
        }
    }
    let mut outputs = |sign: &str, outputs: &[LoggedOutput]| {
        for LoggedOutput { slot, key, message } in outputs {
            let label = format!("{sign} to driver {slot}, request {key}");
            push_entry(&mut text, &label, Some(message), values);
        }
    };
    outputs("-", &event.missing_outputs);
    outputs("+", &event.added_outputs);
    if let Some(answers) = &event.answers {
        for (sign, answer) in ["-", "+"].into_iter().zip(answers) {
            let label = format!("{sign} answer to the query 0");
            match answer {
                Some(answer) => push_entry(&mut text, &label, Some(answer), values),
                None => {
                    let _ = writeln!(text, "  {label}: none, a limit was exceeded");
                }
            }
        }
    }
    text
}

fn ending_text(ending: &RehearsedEnding) -> String {
    match ending {
        RehearsedEnding::Succeeded => "succeeded".into(),
        RehearsedEnding::Crashed(text) => format!("crashed: {text}"),
        RehearsedEnding::Aborted(reason) => format!("was stopped: {reason}"),
        RehearsedEnding::Finished => "was not tried: the cog asks for no worker any more".into(),
        RehearsedEnding::NotApplied(reason) => format!("was not tried: {reason}"),
    }
}

/// A report with the keys of the JSON output.
#[derive(Serialize)]
pub(super) struct JsonRehearsal {
    program: String,
    from: u64,
    to: u64,
    clean: bool,
    upgrade: JsonUpgrade,
    upgrade_now: JsonUpgrade,
    workers: Option<JsonWorkers>,
    heaps: [usize; 2],
    events: Vec<JsonRehearsed>,
}

#[derive(Serialize)]
struct JsonUpgrade {
    nanoseconds: Option<u64>,
    failure: Option<String>,
}

#[derive(Serialize)]
struct JsonWorkers {
    kept: Vec<u64>,
    ended: Vec<u64>,
    started: Vec<u64>,
}

#[derive(Serialize)]
struct JsonRehearsed {
    event: u64,
    inputs: usize,
    worse: bool,
    old: String,
    new: String,
    nanoseconds: [u64; 2],
    missing_outputs: Vec<JsonOutput>,
    added_outputs: Vec<JsonOutput>,
    answers: Option<Vec<Option<String>>>,
}

impl JsonRehearsal {
    pub(super) fn of(report: &RehearsalReport, values: &mut ValueRenderer) -> JsonRehearsal {
        let upgrade = |result: &Result<Duration, UpgradeFailure>| JsonUpgrade {
            nanoseconds: result.as_ref().ok().map(nanoseconds),
            failure: result.as_ref().err().map(ToString::to_string),
        };
        let workers = report.workers.clone().map(|workers| {
            let WorkerComparison { kept, ended, started } = workers;
            JsonWorkers { kept, ended, started }
        });
        let events = report.events.iter().map(|event| JsonRehearsed::of(event, values));
        JsonRehearsal {
            program: report.program.to_string(),
            from: report.from,
            to: report.to,
            clean: report.is_clean(),
            upgrade: upgrade(&report.upgrade),
            upgrade_now: upgrade(&report.upgrade_now),
            workers,
            heaps: report.heaps,
            events: events.collect(),
        }
    }
}

impl JsonRehearsed {
    fn of(event: &RehearsedEvent, values: &mut ValueRenderer) -> JsonRehearsed {
        let mut outputs = |outputs: &[LoggedOutput]| {
            outputs.iter().map(|output| JsonOutput::of(output, values)).collect()
        };
        let missing_outputs = outputs(&event.missing_outputs);
        let added_outputs = outputs(&event.added_outputs);
        let answers = event.answers.as_ref().map(|answers| {
            let texts = answers.iter().map(|it| it.as_deref().map(|answer| values.text(answer)));
            texts.collect()
        });
        JsonRehearsed {
            event: event.event,
            inputs: event.inputs,
            worse: event.is_worse(),
            old: ending_text(&event.old),
            new: ending_text(&event.new),
            nanoseconds: [0, 1].map(|index| nanoseconds(&event.took[index])),
            missing_outputs,
            added_outputs,
            answers,
        }
    }
}

fn nanoseconds(duration: &Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
