//! Rename: gives a name another spelling, if every place that would change is known.
//!
//! Macros decide what a word means. A word with the old spelling that the analysis knows nothing about
//! may or may not be the same name, so it makes the rename fail, with its place.

use crate::references::{places_of, spelled};
use sire::{ModuleAnalysis, NameTarget};
use std::ops::Range;

/// Checks that a spelling can be a name.
///
/// # Errors
///
/// The reason why it cannot.
pub(crate) fn check_spelling(new: &str) -> Result<(), String> {
    if !rex::chars::is_word(new) || new.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("`{new}` is no name: it takes letters, digits and `_`"));
    }
    Ok(())
}

/// Returns the places of an analysed text that a rename changes.
///
/// # Errors
///
/// The reason why the text cannot be renamed: a word of unknown meaning, or a clash.
pub(crate) fn renamed_places(
    analysis: &ModuleAnalysis,
    target: &NameTarget,
    old: &str,
    new: &str,
) -> Result<Vec<Range<usize>>, String> {
    let text = analysis.text();
    let line = |byte: usize| text[..byte].matches('\n').count() + 1;
    // An alias or another module's name with this spelling is another name.
    let places: Vec<Range<usize>> = places_of(analysis, target, true)
        .into_iter()
        .filter(|range| text[range.clone()] == *old)
        .collect();
    let is_known = |range: &Range<usize>| analysis.uses().any(|name| name.range == *range);
    let is_in_scope = |block: &Range<usize>| match target {
        NameTarget::Local { binder } => block.contains(&binder.start),
        NameTarget::Global { .. } => true,
    };
    for (range, block) in spelled(text, old) {
        if is_in_scope(&block) && !is_known(&range) {
            return Err(format!(
                "line {}: it is not known what `{old}` means there",
                line(range.start)
            ));
        }
    }
    if places.is_empty() {
        return Ok(places);
    }
    for (range, block) in spelled(text, new) {
        if is_in_scope(&block) {
            return Err(format!("line {} has the name `{new}` already", line(range.start)));
        }
    }
    Ok(places)
}
