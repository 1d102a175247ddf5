//! [`PerfMap`]: `/tmp/perf-PID.map`, which gives Linux's `perf` the names of compiled functions.
//!
//! Each line has an address, a size and a name. (tools/perf/Documentation/jit-interface.txt of Linux)
//! The file is not shortened when code is freed, so `perf` may know old code by an address that new
//! code has taken; the region uses free addresses as late as possible.

use super::perf_file::PerfFile;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

pub(super) static PERF_MAP: PerfFile = PerfFile::new("perf", "map");

/// Has the names of functions that are compiled from now on written for `perf`. Call it before the
/// first code is compiled. Returns the path of the file, which exists once code has been linked.
pub fn enable_perf_map() -> PathBuf {
    PERF_MAP.enable()
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
        if self.has_failed || !PERF_MAP.is_wanted() {
            return;
        }
        let mut lines = String::new();
        for (address, size, name) in functions {
            let name: String =
                name.chars().map(|c| if c.is_control() || c == ' ' { '_' } else { c }).collect();
            lines.push_str(&format!("{address:x} {size:x} pallas:{name}\n"));
        }
        if let Err(error) = self.write(lines.as_bytes()) {
            eprintln!("pallas: no map for perf: {}: {error}", PERF_MAP.path().display());
            self.has_failed = true;
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(PERF_MAP.create()?),
        };
        file.write_all(lines)
    }
}
