//! Where modules come from: a folder, and behind it a library built in.

use crate::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The modules beside this crate's manifest, by name, in ascending order.
static BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// Where modules come from.
#[derive(Clone, Debug)]
pub struct Library {
    folder: PathBuf,
    built_in: bool,
}

/// A module's text.
pub(crate) struct Source {
    /// What messages call the file.
    pub(crate) file: String,
    /// Where it is, for messages that want it in full.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl Library {
    /// The modules in this folder, and for those that are not there, those built in.
    pub fn new(folder: impl Into<PathBuf>) -> Library {
        Library { folder: folder.into(), built_in: true }
    }

    /// The modules in this folder alone.
    pub fn only(folder: impl Into<PathBuf>) -> Library {
        Library { folder: folder.into(), built_in: false }
    }

    /// The names of the modules built in.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The text of a module that is wanted by the file and line `by`.
    pub(crate) fn read(&self, name: &str, by: Option<&str>) -> Result<Source, Error> {
        let file = format!("{name}.sire");
        let path = self.folder.join(&file);
        match read_regular(&path) {
            Ok(bytes) => return Ok(Source { file, path: path.display().to_string(), bytes }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::File { path, error }),
        }
        let built_in = if self.built_in { BUILT_IN } else { &[] };
        match built_in.binary_search_by_key(&name, |(name, _)| name) {
            Ok(index) => {
                let path = format!("<library>/{file}");
                Ok(Source { file, path, bytes: built_in[index].1.to_vec() })
            }
            Err(_) => {
                Err(Error::NoModule { name: name.to_owned(), path, by: by.map(str::to_owned) })
            }
        }
    }
}

/// The content of a file. Pipes and devices are refused: reading one might never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    fs::read(path)
}

/// The name of the module that a command line means: `NAME`, `NAME.sire`, or either of them in
/// `sire/`, with or without `./` in front.
///
/// # Errors
/// [`Error::ModuleName`].
pub fn module_name(argument: &str) -> Result<&str, Error> {
    let bad = || Error::ModuleName(argument.to_owned());
    let path = Path::new(argument);
    let file = path.file_name().and_then(|name| name.to_str()).ok_or_else(bad)?;
    let folder = argument.strip_suffix(file).ok_or_else(bad)?;
    let name = file.strip_suffix(".sire").unwrap_or(file);
    let is_plain = !name.is_empty() && !name.contains('.');
    match ["", "./", "sire/", "./sire/"].contains(&folder) && is_plain {
        true => Ok(name),
        false => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_mean_a_module() {
        for argument in ["foo", "foo.sire", "./foo", "sire/foo.sire", "./sire/foo"] {
            assert_eq!(module_name(argument).expect(argument), "foo");
        }
        for argument in
            ["", ".", "..", "/foo", "a/foo", "../sire/foo", "foo.txt", "foo.x.sire", "sire/"]
        {
            assert!(module_name(argument).is_err(), "{argument}");
        }
    }

    #[test]
    fn the_built_in_modules_can_be_searched() {
        assert!(BUILT_IN.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn who_wanted_a_missing_module_is_told() {
        let missing = Library::only("/nonexistent").read("foo", Some("bar.sire:3"));
        let message = missing.err().expect("no such module").to_string();
        assert!(message.starts_with("bar.sire:3: no module foo"), "{message}");
    }
}
