//! [`CodeMemory`]: the memory of a region of machine code.
//!
//! ```text
//! linux      a file in memory that is mapped twice, once to be written and once to be run
//! portable   one mapping, to be written and run; on macOS each thread may do one of the two
//! ```
//!
//! On processors whose instruction cache does not follow stores, the cache is invalidated for new
//! code, at the addresses at which it is written and run.

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable-platform")))]
use self::linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable-platform"))))]
use self::portable as system;

pub(super) use self::system::CodeMemory;

/// The smallest line of an instruction cache that a processor may have, in bytes. A range whose caches
/// are made coherent begins at a multiple of it.
pub(super) const MIN_CACHE_LINE: usize = 16;

use std::ops::Range;

/// Makes the instruction cache at `run` coherent with the bytes written at `written`.
///
/// The line size is the smallest that a processor may have. x86 processors follow stores by
/// themselves. (Arm Architecture Reference Manual, B2.4.4: the sequence for self-modifying code.)
#[cfg(target_arch = "aarch64")]
fn synchronise_lines(written: usize, run: &Range<usize>) {
    use std::arch::asm;
    let lines = run.clone().step_by(MIN_CACHE_LINE);
    for line in lines.clone() {
        let line = line - run.start + written;
        // SAFETY: cleaning a line of a mapping changes nothing that a program can see.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in lines {
        // SAFETY: no thread runs this piece yet; the processor fetches the line again.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}

#[cfg(not(target_arch = "aarch64"))]
fn synchronise_lines(_: usize, _: &Range<usize>) {}
