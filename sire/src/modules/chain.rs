//! Chains of modules: a module, its predecessor, the predecessor of that, and so on.

use super::library::{ModuleFile, ModuleLibrary};
use super::state_cache::StateKey;
use crate::error::SireError;
use rex::{LeafKind, Rex};

/// A module of a chain.
pub(crate) struct ChainedModule {
    /// The file's name, for messages.
    pub(crate) file: String,
    /// The file's path, for messages about its syntax.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The key of the state after this module.
    pub(crate) key: StateKey,
}

/// Reads a module and all modules before it. The first module of the chain comes first. `key` is the
/// key of the state before it.
pub(crate) fn module_chain(
    library: &ModuleLibrary,
    name: &str,
    mut key: StateKey,
) -> Result<Vec<ChainedModule>, SireError> {
    let mut files = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    // The file and line that name the next module.
    let mut place: Option<String> = None;
    while let Some(name) = next {
        if let (Some(start), Some(place)) = (names.iter().position(|other| *other == name), &place)
        {
            let modules = names.split_off(start).into_iter().chain([name]).collect();
            return Err(SireError::Cycle { place: place.clone(), modules });
        }
        let ModuleFile { name: file, path, bytes } = library.read(&name, place.as_deref())?;
        let text = rex::decode(&bytes, &path).map_err(SireError::Syntax)?.to_owned();
        let header = header(&name, &file, &path, &text)?;
        next = header.predecessor;
        place = Some(format!("{path}:{}", header.line));
        files.push((file, path, text));
        names.push(name);
    }
    let chain = files.into_iter().rev().map(|(file, path, text)| {
        key = key.then(text.as_bytes());
        ChainedModule { file, path, text, key }
    });
    Ok(chain.collect())
}

/// The first command of a module.
struct ModuleHeader {
    predecessor: Option<String>,
    line: usize,
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// Reads the first command of a module, which is `#### NAME` or `#### NAME <- PREDECESSOR`.
fn header(name: &str, file: &str, path: &str, text: &str) -> Result<ModuleHeader, SireError> {
    let error = |line, reason| Err(SireError::Header { file: file.to_owned(), line, reason });
    let block = match rex::read_file(text, path).next() {
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
    if file_stem(own) != Some(name) {
        return error(line, "the module's name is not that of its file");
    }
    match predecessor.map(file_stem) {
        None => Ok(ModuleHeader { predecessor: None, line }),
        Some(Some(stem)) => Ok(ModuleHeader { predecessor: Some(stem.to_owned()), line }),
        Some(None) => error(line, BAD_HEADER),
    }
}

/// Returns the name that a tree spells, if a file can have that name.
fn file_stem(rex: &Rex) -> Option<&str> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, heir: None } => {
            (!text.is_empty() && !text.contains(['/', '\0'])).then_some(text)
        }
        _ => None,
    }
}
