//! The functions by Linux's own calls.

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::File;
use std::io;

/// Gives the blocks of a range back to the file system. The range reads as zeros; the length stays.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] if the file system has no holes, or as it reports.
pub(crate) fn punch_hole(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(file, flags, offset, length).map_err(|error| match error {
        Errno::OPNOTSUPP | Errno::NOSYS => io::ErrorKind::Unsupported.into(),
        error => error.into(),
    })
}

/// Makes a new file share all blocks of another. Returns whether the file system can.
pub(crate) fn share_blocks(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}
