//! [`Compiler`]: what is installed into a runtime to compile its hot laws.

use super::entry::CodeEntry;
use super::frame_table::FrameTable;
use crate::vm::Vm;
use plan::Val;
use std::sync::{Arc, OnceLock};

/// A compiler of laws.
///
/// # Safety
/// The code that it [publishes](CodeEntry::publish) keeps to the [convention](super#the-convention-of-compiled-code),
/// means what the law means, and stays until the entry is handed to [`Compiler::forget`].
pub unsafe trait Compiler {
    /// Compiles a law that has been called often: `function` is the law, or the pin of it, that was
    /// called, this time with `args`. The address of its code is to be published in `entry` when it is
    /// ready. False if the compiler is to be asked again later.
    fn compile(&mut self, vm: &mut Vm, function: &Val, args: &[Val], entry: CodeEntry) -> bool;

    /// Frees the code of laws that are gone: that which was published, or would have been, in these
    /// entries. Nothing runs it any more.
    fn forget(&mut self, entries: Vec<CodeEntry>);
}

/// What a compiler brings along.
pub struct CompilerSetup {
    /// The compiler.
    pub compiler: Box<dyn Compiler>,
    /// The number of calls after which the compiler is asked to compile a law.
    pub threshold: u32,
    /// Functions of the system's convention, one for each number of parameters from 0: they get the
    /// address of a compiled function and that of its arguments, write their frame pointer to
    /// [`offset::ENTRY_FRAME`](super::offset::ENTRY_FRAME), and call it. They are there before any other code is.
    pub trampolines: Arc<OnceLock<Vec<usize>>>,
    /// The maps of the compiler's code.
    pub frames: Arc<FrameTable>,
}
