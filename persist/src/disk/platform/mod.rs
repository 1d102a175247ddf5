//! Calls of the file system that differ between systems.
//!
//! ```text
//! linux      fallocate punches holes, FICLONE shares blocks
//! portable   macOS punches holes by fcntl; other systems do not; nothing shares blocks
//! ```
//!
//! A flush needs no such function: [`std::fs::File::sync_data`] is `fdatasync` on Linux, and
//! `F_FULLFSYNC` on macOS, where `fsync` leaves the data in the cache of the disk.
//!
//! The feature `portable-platform` selects the portable functions on Linux too.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
use self::linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
use self::portable as system;

pub(crate) use self::system::{punch_hole, share_blocks};

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read, Seek, Write};

    #[test]
    fn a_hole_is_zero_or_refused() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&[7; 4 << 16]).expect("room");
        let outcome = punch_hole(&file, 1 << 16, 1 << 16);
        let expected = match outcome {
            Ok(()) => 0,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                7
            }
        };
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("read");
        assert_eq!(bytes.len(), 4 << 16);
        for (part, expected) in bytes.chunks(1 << 16).zip([7, expected, 7, 7]) {
            assert!(part.iter().all(|byte| *byte == expected));
        }
    }

    #[test]
    fn a_file_that_shares_blocks_has_the_same_bytes() {
        let [mut source, mut target] = [(); 2].map(|()| tempfile::tempfile().expect("a file"));
        source.write_all(&[5; 1 << 16]).expect("room");
        let is_shared = share_blocks(&source, &target);
        let mut bytes = Vec::new();
        target.rewind().and_then(|()| target.read_to_end(&mut bytes)).expect("read");
        assert_eq!(bytes.len(), if is_shared { 1 << 16 } else { 0 });
        assert!(bytes.iter().all(|byte| *byte == 5));
    }
}
