//! [`LIBRARY_IMAGE`] has the states after the modules of the Sire library. The build script
//! compiles the library, as V8's `mksnapshot` makes its snapshot, and a session that starts from
//! the image compiles none of it.
//!
//! Only a program should depend on this crate: its build script needs the compiler, for the
//! computer that builds, before anything that depends on the crate is built or checked.

#![deny(unsafe_code)]

use sire::LibraryImage;

/// The states after the modules of the library.
///
/// It is empty if the computer that built the program, or the one that runs it, has no 64-bit words
/// in little-endian order, or if the system of the first one refused the addresses of pins.
#[allow(unsafe_code, reason = "promises who wrote the image")]
pub static LIBRARY_IMAGE: LibraryImage = {
    // SAFETY: the build script writes the file, with `Sire::write_library_image`, or leaves it
    // empty.
    unsafe { LibraryImage::new(&BYTES.0) }
};

/// The bytes are at the start of a page, so that the system can map them from the file of the
/// program.
#[repr(C, align(4096))]
struct PageAligned<T>(T);

const FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.image"));

static BYTES: PageAligned<[u8; FILE.len()]> =
    PageAligned(*include_bytes!(concat!(env!("OUT_DIR"), "/library.image")));
