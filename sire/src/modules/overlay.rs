//! [`SourceOverlay`]: texts of files that an editor has open, and that the disk does not have yet.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// The texts of files by their paths. A [`ModuleLibrary`](crate::ModuleLibrary) with an overlay reads
/// them in place of the files. Clones share the texts.
#[derive(Clone, Debug, Default)]
pub struct SourceOverlay {
    texts: Arc<RwLock<HashMap<PathBuf, Arc<str>>>>,
}

impl SourceOverlay {
    /// Sets the text of a file.
    pub fn set(&self, path: PathBuf, text: Arc<str>) {
        self.texts.write().unwrap_or_else(|error| error.into_inner()).insert(path, text);
    }

    /// Removes the text of a file: the disk has it from now on.
    pub fn remove(&self, path: &Path) {
        self.texts.write().unwrap_or_else(|error| error.into_inner()).remove(path);
    }

    /// Returns the text of a file, if the overlay has it.
    pub fn text(&self, path: &Path) -> Option<Arc<str>> {
        self.texts.read().unwrap_or_else(|error| error.into_inner()).get(path).cloned()
    }
}
