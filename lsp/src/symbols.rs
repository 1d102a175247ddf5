//! The definitions of a text as symbols.

use crate::documents::OpenDocument;
use crate::file_uri::uri_of;
use crate::text_position::TextLines;
use lsp_types::OneOf;
use lsp_types::{
    DocumentSymbol, Location, Range, SymbolKind, WorkspaceSymbol, WorkspaceSymbolResponse,
};
use sire::{SourceSymbol, source_symbols};
use std::path::{Path, PathBuf};

/// The largest number of symbols in an answer about all files.
const SYMBOLS_MAX: usize = 500;
/// The largest number of files that are searched.
pub(crate) const FILES_MAX: usize = 2000;

/// Returns the symbols of a text.
pub(crate) fn document_symbols(lines: &TextLines) -> Vec<DocumentSymbol> {
    source_symbols(&lines.text).iter().map(|symbol| document_symbol(lines, symbol)).collect()
}

fn document_symbol(lines: &TextLines, symbol: &SourceSymbol) -> DocumentSymbol {
    let (range, selection_range) = places(lines, symbol);
    #[allow(deprecated, reason = "the field is required by the type")]
    DocumentSymbol {
        name: symbol.name.clone(),
        detail: symbol.arguments.as_ref().map(|rest| format!("({} {rest})", symbol.name)),
        kind: kind(symbol),
        tags: None,
        deprecated: None,
        range,
        selection_range,
        children: None,
    }
}

fn kind(symbol: &SourceSymbol) -> SymbolKind {
    match symbol.arguments {
        Some(_) => SymbolKind::FUNCTION,
        None => SymbolKind::CONSTANT,
    }
}

/// Returns the range of a definition, and that of its name.
fn places(lines: &TextLines, symbol: &SourceSymbol) -> (Range, Range) {
    let start = lines.line_start(symbol.line - 1);
    let last = symbol.line - 1 + symbol.line_count - 1;
    let end = (lines.line_start(last) + lines.line(last).len()).max(start);
    let definition = &lines.text[start..end];
    let name = name_in(definition, &symbol.name).unwrap_or(0..0);
    (lines.range(start..end), lines.range(start + name.start..start + name.end))
}

/// Returns the first place of a name in a text, as a word of its own.
pub(crate) fn name_in(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let is_word = |c: char| rex::chars::is_word_char(c);
    let is_own =
        |at: usize| !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word);
    let found = text.match_indices(name).map(|(at, _)| at).find(|at| is_own(*at))?;
    Some(found..found + name.len())
}

/// Returns the symbols of all files whose names contain a text, in any case.
pub(crate) fn workspace_symbols(
    query: &str,
    roots: &[PathBuf],
    open: &[OpenDocument],
) -> WorkspaceSymbolResponse {
    let query = query.to_lowercase();
    let unit = crate::text_position::ColumnUnit::Utf16;
    let mut found = Vec::new();
    let saved = module_files(roots).into_iter().filter_map(|path| {
        let is_open = open.iter().any(|document| document.path == path);
        let text = if is_open { None } else { std::fs::read_to_string(&path).ok() }?;
        Some((uri_of(&path)?, TextLines::new(text.into(), unit)))
    });
    let opened = open.iter().map(|document| (document.uri.clone(), document.lines.clone()));
    for (uri, lines) in opened.chain(saved) {
        for symbol in source_symbols(&lines.text) {
            if found.len() < SYMBOLS_MAX && symbol.name.to_lowercase().contains(&query) {
                let (_, range) = places(&lines, &symbol);
                found.push(WorkspaceSymbol {
                    kind: kind(&symbol),
                    name: symbol.name,
                    tags: None,
                    container_name: None,
                    location: OneOf::Left(Location::new(uri.clone(), range)),
                    data: None,
                });
            }
        }
    }
    WorkspaceSymbolResponse::Nested(found)
}

/// Returns the files of modules in some folders and the folders below, in the order of their paths.
/// Hidden folders and links are left out.
pub(crate) fn module_files(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut pending: Vec<PathBuf> = roots.to_vec();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            let is_skipped = is_hidden || is_build_folder(&path);
            if kind.is_dir() && !is_skipped {
                pending.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|found| found == "sire") {
                files.push(path);
            }
        }
        if files.len() > FILES_MAX {
            break;
        }
    }
    files.sort();
    files.dedup();
    files
}

/// Returns whether a folder has no sources.
fn is_build_folder(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "target" || name == "node_modules")
}
