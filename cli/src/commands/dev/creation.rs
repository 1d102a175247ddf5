//! Creating the store of a development machine together with its note.
//!
//! Both are made in a directory beside the store, which is then renamed. A kill at any moment leaves no
//! store, or one with its note: a store without a note would have its fresh state converted by
//! `migrate`.

use super::check::CheckedProgram;
use super::note::DevNote;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Creates a machine in `store`, which is an empty directory or does not exist, with `main` of a
/// program as its first state, and the note beside it.
pub(super) fn create_store(store: &Path, program: CheckedProgram, note: &DevNote) -> Result<()> {
    let failed = || format!("cannot create {}", store.display());
    // A link to a directory cannot be replaced, but what it leads to can.
    let store =
        if store.exists() { store.canonicalize().with_context(failed)? } else { store.into() };
    let new = beside(&store).with_context(failed)?;
    let created = program.boot(&new).and_then(|()| {
        note.save(&new)?;
        publish(&new, &store).with_context(failed)
    });
    if created.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&new);
    }
    created
}

/// A directory beside the store that no other process uses. None if the store has no name.
fn beside(store: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(store.file_name()?);
    name.push(format!(".{}.new", std::process::id()));
    Some(store.with_file_name(name))
}

/// Renames the new directory, durably.
fn publish(new: &Path, store: &Path) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    fs::rename(new, store)?;
    let parent = store.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
