//! A module and those before it, as files.

use crate::cache::Key;
use crate::error::Error;
use crate::library::{Library, Source};
use rex::{Leaf, Rex};

/// A module's text and its place in a chain of them.
pub(crate) struct Link {
    /// What messages call the file.
    pub(crate) file: String,
    /// The file's path, for messages about its syntax.
    pub(crate) path: String,
    pub(crate) text: String,
    /// What the state after this module depends on.
    pub(crate) key: Key,
}

/// A module and those before it, the first one first.
pub(crate) fn chain(library: &Library, name: &str) -> Result<Vec<Link>, Error> {
    let mut sources = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next {
        if let Some(start) = names.iter().position(|earlier| *earlier == name) {
            let cycle = names.split_off(start);
            return Err(Error::Cycle(cycle.into_iter().chain([name]).collect()));
        }
        let Source { file, path, bytes } = library.read(&name, names.last().map(String::as_str))?;
        let text = rex::decode(&bytes, &path).map_err(Error::Syntax)?;
        next = header(&name, &file, &path, text)?;
        sources.push((file, path, text.to_owned()));
        names.push(name);
    }
    let mut key = Key::start();
    let links = sources.into_iter().rev().map(|(file, path, text)| {
        key = key.then(text.as_bytes());
        Link { file, path, text, key }
    });
    Ok(links.collect())
}

/// The predecessor that a module's first command names, which is `#### NAME` or
/// `#### NAME <- PREDECESSOR`.
fn header(name: &str, file: &str, path: &str, text: &str) -> Result<Option<String>, Error> {
    let error = |line, reason| Err(Error::Header { file: file.to_owned(), line, reason });
    let block = match rex::read_file(text, path).next() {
        None => return error(1, "the file is empty, but a module begins with `#### NAME`"),
        Some(block) => block.map_err(Error::Syntax)?,
    };
    let (own, predecessor) = match &block.rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == "####" => match &sons[..] {
            [own] => (own, None),
            [own, Rex::Node { rune, sons, heir: None, .. }] if rune == "<-" => match &sons[..] {
                [predecessor] => (own, Some(predecessor)),
                _ => return error(block.line, BAD_HEADER),
            },
            _ => return error(block.line, BAD_HEADER),
        },
        Rex::Node { rune, .. } if rune == "####" => return error(block.line, BAD_HEADER),
        _ => return error(block.line, "a module begins with `#### NAME`"),
    };
    if key(own) != Some(name) {
        return error(block.line, "the module's name is not that of its file");
    }
    match predecessor.map(key) {
        None => Ok(None),
        Some(Some(predecessor)) => Ok(Some(predecessor.to_owned())),
        Some(None) => error(block.line, BAD_HEADER),
    }
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// The name that a tree writes, if a file can have it.
fn key(rex: &Rex) -> Option<&str> {
    match rex {
        Rex::Leaf { leaf: Leaf::Word | Leaf::Text, text, heir: None } => {
            (!text.is_empty() && !text.contains(['/', '\0'])).then_some(text)
        }
        _ => None,
    }
}
