//! The function that is called when a frame returns to the stack barrier (see `frames`).

use crate::vm::Vm;

/// Moves the barrier further down, and returns the address at which the frame continues: see
/// [`NativeState::pass_barrier`](super::state::NativeState::pass_barrier).
///
/// # Safety
/// Only the barrier's code calls this, with the context register and the frame pointer of the frame
/// that is returned to.
pub(super) unsafe extern "C" fn pass_barrier(vm: *mut Vm, frame: usize) -> usize {
    // SAFETY: compiled code keeps the runtime's address in the context register, and the borrow
    // that entered it is suspended.
    let vm = unsafe { &mut *vm };
    // SAFETY: by this function's contract.
    unsafe { vm.heap.host.native.pass_barrier(frame) }
}
