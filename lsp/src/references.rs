//! References: where a name is used.

use crate::name_at::NameAt;
use crate::words::{SourceWordKind, word_blocks};
use sire::{ModuleAnalysis, NameTarget};
use std::ops::Range;

/// Returns what the name at a byte refers to, if the text has been executed.
pub(crate) fn target_at(analysis: &ModuleAnalysis, byte: usize) -> Option<NameTarget> {
    let text = analysis.text();
    NameAt::find(analysis, text, byte)?.resolved.map(|resolved| resolved.target)
}

/// Returns the places of an analysed text that refer to a target, without those that bind it unless
/// `with_definition`.
pub(crate) fn places_of(
    analysis: &ModuleAnalysis,
    target: &NameTarget,
    with_definition: bool,
) -> Vec<Range<usize>> {
    analysis
        .uses()
        .filter(|name| name.target == *target && (with_definition || !name.is_definition))
        .map(|name| name.range.clone())
        .collect()
}

/// Returns the words of a text with this spelling, outside of comments and texts, and with each the
/// bytes of its block.
pub(crate) fn spelled(text: &str, name: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    for block in word_blocks(text) {
        let range = block.range();
        let is_it = |word: &&crate::words::SourceWord| {
            word.kind == SourceWordKind::Name && text[word.range.clone()] == *name
        };
        found.extend(
            block.words.iter().filter(is_it).map(|word| (word.range.clone(), range.clone())),
        );
    }
    found
}
