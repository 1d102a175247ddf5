//! [`PinFault`]: why a pin of a pin space cannot be used.

use std::io;

/// Why a frozen pin cannot be used. The text continues a sentence about the pin.
#[derive(Debug, thiserror::Error)]
pub enum PinFault {
    /// The pin space has no record at the address.
    #[error("there is no pin there")]
    Absent,
    /// The record fails its check.
    #[error("its bytes are not those that were written")]
    Mismatch,
    /// The file ends before the record does.
    #[error("the file ends before the pin does")]
    Truncated,
    /// The file system failed to read the record.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// A page could not be read while it was mapped and in use.
    #[error(
        "the page could not be read while it was in use (a disk error, or the file was cut short)"
    )]
    LostPage,
}

impl From<io::Error> for PinFault {
    fn from(error: io::Error) -> PinFault {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => PinFault::Truncated,
            _ => PinFault::Unreadable(error),
        }
    }
}
