//! Watches the files of modules. Directories are watched, not files: an editor that replaces a file
//! by a rename leaves another file under its name.

use anyhow::{Context, Result};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use sire::{ModuleArgument, ModuleLibrary, ModuleSource, module_sources};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The directory of the library.
const LIBRARY: &str = "sire";

/// Returns the sources of modules and their imports, as far as they can be read.
pub(super) fn sources_of(modules: &[ModuleArgument]) -> Vec<ModuleSource> {
    let library = ModuleLibrary::new(LIBRARY);
    modules.iter().flat_map(|module| module_sources(&library, module)).collect()
}

/// Notifies its owner of files that change.
pub(super) struct SourceWatcher {
    watcher: RecommendedWatcher,
    /// The directories in which modules are searched.
    searched: BTreeSet<PathBuf>,
    watched: BTreeSet<PathBuf>,
}

impl SourceWatcher {
    /// Watches the files of modules. `on_change` is called on another thread when a file has changed
    /// that may be a source, often several times for one change.
    pub(super) fn start(
        modules: &[ModuleArgument],
        on_change: impl Fn() + Send + 'static,
    ) -> Result<SourceWatcher> {
        let folders = modules.iter().filter_map(ModuleArgument::folder).map(Path::to_owned);
        let searched: BTreeSet<PathBuf> = folders.chain([LIBRARY.into()]).collect();
        let names = searched.iter().filter_map(|folder| folder.file_name()).map(OsStr::to_owned);
        let names: Vec<OsString> = names.collect();
        let handler = move |event: notify::Result<Event>| {
            // After an error, such as lost events, anything may have changed.
            if event.map_or(true, |event| is_relevant(&event, &names)) {
                on_change();
            }
        };
        let watcher = notify::recommended_watcher(handler).context("cannot watch files")?;
        let mut watcher = SourceWatcher { watcher, searched, watched: BTreeSet::new() };
        watcher.watch(&sources_of(modules));
        Ok(watcher)
    }

    /// Watches the directories of these sources, and those in which modules are searched. In place of
    /// a directory that does not exist, the nearest one above it is watched.
    pub(super) fn watch(&mut self, sources: &[ModuleSource]) {
        let files = sources.iter().filter_map(|source| source.path.as_deref());
        let folders =
            files.filter_map(Path::parent).chain(self.searched.iter().map(PathBuf::as_path));
        let wanted: BTreeSet<PathBuf> = folders.map(existing).collect();
        for folder in self.watched.difference(&wanted) {
            // The directory may have been removed, and then it is watched no more.
            let _ = self.watcher.unwatch(folder);
        }
        // Those that are watched are watched again: another directory may have their name by now. A
        // directory that cannot be watched is tried again after the next change.
        self.watched = wanted
            .into_iter()
            .filter(|folder| self.watcher.watch(folder, RecursiveMode::NonRecursive).is_ok())
            .collect();
    }
}

/// The nearest existing directory of a path.
fn existing(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find(|folder| folder.is_dir());
    found.filter(|found| !found.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Whether an event may be the change of a source: of a file with the extension `.sire`, or of a
/// directory with one of these names.
fn is_relevant(event: &Event, names: &[OsString]) -> bool {
    let is_source = |path: &PathBuf| {
        let is_folder = path.file_name().is_some_and(|name| names.iter().any(|it| it == name));
        is_folder || path.extension().is_some_and(|extension| extension == "sire")
    };
    event.need_rescan() || !event.kind.is_access() && event.paths.iter().any(is_source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, CreateKind, EventKind, ModifyKind, RenameMode};

    #[test]
    fn changes_of_sources_and_directories_are_relevant() {
        let names = [OsString::from("sire")];
        let is_relevant =
            |kind, path: &str| is_relevant(&Event::new(kind).add_path(path.into()), &names);
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let created = EventKind::Create(CreateKind::File);
        assert!(is_relevant(renamed, "a/shop.sire"));
        assert!(is_relevant(EventKind::Create(CreateKind::Folder), "a/sire"));
        assert!(!is_relevant(created, "a/shop.sire~"));
        assert!(!is_relevant(created, "a/.shop.sire.swp"));
        assert!(!is_relevant(EventKind::Create(CreateKind::Folder), "a/store"));
        assert!(!is_relevant(EventKind::Access(AccessKind::Any), "a/shop.sire"));
    }

    #[test]
    fn a_missing_directory_is_awaited_above() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        assert_eq!(existing(&path.join("a/b")), path);
        assert_eq!(existing(path), path);
        assert_eq!(existing(Path::new("no_such_directory_here")), Path::new("."));
    }
}
