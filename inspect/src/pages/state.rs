//! A state as a tree: one part of it, and the parts of that.

use super::layout::{Page, number};
use crate::question::PageError;
use crate::reading::StoreReading;
use crate::tree::{Parts, kind, locate, pin_hash, referenced_pins, short_text, size};
use machine::CogParts;
use maud::{Markup, html};
use plan::{Ref, Shape};

/// The number of parts on a page.
const PARTS: usize = 100;

/// The number of pins that are listed of a pin.
const PINS: usize = 50;

/// The bytes of the text of a part in the list, and of the whole part above it.
const PART_BYTES: u64 = 120;
const WHOLE_BYTES: u64 = 2000;

/// A part of the state after an event.
pub(super) fn state(
    reading: &mut StoreReading<'_>,
    event: Option<u64>,
    path: &[usize],
    from: usize,
) -> Result<Page, PageError> {
    let event = event.unwrap_or(reading.history.last());
    let replay = reading.state_after(event)?;
    let Some(located) = locate(root(replay.cog()), path) else {
        return Err(PageError::Missing("The state has no such part.".into()));
    };
    let body = html! {
        p { "After event " a href={ "event?number=" (event) } { (number(event)) } "." }
        (way(event, path, &located.names))
        @if let Some(value) = located.value { (whole(value)) }
        (parts(event, path, from, &located.parts))
    };
    Ok(Page { title: "State".into(), body })
}

/// The parts of a cog by their names.
fn root(cog: CogParts<'_>) -> Parts<'_> {
    let CogParts { state, reads, workers, cog } = cog;
    let named = [("state", state), ("reads", reads), ("workers", workers), ("cog", Some(cog))];
    Parts::Named(named.into_iter().filter_map(|(name, part)| Some((name, part?))).collect())
}

/// The address of a part.
fn address(event: u64, path: &[usize]) -> String {
    let path: Vec<String> = path.iter().map(usize::to_string).collect();
    format!("state?event={event}&path={}", path.join("."))
}

/// The parts on the way to a part, as links.
fn way(event: u64, path: &[usize], names: &[String]) -> Markup {
    html! {
        p.way {
            a href=(address(event, &[])) { "machine" }
            @for (depth, name) in names.iter().enumerate() {
                " / " a href=(address(event, &path[..=depth])) { (name) }
            }
        }
    }
}

/// A part as a whole.
fn whole(value: Ref<'_>) -> Markup {
    let pins = match value.shape() {
        Shape::Pin(pin) => Some(referenced_pins(pin.item(), PINS)),
        _ => None,
    };
    html! {
        dl {
            dt { "Kind" } dd { (kind(value)) }
            dt { "Size" } dd { (size_text(value)) }
            @if let Some(hash) = pin_hash(value) { dt { "Hash" } dd { code { (hash) } } }
            @if let Some(pins) = &pins {
                dt { "Refers to pins" }
                dd {
                    @if pins.is_empty() { "none" }
                    @for hash in pins { div { code { (hash) } } }
                    @if pins.len() == PINS { "…" }
                }
            }
        }
        pre { (short_text(value, WHOLE_BYTES)) }
    }
}

/// The parts of a part, some of them.
fn parts(event: u64, path: &[usize], from: usize, parts: &Parts<'_>) -> Markup {
    let count = parts.len();
    let end = from.saturating_add(PARTS).min(count);
    let shown: Vec<(usize, String, Ref<'_>)> = (from..end)
        .filter_map(|index| parts.get(index).map(|(name, value)| (index, name, value)))
        .collect();
    let same_as = |at: usize| {
        let (_, _, value) = shown[at];
        let is_object = !matches!(value.shape(), Shape::Nat(_));
        shown[..at].iter().find(|(_, _, other)| is_object && other.is_same(value))
    };
    let mut inner = path.to_vec();
    let rows: Vec<Vec<Markup>> = shown
        .iter()
        .enumerate()
        .map(|(at, (index, name, value))| {
            inner.push(*index);
            let link = address(event, &inner);
            inner.pop();
            vec![
                html! { a href=(link) { (name) } },
                html! { (kind(*value)) },
                html! { (size_text(*value)) },
                html! {
                    @if let Some((_, name, _)) = same_as(at) { "the same object as " (name) ": " }
                    code { (short_text(*value, PART_BYTES)) }
                },
            ]
        })
        .collect();
    let page_link = |from: usize| format!("{}&from={from}", address(event, path));
    html! {
        @if count > 0 {
            h2 { "Parts" }
            (super::layout::table(&["Part", "Kind", "Size", "Value"], &rows))
            p.pages {
                @if from > 0 { a href=(page_link(from.saturating_sub(PARTS))) { "previous" } " " }
                (number(from as u64)) " to " (number(end as u64)) " of " (number(count as u64)) " "
                @if end < count { a href=(page_link(end)) { "next" } }
            }
        }
    }
}

fn size_text(value: Ref<'_>) -> String {
    match size(value) {
        Some(size) => format!("{} parts", number(size)),
        None => "more than can be counted here".into(),
    }
}
