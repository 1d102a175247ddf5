//! The file of the program that runs.

use std::fs::Metadata;
use std::io;

/// Returns what the system knows about the file of this program, even if another file has its path by
/// now.
///
/// # Errors
/// As the system reports.
#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
pub(super) fn program_metadata() -> io::Result<Metadata> {
    std::fs::metadata("/proc/self/exe")
}

/// Returns what the system knows about the file of this program. If another file has its path by now,
/// that file is described.
///
/// # Errors
/// As the system reports.
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
pub(super) fn program_metadata() -> io::Result<Metadata> {
    std::fs::metadata(std::env::current_exe()?)
}
