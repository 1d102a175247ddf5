//! The library of modules: a folder, and modules that are built into the program.

use crate::error::SireError;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The modules in the folder of this crate's manifest, in ascending order of their names.
static BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// Finds modules by name: first in a folder, then among the modules that are built in.
#[derive(Clone, Debug)]
pub struct ModuleLibrary {
    folder: PathBuf,
    built_in: bool,
}

/// The file of a module.
pub(super) struct ModuleFile {
    /// The file's name, for messages.
    pub(super) name: String,
    /// The file's path, for messages that show it in full.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl ModuleLibrary {
    /// Makes a library of the modules in `folder` and of the built-in modules. The folder has
    /// priority.
    pub fn new(folder: impl Into<PathBuf>) -> ModuleLibrary {
        ModuleLibrary { folder: folder.into(), built_in: true }
    }

    /// Makes a library of the modules in `folder` only.
    pub fn only(folder: impl Into<PathBuf>) -> ModuleLibrary {
        ModuleLibrary { folder: folder.into(), built_in: false }
    }

    /// Returns the names of the built-in modules.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Reads the file of a module. `required_by` is the file and line that name the module as the
    /// predecessor; only an error uses it.
    pub(super) fn read(
        &self,
        name: &str,
        required_by: Option<&str>,
    ) -> Result<ModuleFile, SireError> {
        let file = format!("{name}.sire");
        let path = self.folder.join(&file);
        match read_regular(&path) {
            Ok(bytes) => {
                return Ok(ModuleFile { name: file, path: path.display().to_string(), bytes });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(SireError::File { path, error }),
        }
        let built_in = if self.built_in { BUILT_IN } else { &[] };
        match built_in.binary_search_by_key(&name, |(name, _)| name) {
            Ok(index) => {
                let path = format!("<library>/{file}");
                Ok(ModuleFile { name: file, path, bytes: built_in[index].1.to_vec() })
            }
            Err(_) => Err(SireError::NoModule {
                name: name.to_owned(),
                path,
                required_by: required_by.map(str::to_owned),
            }),
        }
    }
}

/// Reads a regular file. It rejects pipes and devices, from which reading might never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    fs::read(path)
}

/// Returns the name of the module that an argument of the command line names: `NAME`, `NAME.sire`,
/// or either of these in `sire/`, with or without `./` in front.
///
/// # Errors
///
/// [`SireError::ModuleName`], for any other argument.
pub fn module_name(argument: &str) -> Result<&str, SireError> {
    let bad = || SireError::ModuleName(argument.to_owned());
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
    fn arguments_that_name_a_module() {
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
    fn built_in_modules_are_sorted() {
        assert!(BUILT_IN.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn the_error_for_a_missing_module_names_the_place_that_requires_it() {
        let missing = ModuleLibrary::only("/nonexistent").read("foo", Some("bar.sire:3"));
        let message = missing.err().expect("no such module").to_string();
        assert!(message.starts_with("bar.sire:3: no module foo"), "{message}");
    }
}
