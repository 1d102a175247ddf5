//! [`CompilerSetup`]: a compiler that is to be installed into a runtime.

use super::frame_table::FrameTable;
use crate::vm::Compiler;
use std::sync::{Arc, OnceLock};

/// A compiler, and the entry points that a runtime needs to run its code.
pub struct CompilerSetup {
    /// The compiler.
    pub compiler: Box<dyn Compiler>,
    /// The number of calls of a law after which the compiler is asked to compile it.
    pub threshold: u32,
    /// The addresses of trampolines, C functions, by the number of parameters from 0. A trampoline
    /// gets the address of a compiled function and that of its arguments, writes its frame pointer
    /// to [`offset::ENTRY_FRAME`](super::offset::ENTRY_FRAME), and calls the function. They are set
    /// before any code is published.
    ///
    /// Others follow, which write their frame pointer first as well. The one at
    /// [`LIST_ITEMS`](super::LIST_ITEMS) calls no function. Its arguments are the index of a list on the evaluation stack, and a number of items. It replaces the
    /// list by the rest of it, pushes the items before that, evaluated, and returns their number, which
    /// may be smaller.
    ///
    /// Those from [`APPLY_TO_ITEMS`](super::APPLY_TO_ITEMS) on are for functions that hold 0, 1, 2, …,
    /// [`HELD_ARGUMENTS_MAX`](super::HELD_ARGUMENTS_MAX) arguments and lack one. The compiled function is the
    /// lazy entry of the function's law. The arguments are three indices on the evaluation stack: of the
    /// function, which is no indirection, of the first item, which is evaluated, and that behind the last
    /// item. Each item is replaced by the application of the function to it, as the lazy entry makes it. The
    /// result is the index of the first item that is not replaced, at least the second: the one behind the
    /// last, or that of an unevaluated item, or any if an interrupt is requested.
    pub trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The stack maps of the compiler's code.
    pub frames: Arc<FrameTable>,
}
