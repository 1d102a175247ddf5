//! The outline of a module: its header and the imports that follow it, read from its text.
//!
//! A header `#### NAME <- PREDECESSOR` begins a *chained* module, as in the prototype: everything
//! that it imports is loaded before it, as one of its predecessors. A header `#### NAME` begins a
//! *standalone* module, whose imports say what is loaded before it. They are the blocks directly
//! after the header that begin with `:|`. An import in a later block finds only modules that have
//! been loaded.

use crate::error::SireError;
use rex::{LeafKind, Rex};

/// How a module says what is loaded before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum ModuleForm {
    /// By the predecessor in its header. A later import replaces a name of an earlier one.
    #[default]
    Chained,
    /// By its imports. Two imports of different values under one name are an error.
    Standalone,
}

/// A module that another one depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ModuleDependency {
    /// The name of its file.
    pub(super) name: String,
    /// The line that names it.
    pub(super) line: usize,
    /// Whether it is the predecessor. Otherwise it is an import.
    pub(super) is_predecessor: bool,
}

/// What the first blocks of a module say.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct ModuleOutline {
    /// The name in the header.
    pub(super) name: String,
    /// The line of the header.
    pub(super) line: usize,
    pub(super) form: ModuleForm,
    /// What is loaded before the module, in the order of the text.
    pub(super) dependencies: Vec<ModuleDependency>,
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// Reads the outline of a module.
///
/// # Errors
///
/// If the first block is no header, or one of the blocks that are read is not well-formed.
pub(super) fn outline(file: &str, path: &str, text: &str) -> Result<ModuleOutline, SireError> {
    let error = |line, reason| Err(SireError::Header { file: file.to_owned(), line, reason });
    let mut blocks = rex::read_file(text, path);
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
    match predecessor.map(file_stem) {
        Some(Some(stem)) => {
            let dependencies =
                vec![ModuleDependency { name: stem.to_owned(), line, is_predecessor: true }];
            Ok(ModuleOutline { name, line, form: ModuleForm::Chained, dependencies })
        }
        Some(None) => error(line, BAD_HEADER),
        None => {
            let mut dependencies = Vec::new();
            for block in blocks {
                let block = block.map_err(SireError::Syntax)?;
                let modules = imported_modules(&block.rex);
                if modules.is_empty() {
                    break;
                }
                dependencies.extend(modules.into_iter().map(|name| ModuleDependency {
                    name,
                    line: block.line,
                    is_predecessor: false,
                }));
            }
            Ok(ModuleOutline { name, line, form: ModuleForm::Standalone, dependencies })
        }
    }
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

    fn names(text: &str) -> Vec<(String, usize)> {
        let outline = outline("m.sire", "m.sire", text).expect("a header");
        outline.dependencies.into_iter().map(|found| (found.name, found.line)).collect()
    }

    #[test]
    fn a_standalone_module_depends_on_the_imports_after_its_header() {
        let text = "#### m\n\n; a comment\n:| a\n:| b [x y]\n\n:| c as C\n\n= x 1\n\n:| late\n";
        let expected = [("a".into(), 4), ("b".into(), 4), ("c".into(), 7)];
        assert_eq!(names(text), expected);
        assert_eq!(names("#### m\n"), []);
    }

    #[test]
    fn a_chained_module_depends_on_its_predecessor_only() {
        let text = "#### m <- before\n\n:| a\n";
        assert_eq!(names(text), [("before".into(), 1)]);
    }
}
