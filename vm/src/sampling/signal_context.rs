//! The registers of the code that a signal interrupted, as each system passes them to the handler.

use super::raw_stack::MachineRegisters;
use std::ffi::c_void;

/// Returns the registers of the interrupted code.
///
/// # Safety
/// `context` is the one that the kernel passes to a handler.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(super) unsafe fn registers(context: *const c_void) -> MachineRegisters {
    // SAFETY: by this function's contract.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let register = |number: libc::c_int| machine.gregs[number as usize] as usize;
    MachineRegisters {
        program_counter: register(libc::REG_RIP),
        frame_pointer: register(libc::REG_RBP),
        stack_pointer: register(libc::REG_RSP),
    }
}

/// Returns the registers of the interrupted code.
///
/// # Safety
/// `context` is the one that the kernel passes to a handler.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
pub(super) unsafe fn registers(context: *const c_void) -> MachineRegisters {
    // SAFETY: by this function's contract.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    MachineRegisters {
        program_counter: machine.pc as usize,
        frame_pointer: machine.regs[29] as usize,
        stack_pointer: machine.sp as usize,
    }
}

/// Returns the registers of the interrupted code.
///
/// # Safety
/// `context` is the one that the kernel passes to a handler.
#[cfg(target_vendor = "apple")]
pub(super) unsafe fn registers(context: *const c_void) -> MachineRegisters {
    // SAFETY: by this function's contract. The kernel passes a pointer to the registers, which are
    // valid for as long.
    let state = unsafe { &(*(*context.cast::<apple::SignalContext>()).machine).state };
    #[cfg(target_arch = "x86_64")]
    let (program_counter, frame_pointer, stack_pointer) = (state[16], state[6], state[7]);
    #[cfg(target_arch = "aarch64")]
    let (program_counter, frame_pointer, stack_pointer) = (state[32], state[29], state[31]);
    MachineRegisters {
        program_counter: program_counter as usize,
        frame_pointer: frame_pointer as usize,
        stack_pointer: stack_pointer as usize,
    }
}

/// The parts of macOS's structures up to the registers. (xnu: bsd/sys/_types/_ucontext.h,
/// osfmk/mach/i386/_structs.h, osfmk/mach/arm/_structs.h)
#[cfg(target_vendor = "apple")]
mod apple {
    /// `ucontext_t`.
    #[repr(C)]
    pub(super) struct SignalContext {
        _is_on_stack: libc::c_int,
        _signal_mask: libc::sigset_t,
        _stack: libc::stack_t,
        _link: *mut SignalContext,
        _machine_size: usize,
        pub(super) machine: *const MachineContext,
    }

    /// `struct __darwin_mcontext64`.
    #[repr(C)]
    pub(super) struct MachineContext {
        /// Trap number, error code and address of a fault.
        _exception: [u64; 2],
        /// On x86-64: rax, rbx, rcx, rdx, rdi, rsi, rbp, rsp, r8 to r15, rip. On aarch64: x0 to x28,
        /// fp, lr, sp, pc.
        pub(super) state: [u64; 33],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local!(static SEEN: Cell<[usize; 3]> = const { Cell::new([0; 3]) });

    unsafe extern "C" fn note(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel passes the context.
        let seen = unsafe { registers(context) };
        SEEN.set([seen.program_counter, seen.frame_pointer, seen.stack_pointer]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no signals")]
    fn the_stack_pointer_is_that_of_the_interrupted_thread() {
        let local = 0u8;
        // SAFETY: zeros are a valid action, the handler has the signature that the flag demands, and
        // nothing else uses this signal.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut()), 0);
            assert_eq!(libc::pthread_kill(libc::pthread_self(), libc::SIGURG), 0);
        }
        let [program_counter, _, stack_pointer] = SEEN.get();
        assert!((&raw const local).addr().abs_diff(stack_pointer) < 1 << 16);
        assert_ne!(program_counter, 0);
    }
}
