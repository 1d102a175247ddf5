//! Offsets of the fields of a [`Vm`] that compiled code reads and writes, in bytes from
//! the address in the context register.

use super::state::{Activation, NativeContext, NativeState};
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
const CONTEXT: usize = NATIVE + offset_of!(NativeState, context);
const NOW: usize = CONTEXT + offset_of!(NativeContext, activation);

/// The address of the next object in the nursery.
pub const NURSERY_NEXT: usize = MEMORY + memory::NURSERY_NEXT;
/// The address of the nursery's first word, and the one after its last. An object elsewhere is old.
pub const NURSERY: [usize; 2] =
    [MEMORY + memory::NURSERY_BOUNDS[0], MEMORY + memory::NURSERY_BOUNDS[1]];
/// The end of the free part of the nursery. Allocation beyond it needs
/// [`Helper::Room`](super::Helper::Room).
pub const NURSERY_END: usize = MEMORY + memory::INLINE_END;
/// The lowest address at which a frame may begin.
pub const STACK_LIMIT: usize = CONTEXT + offset_of!(NativeContext, limit);
/// The address of a byte that is not 0 if an interrupt is requested.
pub const INTERRUPT: usize = NATIVE + offset_of!(NativeState, interrupt);
/// Three words that [`Helper::Parts`](super::Helper::Parts) writes.
pub const PARTS: usize = NATIVE + offset_of!(NativeState, parts);
/// The address of the table of frozen laws' code addresses.
pub const FROZEN: usize = NATIVE + offset_of!(NativeState, frozen);
/// The address of the table of jets' code addresses.
pub const JETS: usize = NATIVE + offset_of!(NativeState, jets);
/// The frame pointer of the stub that calls Rust.
pub const LAST_FRAME: usize = NOW + offset_of!(Activation, last_frame);
/// The frame pointer of the trampoline that called compiled code.
pub const ENTRY_FRAME: usize = NOW + offset_of!(Activation, entry_frame);
/// The stack pointer to pass to [`Helper::Unwind`](super::Helper::Unwind).
pub const UNWIND_STACK_POINTER: usize = NOW + offset_of!(Activation, unwind_stack_pointer);
/// The address of the first word of the evaluation stack.
pub const EVAL_BASE: usize = MEMORY + memory::STACK_BASE;
/// The number of words on the evaluation stack.
pub const EVAL_TOP: usize = MEMORY + memory::STACK_TOP;
/// The largest number of words on the evaluation stack.
pub const EVAL_LIMIT: usize = MEMORY + memory::STACK_LIMIT;
/// The number of words, from the bottom, that have not changed since the last collection. Code that
/// lowers the top below it lowers it to the top.
pub const EVAL_UNCHANGED: usize = MEMORY + memory::STACK_UNCHANGED;
/// The index plus one of the newest mark on the evaluation stack.
pub const MARK: usize = offset_of!(Vm, evaluator) + MARK_OFFSET;

// Compiled code encodes offsets in 32 bits.
const _: () = assert!(size_of::<Vm>() < i32::MAX as usize);
