//! Comments as paragraphs, code, and names in the text.

use super::links::NameLinks;

/// A block of a comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProseBlock<'t> {
    /// Text.
    Paragraph(Vec<ProsePart<'t>>),
    /// Indented lines, without their indentation.
    Code(String),
}

/// A part of a paragraph.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProsePart<'t> {
    /// Words.
    Text(&'t str),
    /// A name, `{name}`, or a call of a documented function, `(name x y)`.
    Code(&'t str),
}

/// Splits a comment of the module `own` into blocks.
pub(super) fn prose_blocks<'t>(
    comment: &'t str,
    links: &NameLinks,
    own: &str,
) -> Vec<ProseBlock<'t>> {
    let mut blocks: Vec<ProseBlock<'t>> = Vec::new();
    for part in comment.split("\n\n").filter(|part| !part.trim().is_empty()) {
        if !part.trim_start_matches('\n').starts_with("    ") {
            blocks.push(ProseBlock::Paragraph(prose_parts(part.trim(), links, own)));
            continue;
        }
        let lines = part.trim_matches('\n').lines();
        let code: Vec<&str> = lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        let code = code.join("\n");
        match blocks.last_mut() {
            Some(ProseBlock::Code(before)) => *before += &format!("\n\n{code}"),
            _ => blocks.push(ProseBlock::Code(code)),
        }
    }
    blocks
}

/// Returns the first sentence of a comment, on one line.
pub(super) fn first_sentence(comment: &str) -> String {
    let paragraph = comment.split("\n\n").next().unwrap_or_default();
    let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

fn prose_parts<'t>(text: &'t str, links: &NameLinks, own: &str) -> Vec<ProsePart<'t>> {
    let mut parts = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(length) = code_length(rest, links, own) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        parts.extend((plain < at).then(|| ProsePart::Text(&text[plain..at])));
        let code = &rest[..length];
        let name = code.strip_prefix('{').and_then(|code| code.strip_suffix('}'));
        // The braces mark a name. Around other text they are part of the code.
        let name = name.filter(|name| rex::chars::is_word(name));
        parts.push(ProsePart::Code(name.unwrap_or(code)));
        at += length;
        plain = at;
    }
    parts.extend((plain < text.len()).then(|| ProsePart::Text(&text[plain..])));
    parts
}

/// Returns the length of the code that a text begins with, if it begins with code.
fn code_length(text: &str, links: &NameLinks, own: &str) -> Option<usize> {
    if text.starts_with('{') {
        let end = text.find('}')?;
        return (end > 1).then_some(end + 1);
    }
    let call = text.strip_prefix('(')?;
    let name = call.split([' ', ')', '\n']).next()?;
    links.module_of(name, own)?;
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::links::tests::module;

    #[test]
    fn a_comment_has_paragraphs_and_code() {
        let links = NameLinks::new(&[module("row", &["map", "len"])]);
        let comment = "the {map} (see (map f\nx)) of (this).\n\n    a\n      b\n\n    c\n\nEnd.";
        assert_eq!(
            prose_blocks(comment, &links, "row"),
            [
                ProseBlock::Paragraph(vec![
                    ProsePart::Text("the "),
                    ProsePart::Code("map"),
                    ProsePart::Text(" (see "),
                    ProsePart::Code("(map f\nx)"),
                    ProsePart::Text(") of (this)."),
                ]),
                ProseBlock::Code("a\n  b\n\nc".into()),
                ProseBlock::Paragraph(vec![ProsePart::Text("End.")]),
            ]
        );
        assert_eq!(first_sentence("One\nline. Two."), "One line.");
    }
}
