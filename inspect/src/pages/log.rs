//! The events: a list, and each one with its inputs, its outputs and what it changed.

use super::layout::{Page, call_list, number, state_link, table, time};
use crate::question::PageError;
use crate::reading::StoreReading;
use crate::tree::one_line;
use machine::{DiffLimit, LoggedEvent, LoggedInput, StateDiff};
use maud::{Markup, html};

/// The number of events on a page.
const EVENTS: u64 = 50;

/// The number of changes that are shown of an event.
const CHANGES: usize = 100;

/// The number of characters of an input in the list.
const INPUT_CHARACTERS: usize = 160;

/// The events before one, the newest first.
pub(super) fn log(reading: &mut StoreReading<'_>, before: Option<u64>) -> Result<Page, PageError> {
    let (oldest, newest) = (reading.history.first(), reading.history.last());
    let last = before.map_or(newest, |before| before.saturating_sub(1)).min(newest);
    let first = (last + 1).saturating_sub(EVENTS).max(oldest).max(1);
    let mut events: Vec<LoggedEvent> = Vec::new();
    if first <= last {
        for event in reading.history.events(first, last).map_err(PageError::store)? {
            events.push(event.map_err(PageError::store)?);
        }
    }
    let mut rows = Vec::new();
    for event in events.iter().rev() {
        let inputs: Vec<String> = event
            .inputs
            .iter()
            .map(|input| {
                let (text, is_whole) = one_line(&input_text(reading, input), INPUT_CHARACTERS);
                format!("{}: {text}{}", input.origin(), if is_whole { "" } else { "…" })
            })
            .collect();
        rows.push(vec![
            html! { a href={ "event?number=" (event.event) } { (number(event.event)) } },
            html! { time { (time(event.time)) } },
            html! { (event.ending.text(|seed| reading.text(seed))) },
            html! { @for input in inputs { div { code { (input) } } } },
        ]);
    }
    let body = html! {
        @if rows.is_empty() { p { "The log has no events here." } }
        @else { (table(&["Event", "Time", "Ending", "Inputs"], &rows)) }
        p.pages {
            @if last < newest { a href={ "log?before=" (last + EVENTS + 1) } { "newer" } " " }
            @if first > oldest { a href={ "log?before=" (first) } { "older" } }
        }
    };
    Ok(Page { title: "Events".into(), body })
}

/// One event.
pub(super) fn event(reading: &mut StoreReading<'_>, event: u64) -> Result<Page, PageError> {
    let (oldest, newest) = (reading.history.first(), reading.history.last());
    if !(oldest..=newest).contains(&event) || event == 0 {
        let message = format!("The log has the events from {oldest} to {newest}, not {event}.");
        return Err(PageError::Missing(message));
    }
    let logged = reading.history.events(event, event).map_err(PageError::store)?.next();
    let logged = logged.transpose().map_err(PageError::store)?;
    let Some(logged) = logged else {
        return Err(PageError::Missing(format!("The log does not have event {event}.")));
    };
    let ending = logged.ending.text(|seed| reading.text(seed));
    let mut inputs = Vec::new();
    for input in &logged.inputs {
        let text = input_text(reading, input);
        inputs.push(vec![html! { (input.origin()) }, html! { pre { (text) } }]);
    }
    let is_reachable = event > reading.history.first_state();
    let replayed = if is_reachable { Some(replayed(reading, event)?) } else { None };
    let body = html! {
        p {
            (time(logged.time)) ": the event " (ending) ". Its record has "
            (number(logged.size as u64)) " bytes."
        }
        p.pages {
            @if event > oldest.max(1) { a href={ "event?number=" (event - 1) } { "previous" } " " }
            @if event < newest { a href={ "event?number=" (event + 1) } { "next" } " " }
            @if is_reachable { (state_link(event - 1, "state before")) " " (state_link(event, "state after")) }
        }
        @if !logged.ending.calls().is_empty() {
            h2 { "Calls of the crash, innermost first" }
            (call_list(logged.ending.calls()))
        }
        h2 { "Inputs" }
        @if inputs.is_empty() { p { "None." } } @else { (table(&["From", "Value"], &inputs)) }
        @if let Some(replayed) = replayed { (replayed) }
        @else { p { "No snapshot that is kept leads to the state before this event." } }
    };
    Ok(Page { title: format!("Event {}", number(event)), body })
}

/// What a replay adds to an event: its outputs, and what it changed.
fn replayed(reading: &mut StoreReading<'_>, event: u64) -> Result<Markup, PageError> {
    let mut found = None;
    let limit = DiffLimit { changes: CHANGES };
    let mut render = |value: plan::Ref<'_>| crate::tree::short_text(value, 400);
    let diff = reading
        .state_after(event - 1)?
        .diff_visiting(event, limit, &mut render, |replayed| found = Some(replayed))
        .map_err(PageError::store)?;
    let Some(found) = found else {
        return Err(PageError::Missing(format!("Event {event} cannot be replayed.")));
    };
    let mut outputs = Vec::new();
    for output in &found.outputs {
        let text = reading.text(&output.message);
        let to = format!("driver {}, request {}", output.slot, output.key);
        outputs.push(vec![html! { (to) }, html! { pre { (text) } }]);
    }
    Ok(html! {
        h2 { "Outputs" }
        @if outputs.is_empty() { p { "None." } } @else { (table(&["To", "Message"], &outputs)) }
        h2 { "Changes of the state" }
        (changes(&diff))
        p { "The evaluation took " (format!("{:.2?}", found.took)) " in this replay." }
    })
}

fn changes(diff: &StateDiff) -> Markup {
    let part = |text: &Option<String>, class: &str| match text {
        Some(text) => html! { code class=(class) { (text) } },
        None => html! {},
    };
    let rows: Vec<Vec<Markup>> = diff
        .changes
        .iter()
        .map(|change| {
            let path = change.path.join(" / ");
            vec![html! { (path) }, part(&change.old, "old"), part(&change.new, "new")]
        })
        .collect();
    html! {
        @if rows.is_empty() { p { "None." } } @else { (table(&["Part", "Before", "After"], &rows)) }
        @if diff.more > 0 { p { "And " (diff.more) " more." } }
    }
}

fn input_text(reading: &mut StoreReading<'_>, input: &LoggedInput) -> String {
    match &input.value {
        Some(value) => reading.text(value),
        None => "(not in the log)".into(),
    }
}
