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
    /// The last is at [`LIST_ITEMS`](super::LIST_ITEMS). It does the same first, and does not call the function.
    /// Its arguments are the index of a list on the evaluation stack, and a number of items. It replaces the
    /// list by the rest of it, pushes the items before that, evaluated, and returns their number, which
    /// may be smaller.
    pub trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The stack maps of the compiler's code.
    pub frames: Arc<FrameTable>,
}
