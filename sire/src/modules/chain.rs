//! Chains of modules: a module, its predecessor, the predecessor of that, and so on.

use super::library::{ModuleArgument, ModuleFile, ModuleLibrary};
use super::state_cache::StateKey;
use crate::error::SireError;
use rex::{LeafKind, Rex};
use std::path::PathBuf;

/// A module of a chain.
pub(crate) struct ChainedModule {
    /// The name in its header, by which the state knows it.
    pub(crate) name: String,
    /// A warning if that is not the name of its file.
    pub(crate) warning: Option<String>,
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
        let ModuleFile { name: file, path, bytes, .. } = library.read(&name, place.as_deref())?;
        let text = rex::decode(&bytes, &path).map_err(SireError::Syntax)?.to_owned();
        let header = header(&file, &path, &text)?;
        next = header.predecessor;
        place = Some(format!("{path}:{}", header.line));
        let warning = (header.name != name).then(|| {
            let (line, own) = (header.line, &header.name);
            format!("{path}:{line}: the header names the module {own}, but the file is {file}")
        });
        files.push((header.name, warning, file, path, text));
        names.push(name);
    }
    let chain = files.into_iter().rev().map(|(name, warning, file, path, text)| {
        key = key.then(text.as_bytes());
        ChainedModule { name, warning, file, path, text, key }
    });
    Ok(chain.collect())
}

/// The source of a module: its name and its text, as they are in a file or built into the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSource {
    /// The name of the module's file, without its extension.
    pub name: String,
    /// The path of the file; none if the module is built in.
    pub path: Option<PathBuf>,
    /// The contents of the file.
    pub bytes: Vec<u8>,
}

/// Returns the sources of a module and of all modules before it, the module's own first. The list
/// ends early at a module that cannot be read or whose header is wrong.
pub fn module_sources(library: &ModuleLibrary, module: &ModuleArgument) -> Vec<ModuleSource> {
    let mut library = library.clone();
    library.search_beside(module.folder.clone());
    let mut sources: Vec<ModuleSource> = Vec::new();
    let mut next = Some(module.name.clone());
    while let Some(name) = next.take() {
        // Modules that depend on each other in a circle are an error, which a load reports.
        if sources.iter().any(|source| source.name == name) {
            break;
        }
        let Ok(file) = library.read(&name, None) else { break };
        let text = rex::decode(&file.bytes, &file.path).ok();
        let header = text.and_then(|text| header(&file.name, &file.path, text).ok());
        next = header.and_then(|header| header.predecessor);
        let path = (!file.is_built_in).then(|| PathBuf::from(file.path));
        sources.push(ModuleSource { name, path, bytes: file.bytes });
    }
    sources
}

/// The first command of a module.
struct ModuleHeader {
    name: String,
    predecessor: Option<String>,
    line: usize,
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// Reads the first command of a module, which is `#### NAME` or `#### NAME <- PREDECESSOR`.
fn header(file: &str, path: &str, text: &str) -> Result<ModuleHeader, SireError> {
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
    // Like the prototype, a file is found by its own name, and its state by the name in the header.
    let Some(name) = file_stem(own).map(str::to_owned) else { return error(line, BAD_HEADER) };
    match predecessor.map(file_stem) {
        None => Ok(ModuleHeader { name, predecessor: None, line }),
        Some(Some(stem)) => Ok(ModuleHeader { name, predecessor: Some(stem.to_owned()), line }),
        Some(None) => error(line, BAD_HEADER),
    }
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
