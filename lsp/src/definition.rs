//! Go to definition: where a name is bound.

use crate::file_uri::uri_of;
use crate::library_files::LibraryFiles;
use crate::name_at::NameAt;
use crate::symbols::name_in;
use crate::text_position::{ColumnUnit, TextLines};
use lsp_types::{Location, Uri};
use sire::{ModuleAnalysis, NameTarget, Sire, source_symbols};
use std::ops::Range;

/// What an answer needs beside the session.
pub(crate) struct AnswerContext<'a> {
    pub(crate) library: &'a LibraryFiles,
    pub(crate) unit: ColumnUnit,
}

/// A text with its address.
#[derive(Clone, Copy)]
pub(crate) struct TextAt<'a> {
    pub(crate) uri: &'a Uri,
    pub(crate) lines: &'a TextLines,
}

/// Returns where the name at a byte of a text is bound.
pub(crate) fn definition(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    context: &AnswerContext<'_>,
    text: TextAt<'_>,
    byte: usize,
) -> Option<Location> {
    let name = NameAt::find(analysis, &text.lines.text, byte)?;
    if let Some(module) = &name.module {
        return sire
            .with_names_of(analysis, |sire| module_location(sire, context, module, |_| Some(0..0)))
            .flatten();
    }
    let target = match name.resolved {
        Some(resolved) => resolved.target,
        None => sire
            .with_names_of(analysis, |sire| {
                let spelling = name.in_scope(sire)?;
                let module = sire.describe(spelling)?.module;
                let name = spelling.rsplit_once('.').map_or(spelling, |(_, name)| name).to_owned();
                Some(NameTarget::Global { module, name })
            })
            .flatten()?,
    };
    location_of(sire, analysis, context, text, &target)
}

/// Returns where a target is bound.
fn location_of(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    context: &AnswerContext<'_>,
    text: TextAt<'_>,
    target: &NameTarget,
) -> Option<Location> {
    let here = |range: Range<usize>| Location::new(text.uri.clone(), text.lines.range(range));
    match target {
        NameTarget::Local { binder } => Some(here(binder.clone())),
        NameTarget::Global { module, name } if module == analysis.module_name() => {
            let is_binder = |found: &&sire::NameUse| found.is_definition && found.target == *target;
            let found = match **analysis.text() == *text.lines.text {
                true => analysis.uses().filter(is_binder).last().map(|found| found.range.clone()),
                false => None,
            };
            found.or_else(|| defined_in(&text.lines.text, name)).map(here)
        }
        NameTarget::Global { module, name } => sire
            .with_names_of(analysis, |sire| {
                module_location(sire, context, module, |text| defined_in(text, name))
            })
            .flatten(),
    }
}

/// Returns a place in the source of another module.
fn module_location(
    sire: &Sire,
    context: &AnswerContext<'_>,
    module: &str,
    place: impl FnOnce(&str) -> Option<Range<usize>>,
) -> Option<Location> {
    let (path, source) = sire.module_text(module)?;
    let uri = uri_of(&context.library.path_of(&path)?)?;
    let range = place(&source).unwrap_or(0..0);
    let lines = TextLines::new(source.into(), context.unit);
    Some(Location::new(uri, lines.range(range)))
}

/// Returns where a text defines a name: its last definition, or else, because a macro may define it,
/// the first place that has it.
fn defined_in(text: &str, name: &str) -> Option<Range<usize>> {
    let symbol = source_symbols(text).into_iter().rfind(|symbol| symbol.name == name);
    let Some(symbol) = symbol else { return name_in(text, name) };
    let start: usize = text.split_inclusive('\n').take(symbol.line - 1).map(str::len).sum();
    let found = name_in(&text[start..], name)?;
    Some(start + found.start..start + found.end)
}
