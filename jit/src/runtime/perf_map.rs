//! [`PerfMap`]: `/tmp/perf-PID.map`, which gives Linux's `perf` the names of compiled functions.
//!
//! Each line has an address, a size and a name. (tools/perf/Documentation/jit-interface.txt of Linux)
//! The file is not shortened when code is freed, so `perf` may know old code by an address that new
//! code has taken; the region uses free addresses as late as possible.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the next linker writes a map.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// Has the names of functions that are compiled from now on written for `perf`. Call it before the
/// first code is compiled. Returns the path of the file, which exists once code has been linked.
pub fn enable_perf_map() -> PathBuf {
    IS_WANTED.store(true, Ordering::Relaxed);
    path()
}

/// Whether names are to be written.
pub(super) fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Relaxed)
}

fn path() -> PathBuf {
    PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()))
}

/// The map of this process.
#[derive(Default)]
pub(super) struct PerfMap {
    file: Option<File>,
    /// Whether the file could not be made or written. It is not tried again.
    has_failed: bool,
}

impl PerfMap {
    /// Adds functions, if a map is wanted: for each its address, its size and its name.
    pub(super) fn add<'n>(&mut self, functions: impl Iterator<Item = (usize, usize, &'n str)>) {
        if self.has_failed || !is_wanted() {
            return;
        }
        let mut lines = String::new();
        for (address, size, name) in functions {
            let name: String =
                name.chars().map(|c| if c.is_control() || c == ' ' { '_' } else { c }).collect();
            lines.push_str(&format!("{address:x} {size:x} pallas:{name}\n"));
        }
        if let Err(error) = self.write(lines.as_bytes()) {
            eprintln!("pallas: no map for perf: {}: {error}", path().display());
            self.has_failed = true;
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                // What another process with this number left. Another user's file stays, and then
                // the new one cannot be made.
                let _ = fs::remove_file(path());
                let file = OpenOptions::new().write(true).create_new(true).open(path())?;
                self.file.insert(file)
            }
        };
        file.write_all(lines)
    }
}
