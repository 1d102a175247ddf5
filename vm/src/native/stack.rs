//! [`NativeStack`]: a native stack for compiled code, a large reserved range of addresses. A
//! runtime has one, and another for each evaluation that can be suspended (see `fiber`).
//!
//! An evaluation that may run compiled code runs on it from its start, interpreter included, so
//! that interpreter and compiled code can call each other as deeply as the range allows. The kernel
//! commits pages as they are touched. The lowest page is a guard page; above it is the red zone,
//! which Rust functions called from compiled code may use without a check.
//!
//! # Safety
//!
//! A range is mapped by [`NativeStack::new`] and unmapped when the value is dropped. That happens
//! with the runtime, which no evaluation outlives; a fiber holds a reference to its stack.

#[cfg(not(miri))]
use super::stack_switch;
#[cfg(not(miri))]
use corosensei::stack::{Stack, StackPointer};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
#[cfg(not(miri))]
use std::arch::asm;
#[cfg(not(miri))]
use std::num::NonZeroUsize;
#[cfg(not(miri))]
use std::ptr::NonNull;

/// Bytes that a Rust function called from compiled code may use, with everything it calls,
/// unchecked.
const RED_ZONE: usize = 1 << 20;
const PAGE: usize = 1 << 16;
/// The number of bytes whose pages the stack keeps after a deep evaluation. The pages beyond them are
/// large ones, since deep recursion touches each page once.
const KEEP: usize = 1 << 20;

/// A native stack.
pub(crate) struct NativeStack {
    base: *mut u8,
    size: usize,
}

impl NativeStack {
    /// A stack of about `size` bytes.
    pub(crate) fn new(size: usize) -> std::io::Result<NativeStack> {
        let size = size.next_multiple_of(PAGE) + RED_ZONE + PAGE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses overlaps no other.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                size,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        let stack = NativeStack { base: base.cast(), size };
        plan::platform::prefer_large_pages(base.addr()..base.addr() + size - KEEP);
        // SAFETY: the range is in the new mapping, which nothing uses yet.
        unsafe { rustix::mm::mprotect(base, PAGE, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    /// The lowest address, which is that of the guard page, and the address after the highest.
    #[cfg(not(miri))]
    pub(super) fn bounds(&self) -> std::ops::Range<NonZeroUsize> {
        let base = NonNull::new(self.base).expect("a mapping is not at address 0").addr();
        let end = base.checked_add(self.size).expect("a mapping does not wrap around");
        base..end
    }

    /// The lowest address at which a frame may begin.
    pub(super) fn limit(&self) -> usize {
        self.base.addr() + PAGE + RED_ZONE
    }

    /// The addresses that are mapped, without the guard page.
    pub(super) fn readable(&self) -> std::ops::Range<usize> {
        self.base.addr() + PAGE..self.base.addr() + self.size
    }

    /// Whether the calling function's frame is on this stack.
    pub(crate) fn is_current(&self) -> bool {
        stack_pointer().wrapping_sub(self.base.addr()) < self.size
    }

    /// Runs a function on this stack. A panic continues in the caller.
    ///
    /// # Safety
    /// No function runs, or is suspended, on this stack.
    pub(crate) unsafe fn run<R>(&self, function: impl FnOnce() -> R) -> R {
        on_stack(self, function)
    }

    /// Returns memory to the system after a deep evaluation; `lowest` is the lowest address that is
    /// known to have been reached.
    ///
    /// # Safety
    /// No function runs, or is suspended, on this stack.
    pub(super) unsafe fn release(&self, lowest: usize) {
        let end = self.size - KEEP;
        if lowest.wrapping_sub(self.base.addr()) >= end {
            return;
        }
        // SAFETY: the range is in this mapping, and nothing uses it (this function's contract);
        // its contents are written before they are read again.
        let discarded = unsafe { plan::platform::discard(self.base.add(PAGE).cast(), end - PAGE) };
        debug_assert!(discarded.is_ok());
    }
}

impl Drop for NativeStack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length and nothing points into it.
        let unmapped = unsafe { rustix::mm::munmap(self.base.cast(), self.size) };
        debug_assert!(unmapped.is_ok());
    }
}

// SAFETY: a native stack has a guard page at its lowest address, is larger than the minimum, is
// aligned to pages, and is mapped for longer than the reference lives.
#[cfg(not(miri))]
unsafe impl Stack for &NativeStack {
    fn base(&self) -> StackPointer {
        self.bounds().end
    }

    fn limit(&self) -> StackPointer {
        self.bounds().start
    }
}

/// Runs a function on a stack. A panic continues in the caller.
#[cfg(not(miri))]
fn on_stack<R>(stack: &NativeStack, function: impl FnOnce() -> R) -> R {
    stack_switch::leaving(|| corosensei::on_stack(stack, || stack_switch::arrived(function)))
}

/// Under Miri nothing is compiled, so the current stack does.
#[cfg(miri)]
fn on_stack<R>(_: &NativeStack, function: impl FnOnce() -> R) -> R {
    function()
}

/// The stack pointer.
#[cfg(not(miri))]
#[inline(always)]
pub(super) fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reading the register changes nothing.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    pointer
}

#[cfg(miri)]
pub(super) fn stack_pointer() -> usize {
    usize::MAX
}
