//! The programs: the folders of `bench/programs`.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The program that does nothing. Its time is that of starting a system.
pub(crate) const NOTHING: &str = "nothing";

/// The programs that the compiler was tuned on. All others were written afterwards, from the
/// Gabriel and Larceny benchmarks, nofib and the Benchmarks Game.
const OLD: [&str; 12] = [
    "ack", "bytes", "fib", "loop", "power", "primes", "queens", "row", "table", "tak", "tree",
    "xorshift",
];

/// A selection of programs, for measuring and for geometric means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProgramGroup {
    /// All programs
    All,
    /// The programs that the compiler was tuned on
    Old,
    /// The programs that were written afterwards
    New,
}

impl ProgramGroup {
    pub(crate) const EACH: [ProgramGroup; 3] =
        [ProgramGroup::All, ProgramGroup::Old, ProgramGroup::New];

    pub(crate) fn name(self) -> &'static str {
        match self {
            ProgramGroup::All => "all",
            ProgramGroup::Old => "old",
            ProgramGroup::New => "new",
        }
    }

    /// Whether the group contains this program. [`NOTHING`] is only in [`ProgramGroup::All`].
    pub(crate) fn contains(self, program: &Program) -> bool {
        let is_old = OLD.contains(&program.name.as_str());
        match self {
            ProgramGroup::All => true,
            ProgramGroup::Old => is_old,
            ProgramGroup::New => !is_old && program.name != NOTHING,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_old_or_new_and_has_twins() {
        let programs = all().unwrap();
        let count = |group: ProgramGroup| programs.iter().filter(|p| group.contains(p)).count();
        assert_eq!(count(ProgramGroup::Old), OLD.len());
        assert_eq!(
            count(ProgramGroup::Old) + count(ProgramGroup::New) + 1,
            count(ProgramGroup::All)
        );
        for program in programs.iter().filter(|p| ProgramGroup::New.contains(p)) {
            for extension in ["sire", "ss", "hs"] {
                assert!(program.source(extension).is_some(), "{}.{extension}", program.name);
            }
        }
    }
}
