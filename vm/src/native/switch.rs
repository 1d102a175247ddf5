//! The switch between Rust and compiled code: entering it, and unwinding out of it.
//!
//! [`enter`] saves the registers that Rust's calling convention preserves, and the stack pointer.
//! [`unwind`] restores that stack pointer and so drops all frames above it: this is how an error
//! leaves compiled code.
//!
//! # Safety
//!
//! The invariant: *between the newest `enter` and an `unwind` there are only frames of compiled
//! code.* Such frames own nothing, so dropping them without running them loses nothing. Compiled
//! code maintains it by calling `unwind` itself, after the Rust function that it had called has
//! returned; Rust maintains it by restoring [`Activation::unwind_stack_pointer`](super::Activation)
//! of the activation before when `enter` returns.
//!
//! The context register (r15, x21) holds the address of the [`Vm`](crate::Vm) while compiled code
//! runs. It is callee-saved in Rust's convention, so it survives calls back into Rust.

use std::arch::global_asm;

unsafe extern "C" {
    /// Calls `trampoline(entry, args)`, a C function that Cranelift compiled, with `context` in the
    /// context register. Stores the stack pointer for [`unwind`] at `unwind_stack_pointer`. Returns
    /// the trampoline's result, or [`super::UNWOUND`].
    #[link_name = "pallas_enter"]
    pub(super) fn enter(
        context: *mut u8,
        trampoline: usize,
        entry: usize,
        args: *const u64,
        unwind_stack_pointer: *mut usize,
    ) -> u64;

    /// Returns [`super::UNWOUND`] from the `enter` that stored this stack pointer.
    #[link_name = "pallas_unwind"]
    pub(super) fn unwind(saved: usize) -> !;

    /// The barrier, to which compiled code returns. It must not be called; only its address is
    /// used.
    #[link_name = "pallas_barrier"]
    fn barrier();
}

/// The return address that is the barrier.
pub(super) fn barrier_address() -> usize {
    (barrier as unsafe extern "C" fn()) as usize
}

/// The name of a C function in the assembler's text.
#[cfg(not(target_vendor = "apple"))]
macro_rules! symbol {
    ($name:literal) => {
        $name
    };
}

/// The name of a C function in the assembler's text: Mach-O puts an underscore before it.
#[cfg(target_vendor = "apple")]
macro_rules! symbol {
    ($name:literal) => {
        concat!("_", $name)
    };
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".text",
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_enter")),
    concat!(symbol!("pallas_enter"), ":"),
    "push rbp",
    "mov rbp, rsp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "mov [r8], rsp",
    "mov r15, rdi",
    "mov rax, rsi",
    "mov rdi, rdx",
    "mov rsi, rcx",
    "call rax",
    "2:",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_unwind")),
    concat!(symbol!("pallas_unwind"), ":"),
    "mov rsp, rdi",
    "mov rax, -1",
    "jmp 2b",
    // The results may be in any register that Rust does not keep; the frame pointer is again that
    // of the frame to be returned to. The stack is aligned as that frame's own code leaves it.
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_barrier")),
    concat!(symbol!("pallas_barrier"), ":"),
    "push 0",
    "push rax",
    "push rcx",
    "push rdx",
    "push rsi",
    "push rdi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "mov rdi, r15",
    "mov rsi, rbp",
    "call {pass_barrier}",
    "mov [rsp + 72], rax",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rdi",
    "pop rsi",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "ret",
    pass_barrier = sym super::barrier::pass_barrier,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".text",
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_enter")),
    concat!(symbol!("pallas_enter"), ":"),
    "stp x29, x30, [sp, #-160]!",
    "mov x29, sp",
    "stp x19, x20, [sp, #16]",
    "stp x21, x22, [sp, #32]",
    "stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]",
    "stp x27, x28, [sp, #80]",
    "stp d8, d9, [sp, #96]",
    "stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]",
    "stp d14, d15, [sp, #144]",
    "mov x9, sp",
    "str x9, [x4]",
    "mov x21, x0",
    "mov x9, x1",
    "mov x0, x2",
    "mov x1, x3",
    "blr x9",
    "2:",
    "ldp x19, x20, [sp, #16]",
    "ldp x21, x22, [sp, #32]",
    "ldp x23, x24, [sp, #48]",
    "ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]",
    "ldp d8, d9, [sp, #96]",
    "ldp d10, d11, [sp, #112]",
    "ldp d12, d13, [sp, #128]",
    "ldp d14, d15, [sp, #144]",
    "ldp x29, x30, [sp], #160",
    "ret",
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_unwind")),
    concat!(symbol!("pallas_unwind"), ":"),
    "mov sp, x0",
    "mov x0, #-1",
    "b 2b",
    // The results may be in any register that Rust does not keep; the frame pointer is again that
    // of the frame to be returned to.
    ".p2align 4",
    concat!(".globl ", symbol!("pallas_barrier")),
    concat!(symbol!("pallas_barrier"), ":"),
    "stp x0, x1, [sp, #-128]!",
    "stp x2, x3, [sp, #16]",
    "stp x4, x5, [sp, #32]",
    "stp x6, x7, [sp, #48]",
    "stp x8, x9, [sp, #64]",
    "stp x10, x11, [sp, #80]",
    "stp x12, x13, [sp, #96]",
    "stp x14, x15, [sp, #112]",
    "mov x0, x21",
    "mov x1, x29",
    "bl {pass_barrier}",
    "mov x16, x0",
    "ldp x2, x3, [sp, #16]",
    "ldp x4, x5, [sp, #32]",
    "ldp x6, x7, [sp, #48]",
    "ldp x8, x9, [sp, #64]",
    "ldp x10, x11, [sp, #80]",
    "ldp x12, x13, [sp, #96]",
    "ldp x14, x15, [sp, #112]",
    "ldp x0, x1, [sp], #128",
    "br x16",
    pass_barrier = sym super::barrier::pass_barrier,
);

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("compiled code is entered by hand-written instructions, which this target lacks");
