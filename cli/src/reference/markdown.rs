//! The reference as Markdown: a file for each module, and one with the list of modules.

use super::prose::{ProseBlock, ProsePart, first_sentence, prose_blocks};
use super::{Reference, ReferenceFile, comment, kind, place, title};
use sire::{ModuleDocumentation, NameDocumentation};
use std::fmt::Write as _;

/// Returns the files of the reference.
pub(crate) fn markdown_files(reference: &Reference) -> Vec<ReferenceFile> {
    let mut index = String::from("# Reference\n\n");
    for module in &reference.modules {
        let name = &module.name;
        let sentence = escaped(&first_sentence(&module.comment));
        let _ = writeln!(index, "- [`{name}`]({name}.md): {sentence}");
    }
    let mut files = vec![("README.md".to_owned(), index)];
    for module in &reference.modules {
        files.push((format!("{}.md", module.name), module_page(reference, module)));
    }
    files
}

fn module_page(reference: &Reference, module: &ModuleDocumentation) -> String {
    let mut text = format!("# {}\n\n", escaped(&module.name));
    text += &prose(reference, module, &module.comment);
    let mut section = "";
    for entry in &module.names {
        if section != entry.section {
            section = &entry.section;
            let _ = write!(text, "## {}\n\n", escaped(section));
        }
        text += &entry_text(reference, module, entry);
    }
    text.trim_end().to_owned() + "\n"
}

fn entry_text(
    reference: &Reference,
    module: &ModuleDocumentation,
    entry: &NameDocumentation,
) -> String {
    let mut text = format!("### {}\n\n", code_span(&title(entry)));
    if let Some(signature) = &entry.signature {
        let _ = write!(text, "{}\n\n", code_span(signature));
    }
    text += &prose(reference, module, &comment(entry));
    if !entry.examples.is_empty() {
        text += &code_block(&entry.examples.join("\n"));
    }
    let jet = entry.jet.map(|jet| format!(", jet {}", code_span(jet))).unwrap_or_default();
    let hash = entry.hash.as_ref().map(|hash| format!(", hash `{hash}`")).unwrap_or_default();
    let _ = write!(text, "{}, {}{jet}{hash}\n\n", kind(entry), code_span(&place(module, entry)));
    text
}

fn prose(reference: &Reference, module: &ModuleDocumentation, comment: &str) -> String {
    let mut text = String::new();
    for block in prose_blocks(comment, &reference.links, &module.name) {
        match block {
            ProseBlock::Code(code) => text += &code_block(&code),
            ProseBlock::Paragraph(parts) => {
                for part in parts {
                    match part {
                        ProsePart::Text(words) => text += &escaped(words),
                        ProsePart::Code(code) => text += &linked(reference, module, code),
                    }
                }
                text += "\n\n";
            }
        }
    }
    text
}

/// Returns code, as a link to the module of the name that it begins with.
fn linked(reference: &Reference, module: &ModuleDocumentation, code: &str) -> String {
    let name = code.trim_start_matches('(').split([' ', ')', '\n']).next().unwrap_or_default();
    let span = code_span(&code.split_whitespace().collect::<Vec<_>>().join(" "));
    match reference.links.module_of(name, &module.name) {
        Some(target) if target != module.name => format!("[{span}]({target}.md)"),
        _ => span,
    }
}

/// Returns text in which no character has a meaning for Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "\\`*_{}[]<>#|~&".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Returns a span of code, in more backquotes than the code has in a row.
fn code_span(code: &str) -> String {
    let fence = "`".repeat(longest_quotes(code) + 1);
    let space = if code.contains('`') { " " } else { "" };
    format!("{fence}{space}{code}{space}{fence}")
}

fn code_block(code: &str) -> String {
    let fence = "`".repeat(longest_quotes(code).max(2) + 1);
    format!("{fence}sire\n{code}\n{fence}\n\n")
}

fn longest_quotes(code: &str) -> usize {
    code.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::links::tests::module;

    #[test]
    fn a_file_escapes_and_links() {
        let reference = Reference::new(vec![module("row", &["map"]), module("tab", &["get_all"])]);
        let files = markdown_files(&reference);
        assert_eq!(
            files[0].1,
            "# Reference\n\n- [`row`](row.md): About the module.\n- [`tab`](tab.md): About the module.\n"
        );
        let (name, text) = &files[2];
        assert_eq!(name, "tab.md");
        assert!(text.contains("x, as [`map`](row.md) and \\<b\\> say"), "{text}");
        assert!(text.contains("### `(get_all x)`\n"), "{text}");
        assert!(text.contains("```sire\n=?= 1 | get_all 1\n```\n"), "{text}");
        assert_eq!(code_span("a`b"), "`` a`b ``");
    }
}
