//! The library of modules: a folder, and modules that are built into the program.

use super::overlay::SourceOverlay;
use crate::error::SireError;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The modules in the folder of this crate's manifest, in ascending order of their names.
pub(super) static BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// Modules of the prototype's library, and the module of ours that has their names; in ascending order
/// of their names. A program for the prototype's library finds its imports under these names.
static PROTOTYPE_MODULES: &[(&str, &str)] = &[
    ("blake3", "hash"),
    ("hitch", "big"),
    ("mutrec", "prelude"),
    ("sire_01_fan", "sire"),
    ("sire_02_bit", "sire"),
    ("sire_03_nat", "sire"),
    ("sire_04_cmp", "sire"),
    ("sire_05_row", "sire"),
    ("sire_06_rex", "sire"),
    ("sire_07_dat", "sire"),
    ("sire_10_str", "sire"),
    ("sire_11_set", "sire"),
    ("sire_12_tab", "sire"),
    ("sire_13_exp", "sire"),
    ("sire_14_hax", "sire"),
    ("sire_15_pad", "sire"),
    ("sire_16_bar", "sire"),
    ("sire_17_sug", "sire"),
    ("sire_18_pat", "sire"),
    ("sire_21_switch", "sire"),
    ("sire_25_datatype", "sire"),
    ("splitmix", "random"),
    ("stew", "prelude"),
    ("w32", "prelude"),
    ("w64", "prelude"),
];

/// Finds modules by name: first in a folder, then among the modules that are built in, and last
/// among the names that the prototype has for them.
#[derive(Clone, Debug)]
pub struct ModuleLibrary {
    /// The folder of the module that was named by its path; it is searched first.
    beside: Option<PathBuf>,
    folder: PathBuf,
    built_in: bool,
    /// The texts that replace those of files.
    overlay: SourceOverlay,
}

/// The file of a module.
pub(crate) struct ModuleFile {
    /// The file's name, for messages.
    pub(super) name: String,
    /// The file's path, for messages that show it in full.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// Whether it is built into the program.
    pub(super) is_built_in: bool,
}

impl ModuleLibrary {
    /// Makes a library of the modules in `folder` and of the built-in modules. The folder has
    /// priority.
    pub fn new(folder: impl Into<PathBuf>) -> ModuleLibrary {
        ModuleLibrary {
            beside: None,
            folder: folder.into(),
            built_in: true,
            overlay: SourceOverlay::default(),
        }
    }

    /// Makes a library of the modules in `folder` only.
    pub fn only(folder: impl Into<PathBuf>) -> ModuleLibrary {
        ModuleLibrary { built_in: false, ..ModuleLibrary::new(folder) }
    }

    /// Returns the library with an overlay of its files.
    #[must_use]
    pub fn with_overlay(self, overlay: SourceOverlay) -> ModuleLibrary {
        ModuleLibrary { overlay, ..self }
    }

    /// Returns whether the overlay has the text of a file.
    pub(crate) fn is_overlaid(&self, path: &Path) -> bool {
        self.overlay.text(path).is_some()
    }

    /// Returns the names and texts of the built-in modules.
    pub fn built_in_texts() -> impl Iterator<Item = (&'static str, &'static [u8])> {
        BUILT_IN.iter().copied()
    }

    /// Sets the folder that is searched before the library's own; none for no such folder.
    pub(crate) fn search_beside(&mut self, folder: Option<PathBuf>) {
        self.beside = folder;
    }

