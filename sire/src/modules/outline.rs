//! The outline of a module: its header and the imports that follow it, read from its text.
//!
//! A header `#### NAME <- PREDECESSOR` begins a *chained* module, as in the prototype: what it
//! imports are predecessors of it, near or far. A header `#### NAME` begins a *standalone* module.
//! What a module imports is loaded before it, so a standalone module needs no predecessor; and a
//! chained module may import more than its predecessors, which the prototype rejects.
//!
//! Only the blocks directly after the header that begin with `:|` count. An import in a later block
//! finds only modules that have been loaded.

use super::library::ModuleFile;
use crate::error::SireError;
use rex::{LeafKind, ReadError, Rex, SourceBlock};

/// How a module says what is loaded before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum ModuleForm {
    /// By the predecessor in its header. A later import replaces names of an earlier one.
    #[default]
    Chained,
    /// By its imports. Two imports of different values under one name are an error.
    Standalone,
}

/// A module that another one depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ModuleDependency {
    /// The name of its file.
    pub(crate) name: String,
    /// The line that names it.
    pub(crate) line: usize,
    /// Whether it is the predecessor. Otherwise it is an import.
    pub(crate) is_predecessor: bool,
}

/// What the first blocks of a module say.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct ModuleOutline {
    /// The name in the header.
    pub(crate) name: String,
    /// The line of the header.
    pub(crate) line: usize,
    pub(crate) form: ModuleForm,
    /// What is loaded before the module, in the order of the text.
    pub(crate) dependencies: Vec<ModuleDependency>,
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// Reads the outline of a module. If it is known that a chained module imports predecessors only,
/// its imports are not read.
///
/// # Errors
///
/// If the first block is no header, or one of the blocks that are read is not well-formed.
pub(super) fn outline(
    file: &ModuleFile,
    text: &str,
    imports_only_predecessors: bool,
) -> Result<ModuleOutline, SireError> {
    outline_of_blocks(&file.name, rex::read_file(text, &file.path), imports_only_predecessors)
}

/// Reads the outline of a text that a person edits. Blocks that are not well-formed are left out.
///
/// # Errors
///
/// If the first well-formed block is no header.
pub(crate) fn outline_of_edited(file: &str, text: &str) -> Result<ModuleOutline, SireError> {
    outline_of_blocks(file, rex::read_file(text, file).filter(Result::is_ok), false)
}

fn outline_of_blocks(
    file: &str,
    mut blocks: impl Iterator<Item = Result<SourceBlock, ReadError>>,
    imports_only_predecessors: bool,
) -> Result<ModuleOutline, SireError> {
    let error = |line, reason| Err(SireError::Header { file: file.to_owned(), line, reason });
    let block = match blocks.next() {
        None => return error(1, "the file is empty, but a module begins with `#### NAME`"),
        Some(block) => block.map_err(SireError::Syntax)?,
    };
    let line = block.line;
    let (own, predecessor) = match &block.rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == "####" => match &sons[..] {
            [own] => (own, None),
            [own, Rex::Node { rune, sons, heir: None, .. }] if rune == "<-" => match &sons[..] {
                [predecessor] => (own, Some(predecessor)),
                _ => return error(line, BAD_HEADER),
            },
            _ => return error(line, BAD_HEADER),
        },
        Rex::Node { rune, .. } if rune == "####" => return error(line, BAD_HEADER),
        _ => return error(line, "a module begins with `#### NAME`"),
    };
    // Like the prototype, a file is found by its own name, and its state by the name in the header.
    let Some(name) = file_stem(own).map(str::to_owned) else { return error(line, BAD_HEADER) };
    let (form, mut dependencies) = match predecessor.map(file_stem) {
        None => (ModuleForm::Standalone, Vec::new()),
        Some(None) => return error(line, BAD_HEADER),
        Some(Some(stem)) => {
            let name = stem.to_owned();
            (ModuleForm::Chained, vec![ModuleDependency { name, line, is_predecessor: true }])
        }
    };
    if form == ModuleForm::Standalone || !imports_only_predecessors {
        add_imports(&mut dependencies, blocks)?;
    }
    Ok(ModuleOutline { name, line, form, dependencies })
}

/// Adds the modules that the first of some blocks import.
fn add_imports(
    dependencies: &mut Vec<ModuleDependency>,
    blocks: impl Iterator<Item = Result<SourceBlock, ReadError>>,
) -> Result<(), SireError> {
    for block in blocks {
        let block = block.map_err(SireError::Syntax)?;
        let modules = imported_modules(&block.rex);
        if modules.is_empty() {
            break;
        }
        let line = block.line;
        let import = |name| ModuleDependency { name, line, is_predecessor: false };
        dependencies.extend(modules.into_iter().map(import));
    }
    Ok(())
}

/// Returns the names of the modules that a block imports, in its order. A block that is no import
/// has none.
pub(crate) fn imported_modules(block: &Rex) -> Vec<String> {
    let mut modules = Vec::new();
    let mut next = Some(block);
    while let Some(Rex::Node { rune, sons, heir, .. }) = next {
        if !matches!(rune.as_str(), ":|" | "#:|") {
            break;
        }
        modules.extend(sons.first().and_then(file_stem).map(str::to_owned));
        next = heir.as_deref();
    }
    modules
}

/// Returns the name that a tree spells, if a file can have that name.
fn file_stem(rex: &Rex) -> Option<&str> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, heir: None, .. } => {
            (!text.is_empty() && !text.contains(['/', '\0'])).then_some(text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, imports_only_predecessors: bool) -> Vec<(String, usize)> {
        let (name, path) = ("m.sire".to_owned(), "m.sire".to_owned());
        let file = ModuleFile { name, path, bytes: Vec::new(), is_built_in: false };
        let outline = outline(&file, text, imports_only_predecessors).expect("a header");
        outline.dependencies.into_iter().map(|found| (found.name, found.line)).collect()
    }

    #[test]
    fn a_module_depends_on_the_imports_after_its_header() {
        let text = "#### m\n\n; a comment\n:| a\n:| b [x y]\n\n:| c as C\n\n= x 1\n\n:| late\n";
        let expected = [("a".into(), 4), ("b".into(), 4), ("c".into(), 7)];
        assert_eq!(names(text, true), expected);
        assert_eq!(names("#### m\n", false), []);
    }

    #[test]
    fn the_predecessor_of_a_chained_module_comes_first() {
        let text = "#### m <- before\n\n:| a\n";
        assert_eq!(names(text, false), [("before".into(), 1), ("a".into(), 3)]);
        assert_eq!(names(text, true), [("before".into(), 1)]);
    }
}
