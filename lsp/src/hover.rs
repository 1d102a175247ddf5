//! Hover: what is known of a name.

use crate::name_at::NameAt;
use crate::runes;
use crate::text_position::TextLines;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};
use sire::{ModuleAnalysis, NameInfo, NameTarget, Sire};

/// The largest number of lines of a value that are shown.
const VALUE_LINES_MAX: usize = 12;
/// The largest size of a value's text, in bytes.
const VALUE_BYTES_MAX: u64 = 2000;
/// The largest number of bytes of the first line of a definition.
const HEAD_MAX: usize = 160;

/// Returns what is known of the name at a byte of a text.
pub(crate) fn hover(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    lines: &TextLines,
    byte: usize,
) -> Option<Hover> {
    let name = NameAt::find(analysis, &lines.text, byte)?;
    let range = lines.range(name.range.clone());
    let markdown = match name.resolved.as_ref().map(|resolved| &resolved.target) {
        Some(NameTarget::Local { binder }) => {
            let line = lines.position(binder.start).line + 1;
            let word = &lines.text[name.range.clone()];
            format!("`{word}`: a local name, bound in line {line}")
        }
        _ => describe(sire, analysis, &name, &lines.text)?,
    };
    let contents = MarkupContent { kind: MarkupKind::Markdown, value: markdown };
    Some(Hover { contents: HoverContents::Markup(contents), range: Some(range) })
}

fn describe(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    name: &NameAt,
    text: &str,
) -> Option<String> {
    let known = sire.with_names_of(analysis, |sire| {
        let spelling = name.in_scope(sire)?.to_owned();
        description(sire, &spelling)
    });
    // A macro may take a primitive rune over, and mostly adds to its meaning.
    let rune = runes::meaning(&text[name.range.clone()]).map(str::to_owned);
    match (rune, known.flatten()) {
        (Some(rune), Some(known)) => Some(format!("{rune}\n\n{known}")),
        (rune, known) => known.or(rune),
    }
}

/// Returns what is known of a name in scope, as Markdown.
pub(crate) fn description(sire: &mut Sire, name: &str) -> Option<String> {
    let info = sire.describe(name)?;
    let mut code = String::new();
    let source = info.source.as_ref();
    if let Some(ty) = sire.known_type(name) {
        code += &format!("{name} : {ty}\n");
    }
    if let Some(source) = source {
        let head = source.text.lines().next().unwrap_or_default();
        let end = crate::text_position::floor_boundary(head, HEAD_MAX);
        code += &head[..end];
    }
    let mut parts = Vec::new();
    if !code.is_empty() {
        parts.push(fenced(code.trim_end()));
    }
    if let Some(source) = source.filter(|source| !source.doc.is_empty()) {
        parts.push(source.doc.clone());
    }
    if info.arity.is_none()
        && let Some(value) = sire.value_text(name, VALUE_BYTES_MAX)
    {
        parts.push(fenced(&shortened(&value)));
    }
    parts.push(facts(&info));
    Some(parts.join("\n\n"))
}

/// Returns code as Markdown. The fence is longer than those in the code.
fn fenced(code: &str) -> String {
    let fence = if code.contains("```") { "`````" } else { "```" };
    format!("{fence}sire\n{code}\n{fence}")
}

fn shortened(value: &str) -> String {
    let count = value.lines().count();
    let mut text = value.lines().take(VALUE_LINES_MAX).collect::<Vec<_>>().join("\n");
    if count > VALUE_LINES_MAX {
        text += &format!("\n; lines left out: {}", count - VALUE_LINES_MAX);
    }
    text
}

fn facts(info: &NameInfo) -> String {
    let mut facts = Vec::new();
    match info.arity {
        Some(1) => facts.push("function of 1 argument".to_owned()),
        Some(arity) => facts.push(format!("function of {arity} arguments")),
        None => {}
    }
    if let Some(jet) = info.jet {
        facts.push(format!("jet `{jet}`"));
    }
    if !info.module.is_empty() {
        facts.push(format!("module `{}`", info.module));
    }
    facts.join(", ")
}
