//! The functions by POSIX. Where POSIX has no such call, the functions for macOS use its own.

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::ops::Range;

/// Returns the size of the machine's memory, in bytes.
pub(crate) fn physical_memory() -> usize {
    // SAFETY: the call has no conditions.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    usize::try_from(pages).unwrap_or(0).saturating_mul(rustix::param::page_size())
}

/// Reserves addresses, without memory behind them.
///
/// # Errors
/// [`Errno::EXIST`] if something is mapped there.
pub(crate) fn reserve_addresses(wanted: *mut c_void, bytes: usize) -> Result<(), Errno> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: without `FIXED` the address is a hint, and the mapping overlaps no other.
    let got = unsafe { mmap_anonymous(wanted, bytes, ProtFlags::empty(), flags) }?;
    if got != wanted {
        // SAFETY: the mapping was made just now.
        unsafe { munmap(got, bytes) }?;
        return Err(Errno::EXIST);
    }
    Ok(())
}

/// Gives the memory of whole pages back to the system. They are zero when they are touched again.
///
/// # Safety
/// The range belongs to a private anonymous mapping that can be read and written, and nothing uses its
/// contents.
///
/// # Errors
/// As the system reports. The pages keep their contents then.
pub unsafe fn discard(start: *mut c_void, bytes: usize) -> io::Result<()> {
    // The advice to drop pages means something else on each system, so new pages replace them.
    let access = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
    // SAFETY: by this function's contract. The new mapping is like the one that it replaces.
    unsafe { mmap_anonymous(start, bytes, access, flags) }?;
    Ok(())
}

/// Does nothing: the system chooses the size of pages.
pub fn prefer_large_pages(_: Range<usize>) {}

/// Creates an empty file that no path names, in the directory of temporary files.
///
/// # Errors
/// As the system reports.
pub fn nameless_file(_: &str) -> io::Result<File> {
    tempfile::tempfile()
}

/// Finds no file: POSIX has no list of mappings.
pub(crate) fn program_file(_: &'static [u8]) -> Option<(File, u64)> {
    None
}

/// Whether a process sent a signal that has this `si_code`; otherwise an instruction caused it.
pub(crate) fn was_sent_by_process(code: c_int) -> bool {
    // The codes of signals that a process or a timer sends, on macOS (sys/signal.h).
    const SENT: std::ops::RangeInclusive<c_int> = 0x10001..=0x10005;
    code <= 0 || (cfg!(target_vendor = "apple") && SENT.contains(&code))
}

pub(super) use self::thread_clock::{ThreadClockId, current_thread_clock, thread_cpu_time};

/// CPU clocks of threads by POSIX.
#[cfg(not(target_vendor = "apple"))]
mod thread_clock {
    use crate::platform::read_clock;
    use std::time::Duration;

    /// The number of a thread's CPU clock.
    pub(in crate::platform) type ThreadClockId = libc::clockid_t;

    /// Returns the clock of the calling thread.
    pub(in crate::platform) fn current_thread_clock() -> ThreadClockId {
        let mut clock = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: the calling thread exists, and the pointer is valid for the call.
        let code = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        debug_assert_eq!(code, 0, "the calling thread has a CPU clock");
        clock
    }

    /// Returns the CPU time of a thread. None if the thread has ended.
    pub(in crate::platform) fn thread_cpu_time(clock: ThreadClockId) -> Option<Duration> {
        read_clock(clock)
    }
}

/// CPU clocks of threads by Mach, which has no clock that another thread could read.
#[cfg(target_vendor = "apple")]
mod thread_clock {
    use std::mem::MaybeUninit;
    use std::time::Duration;

    /// The Mach port of a thread.
    pub(in crate::platform) type ThreadClockId = libc::mach_port_t;

    /// Returns the port of the calling thread.
    pub(in crate::platform) fn current_thread_clock() -> ThreadClockId {
        // SAFETY: the calling thread exists.
        unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) }
    }

    /// Returns the CPU time of a thread, in steps of a microsecond. None if the thread has ended and
    /// no other thread has got its port.
    pub(in crate::platform) fn thread_cpu_time(thread: ThreadClockId) -> Option<Duration> {
        let mut info = MaybeUninit::<libc::thread_basic_info>::uninit();
        let mut count = libc::THREAD_BASIC_INFO_COUNT;
        let flavor = libc::THREAD_BASIC_INFO as libc::thread_flavor_t;
        // SAFETY: the pointers are valid for the call, and `count` is the size of what it writes. Any
        // number may be passed as a port.
        let code =
            unsafe { libc::thread_info(thread, flavor, info.as_mut_ptr().cast(), &raw mut count) };
        if code != libc::KERN_SUCCESS {
            return None;
        }
        // SAFETY: the call has succeeded, so it has written the structure.
        let info = unsafe { info.assume_init() };
        let duration = |time: libc::time_value_t| {
            Duration::new(
                time.seconds.unsigned_abs().into(),
                1000 * time.microseconds.unsigned_abs(),
            )
        };
        Some(duration(info.user_time) + duration(info.system_time))
    }
}
