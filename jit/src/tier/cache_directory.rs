//! The directory in which machine code is kept from run to run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static CACHE_DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Keeps machine code from run to run in a directory, which need not exist. Only the first call in a
/// process has an effect, and only before the first law is compiled.
pub fn set_cache_directory(directory: &Path) {
    // A later call changes nothing.
    let _ = CACHE_DIRECTORY.set(directory.to_owned());
}

/// The directory; `None` if no code is kept.
pub(super) fn cache_directory() -> Option<&'static Path> {
    CACHE_DIRECTORY.get().map(PathBuf::as_path)
}
