//! Where in a [`Vm`](crate::Vm) compiled code may look and write, in bytes from the context register.

use super::state::{Activation, NativeState};
use crate::eval::state::MARK_OFFSET;
use crate::host::CodeHost;
use crate::vm::Vm;
use plan::raw::RawHeap;
use plan::raw::offset as memory;
use std::mem::offset_of;

const HEAP: usize = offset_of!(Vm, heap);
const MEMORY: usize = HEAP + offset_of!(RawHeap<CodeHost>, memory);
const HOST: usize = HEAP + offset_of!(RawHeap<CodeHost>, host);
const NATIVE: usize = HOST + offset_of!(CodeHost, native);
const NOW: usize = NATIVE + offset_of!(NativeState, activation);

/// The address of the next object in the nursery.
pub const NURSERY_NEXT: usize = MEMORY + memory::NURSERY_NEXT;
/// The addresses of the nursery's first word, and after its last: an object elsewhere is old.
pub const NURSERY: [usize; 2] =
    [MEMORY + memory::NURSERY_BOUNDS[0], MEMORY + memory::NURSERY_BOUNDS[1]];
/// The address that objects may not reach beyond without [`Helper::Room`](super::Helper::Room).
pub const NURSERY_END: usize = MEMORY + memory::INLINE_END;
/// The lowest address at which a frame may begin.
pub const STACK_LIMIT: usize = NATIVE + offset_of!(NativeState, limit);
/// The address of a byte that is not 0 if the evaluation is to stop.
pub const INTERRUPT: usize = NATIVE + offset_of!(NativeState, interrupt);
/// Three words that [`Helper::Parts`](super::Helper::Parts) writes.
pub const PARTS: usize = NATIVE + offset_of!(NativeState, parts);
/// The address of the table of frozen laws' code.
pub const FROZEN: usize = NATIVE + offset_of!(NativeState, frozen);
/// The frame pointer of the stub that calls Rust.
pub const LAST_FRAME: usize = NOW + offset_of!(Activation, last_frame);
/// The frame pointer of the trampoline that called compiled code.
pub const ENTRY_FRAME: usize = NOW + offset_of!(Activation, entry_frame);
/// The stack pointer that is handed to [`Helper::Unwind`](super::Helper::Unwind).
pub const UNWIND_STACK_POINTER: usize = NOW + offset_of!(Activation, unwind_stack_pointer);
/// The evaluation stack: the address of its first word.
pub const EVAL_BASE: usize = MEMORY + memory::STACK_BASE;
/// How many words it holds.
pub const EVAL_TOP: usize = MEMORY + memory::STACK_TOP;
/// How many it may hold.
pub const EVAL_LIMIT: usize = MEMORY + memory::STACK_LIMIT;
/// How many have not changed since the last collection; to be lowered to the top when that
/// falls below it.
pub const EVAL_UNCHANGED: usize = MEMORY + memory::STACK_UNCHANGED;
/// The newest mark on it, as one more than its index.
pub const MARK: usize = offset_of!(Vm, evaluator) + MARK_OFFSET;

const _: () = assert!(MARK < i32::MAX as usize && FROZEN < i32::MAX as usize);
