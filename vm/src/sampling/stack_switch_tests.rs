//! The walk through the frames of Rust at every single instruction of switches between stacks.

use super::timer::innermost_jet;
use crate::native::fiber::{Fiber, Resumption, SuspensionPoint, suspend};
use crate::native::stack::NativeStack;
use std::arch::asm;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::rc::Rc;

thread_local! {
    static IS_WALKING: Cell<bool> = const { Cell::new(false) };
    static WALKS: Cell<usize> = const { Cell::new(0) };
}

/// Walks through the frames of the interrupted code.
unsafe extern "C" fn walk(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    if IS_WALKING.get() {
        assert_eq!(innermost_jet(&[], usize::MAX), None);
        WALKS.set(WALKS.get() + 1);
    }
}

/// Runs a function with a walk after each of its instructions: the processor's trap flag makes every
/// instruction send SIGTRAP. Returns the number of walks.
fn walk_at_each_instruction(function: impl FnOnce()) -> usize {
    WALKS.set(0);
    // SAFETY: zeros are a valid action, the handler has the signature that the flag demands, and
    // nothing else uses this signal. The instructions set and clear one flag, on a stack that the
    // compiler knows to be used.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = walk as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGTRAP, &raw const action, null_mut()), 0);
        asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq");
        // The instructions that change the flag also move the stack pointer, which the unwinder does
        // not know.
        IS_WALKING.set(true);
        function();
        IS_WALKING.set(false);
        asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq");
    }
    WALKS.get()
}

/// Suspends itself twice.
fn suspend_twice(owner: &mut u64, point: SuspensionPoint<u64>, _: Resumption) -> u64 {
    for _ in 0..2 {
        *owner += 1;
        // SAFETY: the point is that of the fiber that runs this function, and the owner its owner.
        unsafe { suspend(point, owner) };
    }
    *owner
}

#[test]
fn frames_can_be_read_at_each_instruction_of_a_fiber() {
    let stack = Rc::new(NativeStack::new(1 << 20).expect("a stack"));
    let mut owner = 0;
    let mut results = [None; 3];
    let walks = walk_at_each_instruction(|| {
        let mut fiber = Fiber::new(stack, suspend_twice);
        for result in &mut results {
            *result = fiber.resume(&mut owner, Resumption::Continue);
        }
    });
    assert_eq!(results, [None, None, Some(2)]);
    assert!(walks > 100, "{walks}");
}

#[test]
fn frames_can_be_read_at_each_instruction_of_a_call_on_another_stack() {
    let stack = NativeStack::new(1 << 20).expect("a stack");
    let mut was_current = false;
    let walks = walk_at_each_instruction(|| {
        // SAFETY: nothing else uses the stack.
        was_current = unsafe { stack.run(|| stack.is_current()) };
    });
    assert!(was_current);
    assert!(walks > 20, "{walks}");
}