    /// Returns the names of the built-in modules.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Returns the names of modules of the prototype's library whose names are in built-in modules
    /// of other names. A program can import them, too.
    pub fn prototype_names() -> impl Iterator<Item = &'static str> {
        PROTOTYPE_MODULES.iter().map(|(name, _)| *name)
    }

    /// Returns the names and texts of all modules that can be read.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (String, String)> {
        let folders = self.beside.iter().chain([&self.folder]);
        let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let in_folder = entries.filter_map(|entry| {
            let path = entry.path();
            let is_module = path.extension().is_some_and(|extension| extension == "sire");
            let name = path.file_stem()?.to_str()?.to_owned();
            let bytes = self.bytes(&path).ok().filter(|_| is_module)?;
            Some((name, String::from_utf8(bytes).ok()?))
        });
        let built_in = if self.built_in { BUILT_IN } else { &[] };
        let built_in = built_in
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), String::from_utf8_lossy(bytes).into_owned()));
        in_folder.chain(built_in)
    }

    /// Returns the path and the text of a module that can be read.
    pub(crate) fn text(&self, name: &str) -> Option<(String, String)> {
        let ModuleFile { path, bytes, .. } = self.read(name, None).ok()?;
        Some((path, String::from_utf8(bytes).ok()?))
    }

    /// Returns whether there is a module of this name, even if it cannot be read.
    pub(crate) fn has(&self, name: &str) -> bool {
        !matches!(self.read(name, None), Err(SireError::NoModule { .. }))
    }

    /// Returns the names of all modules, in alphabetical order.
    pub(crate) fn names(&self) -> Vec<String> {
        let folders = self.beside.iter().chain([&self.folder]);
        let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let in_folder = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".sire").map(str::to_owned)
        });
        let built_in = if self.built_in { BUILT_IN } else { &[] };
        let built_in = built_in.iter().map(|(name, _)| (*name).to_owned());
        let mut names: Vec<String> = in_folder.chain(built_in).collect();
        names.sort();
        names.dedup();
        names
    }

    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.overlay.text(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => read_regular(path),
        }
    }

    /// Reads the file of a module. `required_by` is the file and line that name the module as the
    /// predecessor; only an error uses it.
    pub(crate) fn read(
        &self,
        name: &str,
        required_by: Option<&str>,
    ) -> Result<ModuleFile, SireError> {
        let file = format!("{name}.sire");
        let path = self.folder.join(&file);
        for path in self.beside.iter().map(|folder| folder.join(&file)).chain([path.clone()]) {
            match self.bytes(&path) {
                Ok(bytes) => {
                    let path = path.display().to_string();
                    return Ok(ModuleFile { name: file, path, bytes, is_built_in: false });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(SireError::File { path, error }),
            }
        }
        let bytes = if self.built_in { built_in_bytes(name) } else { None };
        let Some(bytes) = bytes else {
            return Err(SireError::NoModule {
                name: name.to_owned(),
                path,
                required_by: required_by.map(str::to_owned),
            });
        };
        let path = format!("<library>/{file}");
        Ok(ModuleFile { name: file, path, bytes, is_built_in: true })
    }
}

/// Returns the text of a built-in module. A module of the prototype imports ours.
fn built_in_bytes(name: &str) -> Option<Vec<u8>> {
    let find = |index: usize| BUILT_IN[index].1.to_vec();
    let built_in = BUILT_IN.binary_search_by_key(&name, |(name, _)| name).ok().map(find);
    built_in.or_else(|| {
        let index = PROTOTYPE_MODULES.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(format!("#### {name}\n\n:| {}\n", PROTOTYPE_MODULES[index].1).into_bytes())
    })
}

/// Returns the text of a built-in module, unless it stands for one of the prototype.
pub(crate) fn built_in_text(name: &str) -> Option<&'static [u8]> {
    let index = BUILT_IN.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(BUILT_IN[index].1)
}

/// Reads a regular file. It rejects pipes and devices, from which reading might never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    fs::read(path)
}

/// A module as an argument of the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleArgument {
    /// The module's name.
    pub(crate) name: String,
    /// The folder of its file, if the argument is the path of a file. Its dependencies are searched
    /// there first.
    pub(crate) folder: Option<PathBuf>,
}

impl ModuleArgument {
    /// Makes the argument for the module of a file, which need not exist; none if a file of that name
    /// has no module.
    pub fn of_file(path: &Path) -> Option<ModuleArgument> {
        let is_module = path.extension().is_some_and(|extension| extension == "sire");
        let name = path.file_stem().filter(|_| is_module)?.to_str()?.to_owned();
        let folder = path.parent().map(Path::to_owned);
        (!name.contains('.')).then_some(ModuleArgument { name, folder })
    }

