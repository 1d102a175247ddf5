//! The native stack of compiled code: a large reserved range of addresses a runtime.
//!
//! An evaluation that may run compiled code runs on it from its start, interpreter included, so that
//! each may call the other as deeply as the range allows. The kernel commits it as it is touched;
//! below its end lies a page that nobody may touch, and above that the room that Rust functions
//! may take without asking.
//!
//! # Safety
//!
//! A range is mapped when it is made and unmapped when it is dropped. It is dropped with the
//! runtime, which no evaluation outlives.

#[cfg(not(miri))]
use psm::on_stack;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

/// Room that a Rust function called from compiled code may take, with all it calls, unasked.
const RED_ZONE: usize = 1 << 20;
const PAGE: usize = 1 << 16;
/// A stack that stays below this many bytes keeps its pages.
const KEEP: usize = 1 << 20;

/// A native stack.
pub(super) struct NativeStack {
    base: *mut u8,
    size: usize,
}

impl NativeStack {
    /// A stack of about `size` bytes.
    pub(super) fn new(size: usize) -> std::io::Result<NativeStack> {
        let size = size.next_multiple_of(PAGE) + RED_ZONE + PAGE;
        // SAFETY: a fresh anonymous mapping at an address the kernel chooses touches nothing of ours.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                size,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        let stack = NativeStack { base: base.cast(), size };
        // SAFETY: the range lies in the mapping just made, which nobody uses yet.
        unsafe { rustix::mm::mprotect(base, PAGE, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    /// The lowest address at which a frame may begin.
    pub(super) fn limit(&self) -> usize {
        self.base.addr() + PAGE + RED_ZONE
    }

    /// Whether the calling function's frame lies on this stack.
    pub(super) fn is_current(&self) -> bool {
        stack_pointer().wrapping_sub(self.base.addr()) < self.size
    }

    /// Runs a function on this stack, which must not be in use. A panic goes on in the caller.
    pub(super) fn run<R>(&self, function: impl FnOnce() -> R) -> R {
        let function = std::panic::AssertUnwindSafe(function);
        // SAFETY: base and size are aligned, the range is mapped but for its lowest page, and the
        // callback does not unwind.
        let result =
            unsafe { on_stack(self.base, self.size, || std::panic::catch_unwind(function)) };
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Gives memory back to the system after a deep evaluation; `lowest` is the lowest address
    /// that is known to have been reached.
    pub(super) fn release(&self, lowest: usize) {
        let end = self.size - KEEP;
        if lowest.wrapping_sub(self.base.addr()) >= end {
            return;
        }
        // SAFETY: the range lies in our mapping and nothing on it is in use; its contents are never
        // read again before they are written.
        let advised = unsafe {
            let start = self.base.add(PAGE).cast();
            rustix::mm::madvise(start, end - PAGE, Advice::LinuxDontNeed)
        };
        debug_assert!(advised.is_ok());
    }
}

impl Drop for NativeStack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length and nothing points into it.
        let unmapped = unsafe { rustix::mm::munmap(self.base.cast(), self.size) };
        debug_assert!(unmapped.is_ok());
    }
}

/// The address of what was pushed last.
#[cfg(not(miri))]
pub(super) fn stack_pointer() -> usize {
    psm::stack_pointer().addr()
}

/// Under Miri nothing is compiled, and a stack is as good as another.
#[cfg(miri)]
unsafe fn on_stack<R>(_: *mut u8, _: usize, callback: impl FnOnce() -> R) -> R {
    callback()
}

#[cfg(miri)]
pub(super) fn stack_pointer() -> usize {
    usize::MAX
}
