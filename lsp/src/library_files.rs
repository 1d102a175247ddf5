//! [`LibraryFiles`]: files with the sources of built-in modules.
//!
//! An editor can only open files, so the source of a built-in module is written into the cache when a
//! definition in it is asked for. All modules are written together, because a module is analysed with
//! the modules beside it. The folder's name is a hash of the sources, so another version has another
//! folder, and the files never change.

use sire::ModuleLibrary;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the sources of built-in modules.
pub(crate) struct LibraryFiles {
    folder: PathBuf,
}

impl LibraryFiles {
    /// Makes the folder's name, in a folder for caches. Nothing is written yet.
    pub(crate) fn new(cache: &Path) -> LibraryFiles {
        let mut hasher = DefaultHasher::new();
        ModuleLibrary::built_in_texts().for_each(|source| source.hash(&mut hasher));
        LibraryFiles { folder: cache.join(format!("library-{:016x}", hasher.finish())) }
    }

    /// Returns the file of a module whose path is `<library>/NAME.sire`; the path itself for another
    /// module. Returns none if the files cannot be written.
    pub(crate) fn path_of(&self, path: &str) -> Option<PathBuf> {
        let Some(file) = path.strip_prefix("<library>/") else { return Some(path.into()) };
        self.write().ok()?;
        let path = self.folder.join(file);
        path.is_file().then_some(path)
    }

    /// Writes the files, unless that has been done.
    fn write(&self) -> io::Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let name = format!(".{}.tmp", std::process::id());
        let temporary = self.folder.with_extension(name);
        fs::create_dir_all(&temporary)?;
        for (name, text) in ModuleLibrary::built_in_texts() {
            let path = temporary.join(format!("{name}.sire"));
            fs::write(&path, text)?;
            let mut permissions = fs::metadata(&path)?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&path, permissions)?;
        }
        match fs::rename(&temporary, &self.folder) {
            // Another process has written the same files.
            Err(_) if self.folder.is_dir() => fs::remove_dir_all(&temporary),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_modules_have_files() {
        let cache = tempfile::tempdir().expect("a folder");
        let files = LibraryFiles::new(cache.path());
        let path = files.path_of("<library>/kern.sire").expect("a file");
        let text = fs::read(&path).expect("it can be read");
        let found = ModuleLibrary::built_in_texts().find(|(name, _)| *name == "kern");
        assert_eq!(found.map(|(_, text)| text), Some(text.as_slice()));
        assert_eq!(files.path_of("<library>/nosuch.sire"), None);
        assert_eq!(files.path_of("/a/b.sire"), Some("/a/b.sire".into()));
    }
}
