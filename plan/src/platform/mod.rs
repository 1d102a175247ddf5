//! Calls of the operating system that differ between systems, one function for each.
//!
//! ```text
//! linux      Linux's own calls: memfd, MAP_FIXED_NOREPLACE, MADV_DONTNEED, large pages
//! portable   the same functions by POSIX, and by macOS where POSIX has no such call
//! ```
//!
//! The modules that use them are the same on every system. The feature `portable-platform` selects the
//! portable functions on Linux too, so that tests can run them there. Functions that only one crate
//! above needs are in a module like this one of that crate.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
use self::linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
use self::portable as system;

mod errno;
#[cfg(test)]
mod tests;

pub use self::errno::{errno, set_errno};
pub use self::system::{discard, nameless_file, prefer_large_pages};
pub(crate) use self::system::{
    physical_memory, program_file, reserve_addresses, was_sent_by_process,
};

use std::time::Duration;

/// The CPU clock of one thread, which any thread may read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ThreadCpuClock(system::ThreadClockId);

impl ThreadCpuClock {
    /// Returns the clock of the calling thread.
    pub fn of_current_thread() -> ThreadCpuClock {
        // Each evaluation asks, and finding the clock costs a system call.
        thread_local!(static OWN: ThreadCpuClock =
            ThreadCpuClock(system::current_thread_clock()));
        OWN.with(|own| *own)
    }

    /// Returns the CPU time that the thread has used. None if the thread has ended.
    pub fn now(self) -> Option<Duration> {
        system::thread_cpu_time(self.0)
    }
}

/// Reads a clock of POSIX.
#[cfg(not(target_vendor = "apple"))]
fn read_clock(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = std::mem::MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid for the call.
    if unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call has succeeded, so it has written the time.
    let time = unsafe { time.assume_init() };
    Some(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32))
}
