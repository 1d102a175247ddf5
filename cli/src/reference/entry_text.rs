//! An entry of the reference as text for a terminal.

use super::{comment, kind, place, title};
use crate::reference::prose::first_sentence;
use sire::{ModuleDocumentation, NameDocumentation};
use std::fmt::Write as _;

/// Returns an entry as text: how it is called, its comment, type, kind, jet, hash, place, examples.
pub(crate) fn entry_text(module: &ModuleDocumentation, entry: &NameDocumentation) -> String {
    let mut text = format!("{}\n", title(entry));
    let comment = comment(entry);
    if !comment.is_empty() {
        let lines = comment
            .lines()
            .map(|line| if line.is_empty() { "\n".into() } else { format!("    {line}\n") });
        text.extend(["\n".to_owned()].into_iter().chain(lines));
    }
    text.push('\n');
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    if let Some(signature) = &entry.signature {
        line("type", signature);
    }
    line("module", &module.name);
    line("defined", &place(module, entry));
    line("kind", &kind(entry));
    line("jet", entry.jet.unwrap_or("none"));
    if let Some(hash) = &entry.hash {
        line("hash", &hash.to_string());
    }
    if !entry.examples.is_empty() {
        text += "\nExamples:\n";
        for example in &entry.examples {
            for line in example.lines() {
                text += format!("    {line}").trim_end();
                text.push('\n');
            }
        }
    }
    text
}

/// Returns a module as text: its comment, and a line for each name.
pub(crate) fn module_text(module: &ModuleDocumentation) -> String {
    let mut text = format!("{}\n\n", module.name);
    text += module.comment.trim_end();
    let mut section: Option<&str> = None;
    for entry in &module.names {
        if section != Some(&entry.section) {
            section = Some(&entry.section);
            let _ = write!(text, "\n\n{}\n", entry.section);
        }
        let _ = write!(text, "\n  {:<28} {}", title(entry), first_sentence(&comment(entry)));
    }
    text.trim_end().to_owned() + "\n"
}
