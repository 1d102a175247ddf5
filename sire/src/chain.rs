//! A module and those before it, as files.

use crate::cache::Key;
use crate::error::Error;
use crate::library::{Library, Source};
use rex::{LeafKind, Rex};

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

/// A module and those before it, the first one first. `key` is the one before that.
pub(crate) fn chain(library: &Library, name: &str, mut key: Key) -> Result<Vec<Link>, Error> {
    let mut sources = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    // Where the next module is named.
    let mut place = None;
    while let Some(name) = next {
        if let (Some(start), Some(place)) = (names.iter().position(|other| *other == name), &place)
        {
            let modules = names.split_off(start).into_iter().chain([name]).collect();
            return Err(Error::Cycle { place: String::clone(place), modules });
        }
        let Source { file, path, bytes } = library.read(&name, place.as_deref())?;
        let text = text_of(bytes, &path)?;
        let header = header(&name, &file, &path, &text)?;
        next = header.predecessor;
        place = Some(format!("{path}:{}", header.line));
        sources.push((file, path, text));
        names.push(name);
    }
    let links = sources.into_iter().rev().map(|(file, path, text)| {
        key = key.then(text.as_bytes());
        Link { file, path, text, key }
    });
    Ok(links.collect())
}

/// A file's text.
fn text_of(bytes: Vec<u8>, path: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| match rex::decode(error.as_bytes(), path) {
        Err(error) => Error::Syntax(error),
        Ok(_) => unreachable!("both decide by the same rule"),
    })
}

/// What a module's first command says.
struct Header {
    predecessor: Option<String>,
    /// Its line.
    line: usize,
}

/// A module's first command, which is `#### NAME` or `#### NAME <- PREDECESSOR`.
fn header(name: &str, file: &str, path: &str, text: &str) -> Result<Header, Error> {
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
    let line = block.line;
    match predecessor.map(key) {
        None => Ok(Header { predecessor: None, line }),
        Some(Some(predecessor)) => Ok(Header { predecessor: Some(predecessor.to_owned()), line }),
        Some(None) => error(line, BAD_HEADER),
    }
}

const BAD_HEADER: &str = "expected `#### NAME` or `#### NAME <- PREDECESSOR`";

/// The name that a tree writes, if a file can have it.
fn key(rex: &Rex) -> Option<&str> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, heir: None } => {
            (!text.is_empty() && !text.contains(['/', '\0'])).then_some(text)
        }
        _ => None,
    }
}
