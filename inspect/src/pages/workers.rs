//! The workers that the cog asks for.

use super::layout::{Page, number, table};
use crate::question::PageError;
use crate::reading::StoreReading;
use crate::tree::short_text;
use machine::control::ControlClient;
use machine::{WorkerCalls, WorkerRef};
use maud::{Markup, html};

/// The number of slots on a page.
const SLOTS: usize = 200;

/// The bytes of the text of a worker.
const WORKER_BYTES: u64 = 300;

/// The workers after the last event.
pub(super) fn workers(reading: &mut StoreReading<'_>, from: usize) -> Result<Page, PageError> {
    let event = reading.history.last();
    // A machine that has stopped since has no open calls any more.
    let open = match reading.store.is_running() {
        true => ControlClient::connect(reading.directory)
            .and_then(|mut client| client.calls())
            .unwrap_or_default(),
        false => Vec::new(),
    };
    let cog = reading.state_after(event)?.cog();
    let slots = cog.workers.and_then(|row| row.as_row());
    let count = slots.map_or(0, |slots| slots.len());
    let end = from.saturating_add(SLOTS).min(count);
    let rows: Vec<Vec<Markup>> = (from..end)
        .filter_map(|slot| Some((slot, slots?.get(slot)?)))
        .map(|(slot, value)| {
            let (kind, shown) = match WorkerRef::of(value) {
                Some(WorkerRef::Driver(driver)) => ("driver", driver),
                Some(WorkerRef::Job(job)) => ("job", job),
                None => ("none", value),
            };
            vec![
                html! { (slot) },
                html! { (kind) },
                html! { (open_calls(&open, slot as u64)) },
                html! { code { (short_text(shown, WORKER_BYTES)) } },
            ]
        })
        .collect();
    let body = html! {
        p { "The slots after event " (number(event)) "." }
        @if count == 0 { p { "The cog has none." } }
        @else { (table(&["Slot", "Worker", "Open calls", "Value"], &rows)) }
        p.pages {
            @if from > 0 { a href={ "workers?from=" (from.saturating_sub(SLOTS)) } { "previous" } " " }
            @if end < count { a href={ "workers?from=" (end) } { "next" } }
        }
    };
    Ok(Page { title: "Workers".into(), body })
}

/// The open calls of the driver in a slot, as text.
fn open_calls(open: &[WorkerCalls], slot: u64) -> String {
    let found = open.binary_search_by_key(&slot, |driver| driver.slot);
    let calls = found.map_or(&[][..], |index| &open[index].calls);
    let texts: Vec<String> =
        calls.iter().map(|call| format!("{} ({})", call.device, call.key)).collect();
    texts.join(", ")
}
