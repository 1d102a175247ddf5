//! The reference of modules: [`Reference`] holds their documentation, and is shown as HTML, as
//! Markdown, as text, or as a table of what is missing.
//!
//! ```text
//! html    markdown    entry_text    coverage    the forms of a reference
//! prose                                         comments as paragraphs, code and links
//! links                                         where a name is documented
//! ```

mod coverage;
mod entry_text;
mod html;
mod links;
mod markdown;
mod prose;

pub(crate) use coverage::Coverage;
pub(crate) use entry_text::{entry_text, module_text};
pub(crate) use html::html_files;
pub(crate) use markdown::markdown_files;

use links::NameLinks;
use sire::{ModuleDocumentation, NameDocumentation};

/// The documentation of modules.
pub(crate) struct Reference {
    modules: Vec<ModuleDocumentation>,
    links: NameLinks,
}

/// A file of a written reference: its name and its contents.
pub(crate) type ReferenceFile = (String, String);

impl Reference {
    /// Makes a reference of modules, in this order.
    pub(crate) fn new(modules: Vec<ModuleDocumentation>) -> Reference {
        let links = NameLinks::new(&modules);
        Reference { modules, links }
    }

    /// Returns the modules.
    pub(crate) fn modules(&self) -> &[ModuleDocumentation] {
        &self.modules
    }

    /// Returns all entries with a name, each with its module.
    pub(crate) fn entries(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (&ModuleDocumentation, &NameDocumentation)> {
        let entries = self.modules.iter().flat_map(|module| {
            let names = module.names.iter();
            names.map(move |entry| (module, entry))
        });
        entries.filter(move |(_, entry)| entry.name == name)
    }
}

/// Returns how an entry is called: a call that shows its arguments, or its name.
fn title(entry: &NameDocumentation) -> String {
    let is_word = rex::chars::is_word(&entry.name);
    let name = if is_word { entry.name.clone() } else { format!("{{{}}}", entry.name) };
    entry.call.clone().filter(|_| is_word).unwrap_or(name)
}

/// Returns the comment of an entry, with a sentence about the name that it is another name for.
fn comment(entry: &NameDocumentation) -> String {
    match &entry.alias_of {
        Some(target) if entry.comment.is_empty() => format!("Another name for {{{target}}}."),
        Some(target) => format!("{}\n\nAnother name for {{{target}}}.", entry.comment),
        None => entry.comment.clone(),
    }
}

/// Returns what kind of value an entry is, such as `function of 2 arguments`.
fn kind(entry: &NameDocumentation) -> String {
    match entry.arity {
        Some(1) => "function of 1 argument".into(),
        Some(arity) => format!("function of {arity} arguments"),
        None if entry.call.is_some() => "partial application".into(),
        None => "value".into(),
    }
}

/// Returns where an entry is defined.
fn place(module: &ModuleDocumentation, entry: &NameDocumentation) -> String {
    match entry.line {
        Some(line) => format!("{}:{line}", module.file),
        None => module.file.clone(),
    }
}
