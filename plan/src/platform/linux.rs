//! The functions by Linux's own calls.

use super::read_clock;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

/// Returns the size of the machine's memory, in bytes.
pub(crate) fn physical_memory() -> usize {
    let info = rustix::system::sysinfo();
    (info.totalram as usize).saturating_mul(info.mem_unit as usize)
}

/// Reserves addresses, without memory behind them.
///
/// # Errors
/// [`Errno::EXIST`] if something is mapped there.
pub(crate) fn reserve_addresses(wanted: *mut c_void, bytes: usize) -> Result<(), Errno> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
    // SAFETY: `FIXED_NOREPLACE` refuses to replace a mapping.
    let got = unsafe { mmap_anonymous(wanted, bytes, ProtFlags::empty(), flags) }?;
    if got != wanted {
        // Kernels before 4.17 take the address as a hint.
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
    // SAFETY: by this function's contract.
    Ok(unsafe { madvise(start, bytes, Advice::LinuxDontNeed) }?)
}

/// Asks for large pages behind a range of addresses.
pub fn prefer_large_pages(addresses: Range<usize>) {
    let start = std::ptr::without_provenance_mut(addresses.start);
    // SAFETY: the advice does not change the contents, whatever the addresses are.
    let advised = unsafe { madvise(start, addresses.len(), Advice::LinuxHugepage) };
    // A kernel without large pages uses others.
    let _ = advised;
}

/// Creates an empty file in memory that no path names. `name` is for the list of mappings.
///
/// # Errors
/// As the system reports.
pub fn nameless_file(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

/// Returns the file of this program, and the offset of these bytes in it. None if they are not
/// there, or if the list of mappings cannot be read.
pub(crate) fn program_file(bytes: &'static [u8]) -> Option<(File, u64)> {
    // The link leads to the file that is running, also after another one has its path.
    let file = File::open("/proc/self/exe").ok()?;
    let mappings = std::fs::read_to_string("/proc/self/maps").ok()?;
    let offset = mappings.lines().find_map(|mapping| offset_in_mapping(mapping, bytes))?;
    Some((file, offset))
}

/// Returns the offset of these bytes in the file of a mapping, if the mapping has all of them.
/// (Linux: Documentation/filesystems/proc.rst, 3.1, `maps`)
fn offset_in_mapping(mapping: &str, bytes: &[u8]) -> Option<u64> {
    let mut fields = mapping.split_ascii_whitespace();
    let (range, _access, offset, _device, inode) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (start, end) = range.split_once('-')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let (start, end, offset) = (number(start)?, number(end)?, number(offset)?);
    let first = bytes.as_ptr().addr() as u64;
    let has_all = start <= first && first + bytes.len() as u64 <= end;
    (has_all && inode != "0").then(|| offset + (first - start))
}

/// Whether a process sent a signal that has this `si_code`; otherwise an instruction caused it.
pub(crate) fn was_sent_by_process(code: c_int) -> bool {
    code <= 0
}

/// The number of a thread's CPU clock.
pub(super) type ThreadClockId = libc::clockid_t;

/// Returns what `pthread_getcpuclockid` returns. The encoding is part of the kernel's interface:
/// the complement of the thread's number, and below it the bits for a thread's clock (4) that
/// counts the time on a processor (2). (Linux: include/linux/posix-timers_types.h)
pub(super) fn current_thread_clock() -> ThreadClockId {
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    (!thread << 3) | 4 | 2
}

/// Returns the CPU time of a thread. None if the thread has ended.
pub(super) fn thread_cpu_time(clock: ThreadClockId) -> Option<Duration> {
    read_clock(clock)
}
