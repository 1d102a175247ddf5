//! The interface for compiled code.
//!
//! A [`Compiler`] is installed into a [`Vm`](crate::Vm). The interpreter asks it to compile laws that are
//! called often; when the address of a law's machine code appears in its [`CodeEntry`], calls of the law
//! run there, and so do the thunks that such code makes.
//!
//! ```text
//! compiler     what is installed: the compiler and its setup
//! barrier      what a frame calls that returns to the barrier
//! enter        entering compiled code; what a compiler asks of a runtime
//! helpers      Rust functions that compiled code calls
//! nats         arithmetic beyond what a register holds
//! offset       where in a runtime compiled code may look and write
//! frames       visiting the values in frames of compiled code
//! state        the state of compiled code in a runtime
//! frame_table  where the values are in frames
//! entry        where the address of a law's code appears
//! frozen       the code of frozen laws
//! layout       objects and words as machine code sees them
//! stack        the native stack
//! switch       the switch between Rust and compiled code, in assembly
//! ```
//!
//! # The convention of compiled code
//!
//! Functions have Cranelift's tail-call convention: their parameters and their one result are words.
//! The context register holds the address of the `Vm`; [`offset`] says where in it compiled code may
//! look and write. A function for a law takes the law's arguments, evaluated or not, and returns a
//! value that is no thunk; one for a thunk takes the thunk, whose captured values it reads before
//! anything else. Two results are no words: [`UNWOUND`] and [`PENDING`].
//!
//! Compiled code calls the [`helpers`] through stubs, whose frames it records first (`frames`). A
//! helper that returns `UNWOUND` has noted why; its stub calls [`Helper::Unwind`] at once.
//!
//! A call in tail position of what is not compiled must not grow the native stack: if the frame that
//! called the stub is the trampoline's, the stub leaves the call on the evaluation stack
//! ([`Helper::Leave`]) and returns `PENDING`, and the interpreter loop that had entered goes on with
//! it.

mod barrier;
pub(crate) mod compiler;
mod enter;
mod entry;
mod frame_table;
mod frames;
mod frozen;
mod helpers;
pub mod layout;
mod nats;
pub mod offset;
mod stack;
pub(crate) mod state;
mod switch;

pub use self::compiler::{Compiler, CompilerSetup};
pub use self::entry::CodeEntry;
pub use self::frame_table::FrameTable;
pub use self::helpers::Helper;
pub use self::nats::NatOp;

/// The result of a helper that has no value, and of compiled code that was cut off.
pub const UNWOUND: u64 = u64::MAX;
/// The result of compiled code that left a call on the evaluation stack.
pub const PENDING: u64 = u64::MAX - 1;
/// Functions of more parameters than this cannot be entered.
pub const PARAMETERS_MAX: usize = 16;
