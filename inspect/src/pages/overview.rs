//! The machine as a whole, and the use of its disk.

use super::layout::{Page, bytes, call_list, number, state_link, table, time};
use crate::question::PageError;
use crate::reading::StoreReading;
use machine::ReplayStatus;
use maud::{Markup, html};

/// The machine: whether it runs, its last event, its status, and live charts.
pub(super) fn overview(reading: &mut StoreReading<'_>) -> Result<Page, PageError> {
    let (first, last) = (reading.history.first(), reading.history.last());
    let newest = match last {
        // No event has happened yet.
        0 => None,
        _ => reading.history.events(last, last).map_err(PageError::store)?.next(),
    };
    let newest = newest.transpose().map_err(PageError::store)?;
    let is_running = reading.store.is_running();
    let directory = reading.directory.display().to_string();
    let replay = reading.state_after(last)?;
    let status = match replay.status() {
        ReplayStatus::Running => "the cog takes events",
        ReplayStatus::Finished => "the cog asks for no worker",
        ReplayStatus::Crashed => "the cog has crashed",
    };
    let hash = replay.state_hash().map_err(PageError::store)?;
    let slots = replay.cog().workers.and_then(|row| row.as_row()).map_or(0, |row| row.len());
    let events = match last {
        0 => "none".to_owned(),
        _ => format!("{} in all; the log has those since {}", number(last), number(first)),
    };
    let crashed = replay.status() == ReplayStatus::Crashed;
    let calls = newest.as_ref().filter(|_| crashed).map_or(&[][..], |event| event.ending.calls());
    let time_of_newest = newest.as_ref().map_or_else(|| "none".into(), |event| time(event.time));
    let mut facts: Vec<(&str, Markup)> = vec![
        ("Store", html! { code { (directory) } }),
        ("Machine", html! { (if is_running { "running" } else { "stopped" }) }),
        ("Status", html! { (status) }),
        ("Events", html! { (events) }),
        ("Last event", html! { (time_of_newest) }),
        ("State", html! { (state_link(last, &hash.to_string())) }),
        ("Slots of workers", html! { a href="workers" { (number(slots as u64)) } }),
    ];
    if !calls.is_empty() {
        facts.push(("Calls of the crash", call_list(calls)));
    }
    let body = html! {
        dl { @for (name, value) in &facts { dt { (name) } dd { (value) } } }
        @if is_running {
            h2 { "Live" }
            div #charts aria-live="off" { noscript { "Charts need JavaScript." } }
            script src="live.js" defer {}
        } @else {
            p { "The machine does not run, so there are no live charts." }
        }
    };
    Ok(Page { title: "Overview".into(), body })
}

/// The use of the disk.
pub(super) fn disk(reading: &mut StoreReading<'_>) -> Result<Page, PageError> {
    let usage = reading.store.inspection.usage().map_err(PageError::store)?;
    let row = |name: &str, count: u64, size: u64| {
        vec![html! { (name) }, html! { (number(count)) }, html! { (bytes(size)) }]
    };
    let rows = [
        row("Segments of the log", usage.log_segments, usage.log_bytes),
        row("Spare files", usage.spare_files, usage.spare_bytes),
        row("Files of pins", usage.body_files, usage.body_bytes),
        row("Segments of the catalogue", usage.catalogue_segments, usage.catalogue_bytes),
        row("Files of the index", usage.index_files, usage.index_bytes),
        row("Inputs that were set aside", usage.set_aside_files, usage.set_aside_bytes),
        row("Pins", usage.pins, usage.pin_bytes),
        row("Pins that several snapshots share", usage.shared_pins, usage.shared_bytes),
        row("Pins that are garbage", usage.garbage_pins, usage.garbage_bytes),
    ];
    let snapshots: Vec<Vec<Markup>> = usage
        .snapshots
        .iter()
        .map(|used| {
            let event = used.snapshot.covers.0;
            vec![
                html! { (number(used.snapshot.generation)) },
                state_link(event, &format!("event {event}")),
                html! { (number(used.pins)) },
                html! { (bytes(used.bytes)) },
                html! { (bytes(used.own_bytes)) },
            ]
        })
        .collect();
    let heads = ["Snapshot", "State after", "Pins", "Size", "Size of its own"];
    let body = html! {
        (table(&["Part", "Count", "Size"], &rows))
        h2 { "Snapshots" }
        (table(&heads, &snapshots))
    };
    Ok(Page { title: "Disk".into(), body })
}
