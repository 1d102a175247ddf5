//! Finds the files of modules in directories.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Returns the files of modules that the paths name: files as they are, and the modules in
/// directories and in directories below, in the order of their paths. Hidden directories are left
/// out.
///
/// # Errors
/// If a path does not exist, or a directory cannot be read.
pub(crate) fn source_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(files_below(path)?);
        } else {
            std::fs::metadata(path).with_context(|| path.display().to_string())?;
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        let failed = || format!("cannot read {}", directory.display());
        for entry in std::fs::read_dir(&directory).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let path = shortened(&entry.path());
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            // A link to a directory may lead back to one above it, so links are not followed.
            let kind = entry.file_type().with_context(failed)?;
            if kind.is_dir() && !is_hidden {
                pending.push(path);
            } else if !is_hidden && path.extension().is_some_and(|found| found == "sire") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A path without `./` in front.
fn shortened(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}
