//! Completion: names in scope, local names, modules, runes.

use crate::hover::description;
use crate::name_at::is_module_place;
use crate::runes::PRIMITIVE_RUNES;
use crate::text_position::TextLines;
use crate::words::{SourceWordKind, word_blocks};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionTextEdit, Documentation,
    MarkupContent, MarkupKind, TextEdit,
};
use serde_json::json;
use sire::{ModuleAnalysis, Sire, source_symbols};
use std::collections::BTreeSet;
use std::ops::Range;

/// The largest number of items of an answer.
const ITEMS_MAX: usize = 400;

/// Returns what can complete the word in front of a byte of a text.
pub(crate) fn completion(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    lines: &TextLines,
    byte: usize,
) -> CompletionList {
    let text = &*lines.text;
    let start = |is_part: fn(char) -> bool| text[..byte].trim_end_matches(is_part).len();
    let word = start(rex::chars::is_word_char)..byte;
    let rune = start(rex::chars::is_rune_char)..byte;
    let module = analysis.module_name().to_owned();
    let is_rune = word.is_empty() && !rune.is_empty() && !text[rune.clone()].ends_with('.');
    if is_rune {
        let names = sire.with_names_of(analysis, |sire| scope_names(sire, is_rune_text));
        let primitive = PRIMITIVE_RUNES.iter().map(|(rune, _)| (*rune).to_owned());
        let names = names.unwrap_or_default().into_iter().chain(primitive).collect();
        return list(lines, rune, names, CompletionItemKind::OPERATOR, &module);
    }
    if is_module_place(&text[..word.start]) {
        let names = sire.module_names().into_iter().collect();
        return list(lines, word, names, CompletionItemKind::MODULE, &module);
    }
    if let Some(qualifier) = qualifier(&text[..word.start]) {
        let prefix = format!("{qualifier}.");
        let names = sire
            .with_names_of(analysis, |sire| scope_names(sire, |name| name.starts_with(&prefix)));
        let own = |name: String| name[prefix.len()..].to_owned();
        let names = names.unwrap_or_default().into_iter().map(own).collect();
        return list(lines, word, names, CompletionItemKind::FIELD, &module);
    }
    let mut names: BTreeSet<String> = sire
        .with_names_of(analysis, |sire| scope_names(sire, rex::chars::is_word))
        .unwrap_or_default();
    names.extend(local_words(text, &word));
    // A definition that fails, or has not been executed yet, is in no scope.
    names.extend(source_symbols(text).into_iter().map(|symbol| symbol.name));
    list(lines, word, names, CompletionItemKind::FUNCTION, &module)
}

fn is_rune_text(name: &str) -> bool {
    rex::chars::is_rune(name)
}

fn scope_names(sire: &Sire, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    sire.names().into_iter().filter(|name| is_wanted(name)).collect()
}

/// Returns the qualifier in front of a word: `json` of `json.`.
fn qualifier(before: &str) -> Option<&str> {
    let before = before.strip_suffix('.')?;
    let start = before.trim_end_matches(rex::chars::is_word_char).len();
    (start < before.len()).then(|| &before[start..])
}

/// Returns the words of the block around a place. Those that bind local names are among them.
fn local_words(text: &str, place: &Range<usize>) -> Vec<String> {
    let blocks = word_blocks(text);
    let before = blocks.iter().rfind(|block| block.range().start <= place.start);
    let words = before.into_iter().flat_map(|block| &block.words);
    let names = words.filter(|word| word.kind == SourceWordKind::Name && word.range != *place);
    names.map(|word| text[word.range.clone()].to_owned()).collect()
}

fn list(
    lines: &TextLines,
    place: Range<usize>,
    names: BTreeSet<String>,
    kind: CompletionItemKind,
    module: &str,
) -> CompletionList {
    let prefix = lines.text[place.clone()].to_lowercase();
    let matching = names.into_iter().filter(|name| name.to_lowercase().starts_with(&prefix));
    let mut names: Vec<String> = matching.take(ITEMS_MAX + 1).collect();
    let is_incomplete = names.len() > ITEMS_MAX;
    names.truncate(ITEMS_MAX);
    let range = lines.range(place);
    let item = |name: String| CompletionItem {
        kind: Some(kind),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: name.clone() })),
        data: Some(json!({ "module": module, "name": name })),
        label: name,
        ..CompletionItem::default()
    };
    CompletionList { is_incomplete, items: names.into_iter().map(item).collect() }
}

/// Adds what is known of the name of an item.
pub(crate) fn resolved(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    mut item: CompletionItem,
) -> CompletionItem {
    let name = item.label.clone();
    let found = sire.with_names_of(analysis, |sire| description(sire, &name)).flatten();
    if let Some(value) = found {
        let content = MarkupContent { kind: MarkupKind::Markdown, value };
        item.documentation = Some(Documentation::MarkupContent(content));
    }
    item
}
