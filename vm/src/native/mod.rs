//! The interface for compiled code.
//!
//! A [`Compiler`] is installed into a [`Vm`](crate::Vm). The interpreter asks it to compile laws
//! that are called often. Once the address of a law's machine code is published in its
//! [`EntryCell`], calls of the law run that code, and so do the thunks that such code makes.
//!
//! ```text
//! enter        entering compiled code; operations that a compiler needs of a runtime
//! helpers      Rust functions that compiled code calls
//! collections  those that read, search and edit rows, sets and tables
//! short_sets   those that unite and subtract short sets of nats
//! nats         arithmetic on nats that do not fit in a register
//! cheap_values  the values of thunks that take a short time
//! cheap_attempts  when to ask for them
//! barrier      the function called when a frame returns to the stack barrier
//! compiler     the setup of a compiler
//! offset       offsets of fields of a runtime that compiled code reads and writes
//! frames       visiting the values in frames of compiled code
//! state        the state of compiled code in a runtime
//! key_position  a set, and the position of a key in it
//! consecutive_keys  sets whose keys are consecutive nats
//! remembered_objects  what helpers remember of objects until a collection moves them
//! frame_table  stack maps: the positions of values in frames
//! frame_reader  reading frames from a signal handler
//! entry_cell        the cell in which a law's code address is published
//! frozen       the code of frozen laws
//! jet_calls    calls of jets that are values
//! jet_entries  the code of jets that are called as values
//! layout       objects and words as machine code sees them
//! fingerprint  what a law is known by in later runs
//! fiber        functions that can be suspended, each on a native stack of its own
//! stack        native stacks
//! stack_switch  whether the thread is between two stacks
//! switch       the switch between Rust and compiled code, in assembly
//! numbered     enums whose values compiled code knows by number
//! ```
//!
//! # The convention of compiled code
//!
//! Functions have Cranelift's tail-call convention: their parameters and their one result are
//! words. The context register holds the address of the `Vm`; [`offset`] lists the fields in it
//! that compiled code may read and write. A function for a law takes the law's arguments, evaluated
//! or not, and returns an evaluated value. A function for a thunk takes the thunk and reads its
//! captured values before it does anything else. A law's *lazy entry*, which jets call for many
//! items, takes the law's arguments and returns the application of the law to them, which may be a
//! thunk. Two results are not words: [`UNWOUND`] and
//! [`PENDING`].
//!
//! Compiled code calls the `helpers` through stubs, whose frames it records first (`frames`). A
//! helper that returns `UNWOUND` has recorded the reason; its stub calls [`Helper::Unwind`] at
//! once.
//!
//! A tail call of a function that is not compiled must not grow the native stack. If the frame that
//! called the stub is the trampoline's, the stub leaves the call on the evaluation stack
//! ([`Helper::Leave`]) and returns `PENDING`, and the interpreter loop that entered compiled code
//! makes the call.

#[allow(unsafe_code, reason = "compiled code calls it with the address of the runtime")]
mod barrier;
mod cheap_attempts;
mod cheap_values;
mod collections;
mod compiler;
mod consecutive_keys;
#[allow(unsafe_code, reason = "enters compiled code and switches stacks")]
mod enter;
#[allow(unsafe_code, reason = "publishing an address makes the interpreter jump to it")]
pub(crate) mod entry_cell;
#[allow(unsafe_code, reason = "switches stacks")]
pub(crate) mod fiber;
mod fingerprint;
#[allow(unsafe_code, reason = "reads frames of compiled code that may be incomplete")]
mod frame_reader;
#[allow(unsafe_code, reason = "a wrong stack map makes the collector rewrite arbitrary memory")]
mod frame_table;
#[allow(unsafe_code, reason = "reads and rewrites frames of compiled code")]
mod frames;
mod frozen;
mod helper_result;
#[allow(unsafe_code, reason = "compiled code calls them with addresses")]
mod helpers;
mod jet_calls;
pub(crate) mod jet_entries;
mod key_position;
pub mod layout;
mod nats;
mod numbered;
pub mod offset;
mod remembered_objects;
mod short_sets;
#[allow(unsafe_code, reason = "maps and switches native stacks")]
pub(crate) mod stack;
#[cfg(not(miri))]
pub(crate) mod stack_switch;
pub(crate) mod state;
#[allow(unsafe_code, reason = "assembly")]
mod switch;

pub use self::compiler::CompilerSetup;
pub use self::entry_cell::EntryCell;
pub use self::fingerprint::LawFingerprint;
pub(crate) use self::frame_reader::FrameReader;
pub use self::frame_table::FrameTable;
pub(crate) use self::frames::ActiveFunction;
pub use self::helpers::Helper;
pub use self::nats::NatOp;

pub use crate::vm::{Compiler, HotCall};

/// The result of a helper that has no value, and of compiled code that was unwound.
pub const UNWOUND: u64 = u64::MAX;
/// The result of compiled code that left a call on the evaluation stack.
pub const PENDING: u64 = u64::MAX - 1;
/// The result of a search that depends on an unevaluated part of the key, or takes long; and of an
/// edit that the helper leaves to the jet.
pub const UNDECIDED: u64 = u64::MAX - 2;
/// The largest number of parameters of a function that Rust can enter.
pub const PARAMETERS_MAX: usize = 16;
/// The index among the trampolines of the function that evaluates the items of a list.
pub const LIST_ITEMS: usize = PARAMETERS_MAX + 1;
/// The index among the trampolines of the first function that applies a function to many items. That for a
/// function that holds `n` arguments is at `APPLY_TO_ITEMS + n`.
pub const APPLY_TO_ITEMS: usize = LIST_ITEMS + 1;
/// The largest number of arguments held by a function that such a loop applies.
pub const HELD_ARGUMENTS_MAX: usize = 4;
