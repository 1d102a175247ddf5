//! The functions by POSIX, and by macOS where POSIX has no such call.

use std::fs::File;
use std::io;

/// Gives the blocks of a range back to the file system. The range reads as zeros; the length stays.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] if the file system has no holes, or as it reports.
#[cfg(target_vendor = "apple")]
#[allow(unsafe_code, reason = "rustix has no such call")]
pub(crate) fn punch_hole(file: &File, offset: u64, length: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let to_offset = |number: u64| libc::off_t::try_from(number).map_err(io::Error::other);
    let hole = libc::fpunchhole_t {
        fp_flags: 0,
        reserved: 0,
        fp_offset: to_offset(offset)?,
        fp_length: to_offset(length)?,
    };
    // SAFETY: the file is open, and the pointer is valid for the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PUNCHHOLE, &raw const hole) } {
        -1 => Err(match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENOTSUP) => {
                io::ErrorKind::Unsupported.into()
            }
            error => error,
        }),
        _ => Ok(()),
    }
}

/// Gives no blocks back.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`], always.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn punch_hole(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Shares no blocks: macOS can only make a clone at a new path.
pub(crate) fn share_blocks(_: &File, _: &File) -> bool {
    false
}
