//! [`PerfFile`]: a file in `/tmp` that `perf` looks for by the number of the process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file that the linkers of this process write if it is wanted.
pub(super) struct PerfFile {
    /// Whether the next linker writes the file.
    is_wanted: AtomicBool,
    /// The name before the number of the process.
    prefix: &'static str,
    extension: &'static str,
}

impl PerfFile {
    pub(super) const fn new(prefix: &'static str, extension: &'static str) -> PerfFile {
        PerfFile { is_wanted: AtomicBool::new(false), prefix, extension }
    }

    /// Has the file written for functions that are compiled from now on. Returns its path; it exists
    /// once code has been linked.
    pub(super) fn enable(&self) -> PathBuf {
        self.is_wanted.store(true, Ordering::Relaxed);
        self.path()
    }

    /// Whether the file is to be written.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/tmp/{}-{}.{}", self.prefix, std::process::id(), self.extension))
    }

    /// Makes the file, empty.
    pub(super) fn create(&self) -> io::Result<File> {
        // What another process with this number left. Another user's file stays, and then the new one
        // cannot be made.
        let _ = fs::remove_file(self.path());
        OpenOptions::new().read(true).write(true).create_new(true).open(self.path())
    }
}
