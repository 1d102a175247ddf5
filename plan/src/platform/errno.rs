//! `errno`, which a signal handler saves and restores.

use std::ffi::c_int;

#[cfg(target_os = "linux")]
use libc::__errno_location as errno_location;

#[cfg(target_vendor = "apple")]
use libc::__error as errno_location;

/// Returns `errno` of the calling thread.
pub fn errno() -> c_int {
    // SAFETY: the address is that of a variable of the thread.
    unsafe { *errno_location() }
}

/// Sets `errno` of the calling thread.
pub fn set_errno(value: c_int) {
    // SAFETY: the address is that of a variable of the thread.
    unsafe { *errno_location() = value };
}
