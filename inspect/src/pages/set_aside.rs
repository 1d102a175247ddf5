//! The inputs that were set aside.

use super::layout::{Page, bytes, number, table, time};
use crate::question::PageError;
use crate::reading::StoreReading;
use machine::SetAsideInput;
use maud::{Markup, html};

/// The inputs, with the reason of each.
pub(super) fn set_aside(reading: &mut StoreReading<'_>) -> Result<Page, PageError> {
    let list = reading.store.inspection.set_aside_inputs().map_err(PageError::store)?;
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    for record in &list.records {
        let row = match SetAsideInput::decode(&record.payload) {
            Ok(input) => vec![
                html! { "driver " (input.slot) },
                html! { "after event " (number(input.after)) ", " (time(input.time)) },
                html! { (input.reason) },
                html! { (bytes(input.size() as u64)) },
                html! { code { (reading.text(input.value())) } },
            ],
            Err(error) => vec![html! { "unreadable" }, html! {}, html! { (error) }],
        };
        rows.push(row);
    }
    let body = html! {
        @if rows.is_empty() { p { "No input is set aside." } }
        @else { (table(&["From", "When", "Why", "Size", "Value"], &rows)) }
        @for damage in &list.damaged {
            p.error { (damage.path.display().to_string()) ": " (damage.reason) }
        }
    };
    Ok(Page { title: "Inputs that were set aside".into(), body })
}
