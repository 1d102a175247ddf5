//! What compiled code calls when a frame returns to the barrier that a collection put.

use crate::vm::Vm;

/// See [`NativeState::pass_barrier`](super::state::Native::pass_barrier).
pub(super) extern "C" fn pass_barrier(vm: *mut Vm, frame: usize) -> usize {
    // SAFETY: the barrier is only returned to by compiled code, which has the runtime's address in
    // the context register; the borrow that entered it lies dormant.
    let vm = unsafe { &mut *vm };
    vm.heap.host.native.pass_barrier(frame)
}
