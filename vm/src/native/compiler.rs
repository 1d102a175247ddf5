//! [`Compiler`]: the interface of a compiler that is installed into a runtime.

use super::entry::CodeEntry;
use super::frame_table::FrameTable;
use crate::vm::Vm;
use plan::Val;
use std::sync::{Arc, OnceLock};

/// A compiler of laws.
///
/// # Safety
/// The code that it [publishes](CodeEntry::publish) follows the
/// [convention](super#the-convention-of-compiled-code), computes what the law says, and stays in memory
/// until the entry is passed to [`Compiler::forget`].
pub unsafe trait Compiler {
    /// Accepts a request to compile a law that has been called often. `function` is the law, or its pin,
    /// that was called, and `args` are the arguments of the last call. The compiler publishes the address
    /// of the code in `entry` when it is ready. Returns false if the request should be repeated later.
    fn compile(&mut self, vm: &mut Vm, function: &Val, args: &[Val], entry: CodeEntry) -> bool;

    /// Frees the code of dead laws: the code that was, or would have been, published in these entries.
    /// Nothing runs it any more.
    fn forget(&mut self, entries: Vec<CodeEntry>);
}

/// A compiler, and what a runtime needs to run its code.
pub struct CompilerSetup {
    /// The compiler.
    pub compiler: Box<dyn Compiler>,
    /// The number of calls of a law after which the compiler is asked to compile it.
    pub threshold: u32,
    /// The addresses of trampolines, C functions, by the number of parameters from 0. A trampoline gets
    /// the address of a compiled function and that of its arguments, writes its frame pointer to
    /// [`offset::ENTRY_FRAME`](super::offset::ENTRY_FRAME), and calls the function. They are set before
    /// any code is published.
    pub trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The stack maps of the compiler's code.
    pub frames: Arc<FrameTable>,
}
