//! A file of what has been found, so that a long run that was ended can be gone on with.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

/// The file that `PALLAS_JET_RESULTS` names, if it names one, as far as it is about one run's settings.
pub(crate) struct Results {
    path: Option<PathBuf>,
    /// What lines of these settings begin with.
    settings: String,
    /// The lines that were there, without that.
    before: Vec<String>,
}

impl Results {
    /// What is known already of a run with these settings.
    pub(crate) fn new(settings: String) -> Results {
        let path = std::env::var_os("PALLAS_JET_RESULTS").map(PathBuf::from);
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let before = text.unwrap_or_default();
        let before = before.lines().filter_map(|line| line.strip_prefix(&settings));
        let before = before.map(|line| line.trim_start().to_owned()).collect();
        Results { path, settings, before }
    }

    /// Whether that jet agreed.
    pub(crate) fn has(&self, jet: &str) -> bool {
        self.before.iter().any(|line| line.split_whitespace().next() == Some(jet))
    }

    /// Adds the line of a jet that agreed.
    pub(crate) fn add(&self, line: &str) {
        let Some(path) = &self.path else { return };
        let file: std::io::Result<File> = OpenOptions::new().create(true).append(true).open(path);
        // One write, since another test may be adding lines too.
        let line = format!("{} {line}\n", self.settings);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
