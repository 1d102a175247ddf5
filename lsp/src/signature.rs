//! Signature help: the function of the call that one writes, with the argument at the cursor.

use crate::call_site::CallSite;
use crate::text_position::TextLines;
use lsp_types::{
    Documentation, MarkupContent, MarkupKind, ParameterInformation, ParameterLabel, SignatureHelp,
    SignatureInformation,
};
use sire::{ModuleAnalysis, NameInfo, Sire};

/// The largest number of parameters that are shown.
const PARAMETERS_MAX: u64 = 40;

/// Returns the signature of the innermost call around a byte of a text, if its function is known.
pub(crate) fn signature_help(
    sire: &mut Sire,
    analysis: &mut ModuleAnalysis,
    lines: &TextLines,
    byte: usize,
) -> Option<SignatureHelp> {
    let site = CallSite::find(&lines.text, byte)?;
    let name = &lines.text[site.function.clone()];
    let signature = sire.with_names_of(analysis, |sire| signature_of(sire, name)).flatten()?;
    let count = signature.parameters.as_ref().map_or(0, Vec::len);
    let active = site.active.filter(|active| *active < count);
    Some(SignatureHelp {
        active_parameter: active.and_then(|active| u32::try_from(active).ok()),
        signatures: vec![signature],
        active_signature: Some(0),
    })
}

/// Returns the signature of a function in scope.
fn signature_of(sire: &mut Sire, name: &str) -> Option<SignatureInformation> {
    let info = sire.describe(name)?;
    let arity = info.arity.filter(|arity| (1..=PARAMETERS_MAX).contains(arity))?;
    let names = parameter_names(&info, name, arity);
    let mut label = format!("({name}");
    let mut parameters = Vec::new();
    for name in names {
        label.push(' ');
        let start = utf16_length(&label);
        label += &name;
        let place = ParameterLabel::LabelOffsets([start, utf16_length(&label)]);
        parameters.push(ParameterInformation { label: place, documentation: None });
    }
    label.push(')');
    Some(SignatureInformation {
        label,
        documentation: documentation(sire, &info, name),
        parameters: Some(parameters),
        active_parameter: None,
    })
}

/// The type and the comment of a function, as Markdown.
fn documentation(sire: &mut Sire, info: &NameInfo, name: &str) -> Option<Documentation> {
    let mut parts = Vec::new();
    if let Some(ty) = sire.known_type(name) {
        parts.push(format!("```sire\n{name} : {ty}\n```"));
    }
    if let Some(source) = info.source.as_ref().filter(|source| !source.doc.is_empty()) {
        parts.push(source.doc.clone());
    }
    let content = MarkupContent { kind: MarkupKind::Markdown, value: parts.join("\n\n") };
    (!parts.is_empty()).then_some(Documentation::MarkupContent(content))
}

/// Returns the names of the parameters, as its definition has them; `a`, `b` and so on if the
/// definition is not known, or has others than the function.
fn parameter_names(info: &NameInfo, name: &str, arity: u64) -> Vec<String> {
    let own = name.rsplit('.').next().unwrap_or(name);
    let written = info.source.as_ref().and_then(|source| written_parameters(&source.text, own));
    match written {
        Some(names) if names.len() as u64 == arity => names,
        _ => (0..arity).map(|index| letter_name(index as u8)).collect(),
    }
}

/// Returns the parameters in the head of a definition: those in front of its first `)`.
fn written_parameters(definition: &str, name: &str) -> Option<Vec<String>> {
    let head = CallSite::find(definition, definition.find(')')?)?;
    let is_head = definition[head.function].trim_start_matches('*') == name;
    let text = |range: &std::ops::Range<usize>| definition[range.clone()].to_owned();
    is_head.then(|| head.arguments.iter().map(text).collect())
}

/// `a` to `z`, then `a1`.
fn letter_name(index: u8) -> String {
    let letter = char::from(b'a' + index % 26);
    if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) }
}

fn utf16_length(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_from_the_head_of_a_definition() {
        let written = |text| written_parameters(text, "fold");
        let names = Some(vec!["f".to_owned(), "z".to_owned(), "xs".to_owned()]);
        assert_eq!(written("= (fold f z xs) | add f (g z)"), names);
        assert_eq!(written("= (other f z xs) | add"), None);
        assert_eq!(written("fold=3"), None);
        assert_eq!([0, 25, 26].map(letter_name), ["a", "z", "a1"]);
    }
}