    /// Returns the argument for another module that is found in the same way: beside this one if it
    /// is named by its path, in the library otherwise.
    pub fn sibling(&self, name: &str) -> ModuleArgument {
        ModuleArgument { name: name.to_owned(), folder: self.folder.clone() }
    }

    /// Returns the module's name: that of its file, without the extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the folder in which the module's predecessors are searched first, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Parses an argument: `NAME`, or the path of a file, whose extension `.sire` may be left out.
    /// A path in `sire/`, without a folder, or of the form `./NAME`, is that of a module of the library
    /// if there is no such file, as the prototype has it.
    ///
    /// # Errors
    ///
    /// [`SireError::ModuleName`], if the argument is neither; [`SireError::NoFile`], if there is no
    /// such file.
    pub fn parse(argument: &str) -> Result<ModuleArgument, SireError> {
        let bad = || SireError::ModuleName(argument.to_owned());
        let path = Path::new(argument);
        let file = path.file_name().and_then(|name| name.to_str()).ok_or_else(bad)?;
        let folder = argument.strip_suffix(file).ok_or_else(bad)?;
        let name = file.strip_suffix(".sire").unwrap_or(file);
        if name.is_empty() || name.contains('.') {
            return Err(bad());
        }
        let has_extension = file.len() > name.len();
        let is_library = match folder {
            "" | "sire/" | "./sire/" => true,
            "./" => !has_extension,
            _ => false,
        };
        let path = path.with_file_name(format!("{name}.sire"));
        let is_path = match folder {
            "sire/" | "./sire/" => false,
            "" => has_extension && !Path::new("sire").join(&path).exists(),
            _ => true,
        };
        if is_path && path.exists() {
            let folder = path.parent().map(Path::to_owned);
            return Ok(ModuleArgument { name: name.to_owned(), folder });
        }
        match is_library {
            true => Ok(ModuleArgument { name: name.to_owned(), folder: None }),
            false => Err(SireError::NoFile(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_name_a_module() {
        for argument in ["foo", "foo.sire", "./foo", "sire/foo.sire", "./sire/foo"] {
            let module = ModuleArgument::parse(argument).expect(argument);
            assert_eq!(module, ModuleArgument { name: "foo".into(), folder: None });
        }
        for argument in
            ["", ".", "..", "/foo", "a/foo", "../sire/foo", "foo.txt", "foo.x.sire", "sire/"]
        {
            assert!(ModuleArgument::parse(argument).is_err(), "{argument}");
        }
    }

    #[test]
    fn a_path_names_a_file_anywhere() {
        let missing = ModuleArgument::parse("./nowhere.sire");
        assert!(
            matches!(missing, Err(SireError::NoFile(path)) if path == Path::new("./nowhere.sire"))
        );
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("app.sire"), "#### app\n").expect("a file");
        for name in ["app", "app.sire"] {
            let path = folder.path().join(name);
            let module = ModuleArgument::parse(path.to_str().expect("UTF-8")).expect("a module");
            let folder = Some(folder.path().to_owned());
            assert_eq!(module, ModuleArgument { name: "app".into(), folder });
        }
        let missing = folder.path().join("nosuch.sire");
        let error = ModuleArgument::parse(missing.to_str().expect("UTF-8"));
        assert!(matches!(error, Err(SireError::NoFile(path)) if path == missing));
    }

    #[test]
    fn built_in_modules_are_sorted() {
        assert!(BUILT_IN.is_sorted_by_key(|(name, _)| name));
        assert!(PROTOTYPE_MODULES.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn the_modules_for_names_of_the_prototype_exist() {
        let is_built_in = |name| BUILT_IN.iter().any(|(other, _)| *other == name);
        for (name, ours) in PROTOTYPE_MODULES {
            assert!(is_built_in(*ours) && !is_built_in(*name), "{name}");
        }
    }

    #[test]
    fn the_error_for_a_missing_module_names_the_place_that_requires_it() {
        let missing = ModuleLibrary::only("/nonexistent").read("foo", Some("bar.sire:3"));
        let message = missing.err().expect("no such module").to_string();
        assert!(message.starts_with("bar.sire:3: no module foo"), "{message}");
    }
}
