//! `doc`: the reference of modules.

use super::sire::quiet_session;
use crate::args::{DocArgs, ReferenceFormat};
use crate::json;
use crate::reference::{
    Coverage, Reference, ReferenceFile, entry_text, html_files, markdown_files, module_text,
};
use crate::terminal::{ExitError, did_you_mean, sire_error};
use crate::write_file::write_atomically;
use anyhow::{Context, Result, bail};
use sire::{ModuleArgument, ModuleLibrary, Sire};
use std::io::{self, Write};

/// Prints an entry or the counts, or writes the reference.
pub(crate) fn doc(args: &DocArgs) -> Result<()> {
    let mut sire = quiet_session(&args.cache)?;
    let reference = reference(&mut sire, &args.modules, args.name.as_deref())?;
    if args.check {
        return check(args, &reference);
    }
    match &args.name {
        Some(name) => match found(&reference, name) {
            Some(text) => print(&text),
            None => {
                let all = self::reference(&mut sire, &args.modules, None)?;
                bail!(
                    "no documented module exports `{name}` or has that name{}",
                    similar(&all, name)
                );
            }
        },
        None => write(args, &reference),
    }
}

/// Documents the modules that are named, or those of the library. With `name`, modules whose source
/// does not have that name are left out, and not loaded.
fn reference(sire: &mut Sire, modules: &[String], name: Option<&str>) -> Result<Reference> {
    let library = || {
        let names = ModuleLibrary::built_in();
        names.filter(|name| !is_demo(name)).map(str::to_owned).collect()
    };
    let modules: Vec<String> = if modules.is_empty() { library() } else { modules.to_vec() };
    let mut documented = Vec::new();
    for module in &modules {
        let module = ModuleArgument::parse(module).map_err(sire_error)?;
        if name.is_none_or(|name| sire.source_contains(&module, name)) {
            documented.push(sire.document(&module).map_err(sire_error)?);
        }
    }
    Ok(Reference::new(documented))
}

/// Whether a module of the library is a program, or a table for the test of another module.
fn is_demo(module: &str) -> bool {
    module.starts_with("demo_") || module.ends_with("_cases")
}

/// Returns the text of the entries with a name, or of the module with that name. None if there are
/// none.
fn found(reference: &Reference, name: &str) -> Option<String> {
    let entries = reference.entries(name).map(|(module, entry)| entry_text(module, entry));
    let modules = reference.modules().iter().filter(|module| module.name == name);
    let texts: Vec<String> = entries.chain(modules.map(module_text)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// Returns a question that lists the names and modules that are similar to a name, if there are any.
fn similar(reference: &Reference, name: &str) -> String {
    let modules = reference.modules();
    let names = modules.iter().flat_map(|module| module.names.iter().map(|it| it.name.clone()));
    did_you_mean(sire::similar(name, names.chain(modules.iter().map(|it| it.name.clone()))))
}

fn print(text: &str) -> Result<()> {
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

fn check(args: &DocArgs, reference: &Reference) -> Result<()> {
    let coverage = Coverage::of(reference);
    print(&if args.json { json::text(&coverage)? } else { coverage.text() })?;
    // The names have been listed.
    if coverage.is_complete() { Ok(()) } else { Err(ExitError { code: 1, message: None }.into()) }
}

fn write(args: &DocArgs, reference: &Reference) -> Result<()> {
    let files: Vec<ReferenceFile> = match args.format {
        ReferenceFormat::Html => html_files(reference)?,
        ReferenceFormat::Markdown => markdown_files(reference),
    };
    let directory = &args.out;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    for (name, text) in &files {
        write_atomically(&directory.join(name), text.as_bytes())?;
    }
    let modules = reference.modules().len();
    print(&format!("{}: {} files, {modules} modules\n", directory.display(), files.len()))
}
