//! [`LibraryFiles`]: files with the sources of built-in modules.
//!
//! An editor can only open files, so the source of a built-in module is written into the cache when a
//! definition in it is asked for. All modules are written together, because a module is analysed with
//! the modules beside it. The folder's name is a hash of the sources, so another version has another
//! folder, and the sources in it never change.
//!
//! A server that writes its folder removes those of other versions that no server uses. A server holds
//! a shared lock on a file in the folder that it uses, and a folder is removed under the exclusive lock.

use sire::ModuleLibrary;
use std::cell::RefCell;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// What the names of the folders begin with.
const PREFIX: &str = "library-";
/// The name of the file in a folder that servers lock.
const LOCK: &str = ".lock";

/// The folder of the sources of built-in modules.
pub(crate) struct LibraryFiles {
    cache: PathBuf,
    /// The name of the folder in the cache.
    name: String,
    /// The lock of the folder while the server uses it.
    lock: RefCell<Option<File>>,
}

impl LibraryFiles {
    /// Makes the folder's name, in a folder for caches. Nothing is written yet.
    pub(crate) fn new(cache: &Path) -> LibraryFiles {
        let mut hasher = DefaultHasher::new();
        ModuleLibrary::built_in_texts().for_each(|source| source.hash(&mut hasher));
        let name = format!("{PREFIX}{:016x}", hasher.finish());
        LibraryFiles { cache: cache.to_owned(), name, lock: RefCell::default() }
    }

    /// Returns the file of a module whose path is `<library>/NAME.sire`; the path itself for another
    /// module. Returns none if the files cannot be written.
    pub(crate) fn path_of(&self, path: &str) -> Option<PathBuf> {
        let Some(file) = path.strip_prefix("<library>/") else { return Some(path.into()) };
        self.write().ok()?;
        let path = self.folder().join(file);
        path.is_file().then_some(path)
    }

    fn folder(&self) -> PathBuf {
        self.cache.join(&self.name)
    }

    /// Writes the files, unless that has been done.
    fn write(&self) -> io::Result<()> {
        let folder = self.folder();
        if self.lock.borrow().is_some() && folder.is_dir() {
            return Ok(());
        }
        let lock = match lock_shared(&folder) {
            Ok(lock) => lock,
            Err(_) => {
                self.write_folder(&folder)?;
                self.remove_unused();
                lock_shared(&folder)?
            }
        };
        self.lock.replace(Some(lock));
        Ok(())
    }

    fn write_folder(&self, folder: &Path) -> io::Result<()> {
        let temporary = self.cache.join(format!(".{}.{}.tmp", self.name, std::process::id()));
        fs::create_dir_all(&temporary)?;
        for (name, text) in ModuleLibrary::built_in_texts() {
            let path = temporary.join(format!("{name}.sire"));
            fs::write(&path, text)?;
            let mut permissions = fs::metadata(&path)?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&path, permissions)?;
        }
        File::create(temporary.join(LOCK))?;
        match fs::rename(&temporary, folder) {
            // Another process has written the same files.
            Err(_) if folder.join(LOCK).exists() => fs::remove_dir_all(&temporary),
            // An earlier version wrote the files without a lock.
            Err(_) if folder.is_dir() => {
                File::create(folder.join(LOCK))?;
                fs::remove_dir_all(&temporary)
            }
            result => result,
        }
    }

    /// Removes the folders of other versions that no server uses. A folder that cannot be removed
    /// stays: the next version tries again.
    fn remove_unused(&self) {
        let Ok(entries) = fs::read_dir(&self.cache) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_other = name.to_str().is_some_and(|name| is_folder(name) && name != self.name);
            if is_other && let Ok(lock) = lock_exclusive(&entry.path()) {
                // A server that waits for the lock finds no folder of that name.
                let removed = entry.path().with_extension(format!("{}.tmp", std::process::id()));
                if fs::rename(entry.path(), &removed).is_ok() {
                    let _ = fs::remove_dir_all(&removed);
                }
                drop(lock);
            }
        }
    }
}

/// Returns whether a folder of this name has the sources of a version.
fn is_folder(name: &str) -> bool {
    let hash = name.strip_prefix(PREFIX).unwrap_or_default();
    hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Locks a folder for use.
fn lock_shared(folder: &Path) -> io::Result<File> {
    let path = folder.join(LOCK);
    let lock = File::open(&path)?;
    lock.lock_shared()?;
    // The folder may have been removed before it was locked.
    if path.exists() { Ok(lock) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Locks a folder for its removal, unless a server uses it. A folder of an earlier version may have no
/// file to lock.
fn lock_exclusive(folder: &Path) -> io::Result<Option<File>> {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => {
            lock.try_lock()?;
            Ok(Some(lock))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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

    #[test]
    fn folders_of_other_versions_are_removed_unless_a_server_uses_them() {
        let cache = tempfile::tempdir().expect("a folder");
        let make = |name: &str, has_lock| {
            let folder = cache.path().join(name);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("kern.sire"), "").expect("a file");
            if has_lock {
                File::create(folder.join(LOCK)).expect("a file");
            }
            folder
        };
        let used = make("library-0000000000000001", true);
        let unused = make("library-0000000000000002", true);
        let without_lock = make("library-0000000000000003", false);
        let others = [make("library-of-mine", false), make("modules", false)];
        let lock = lock_shared(&used).expect("a lock");
        let files = LibraryFiles::new(cache.path());
        files.path_of("<library>/kern.sire").expect("a file");
        assert!(used.is_dir() && !unused.exists() && !without_lock.exists());
        assert!(others.iter().all(|folder| folder.is_dir()));
        drop(lock);
        // Nothing is removed while the folder of this version is there.
        LibraryFiles::new(cache.path()).path_of("<library>/kern.sire").expect("a file");
        assert!(used.is_dir());
        drop(files);
        fs::remove_dir_all(cache.path().join(&LibraryFiles::new(cache.path()).name)).expect("gone");
        let files = LibraryFiles::new(cache.path());
        files.path_of("<library>/kern.sire").expect("a file");
        assert!(!used.exists());
        let names = fs::read_dir(cache.path()).expect("a folder");
        assert_eq!(names.count(), 3);
    }
}
