//! A file of results, so that an interrupted long run can be resumed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

/// The results in the file that `PALLAS_JET_RESULTS` names, for the settings of one run. Without
/// the variable it is empty and stays so.
pub(crate) struct ResultsFile {
    path: Option<PathBuf>,
    /// The start of each line with these settings.
    settings: String,
    /// The lines of earlier runs with these settings, without the settings.
    earlier: Vec<String>,
}

impl ResultsFile {
    /// Reads the results of earlier runs with these settings.
    pub(crate) fn read(settings: String) -> ResultsFile {
        let path = std::env::var_os("PALLAS_JET_RESULTS").map(PathBuf::from);
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let text = text.unwrap_or_default();
        let earlier = text.lines().filter_map(|line| line.strip_prefix(&settings));
        let earlier = earlier.map(|line| line.trim_start().to_owned()).collect();
        ResultsFile { path, settings, earlier }
    }

    /// Whether a jet agreed with its law in an earlier run.
    pub(crate) fn has(&self, jet: &str) -> bool {
        self.earlier.iter().any(|line| line.split_whitespace().next() == Some(jet))
    }

    /// Appends the line of a jet that agrees with its law.
    pub(crate) fn add(&self, line: &str) {
        let Some(path) = &self.path else { return };
        let file: std::io::Result<File> = OpenOptions::new().create(true).append(true).open(path);
        // A single write, because another test may append to the file at the same time.
        let line = format!("{} {line}\n", self.settings);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
