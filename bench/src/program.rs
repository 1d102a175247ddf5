//! The programs: the folders of `bench/programs`.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The program that does nothing. Its time is that of starting a system.
pub(crate) const NOTHING: &str = "nothing";

/// A program, with a source file for each system that can run it.
pub(crate) struct Program {
    pub(crate) name: String,
    folder: PathBuf,
}

impl Program {
    /// The source file with this extension, if there is one.
    pub(crate) fn source(&self, extension: &str) -> Option<PathBuf> {
        let path = self.folder.join(&self.name).with_extension(extension);
        path.is_file().then_some(path)
    }
}

/// The folder of programs. It also has the clocks that the programs use.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// All programs, [`NOTHING`] first, the others by name.
///
/// # Errors
/// If the folder of programs cannot be read.
pub(crate) fn all() -> Result<Vec<Program>> {
    let root = folder();
    let entries = root.read_dir().with_context(|| format!("cannot read {}", root.display()))?;
    let mut programs = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if folder.is_dir() {
            programs.push(Program { name, folder });
        }
    }
    programs.sort_by_key(|program| (program.name != NOTHING, program.name.clone()));
    Ok(programs)
}
