//! PLAN: its values, the heap they live in, and their evaluation.
//!
//! The central type is [`Vm`]: a heap with a collector and an evaluator. From outside, values are
//! held as [`Val`] handles, looked at as [`Ref`]s and built with a [`Builder`]; nothing here knows
//! of Sire, machines or disks.
//!
//! ```text
//!            Vm  ---- eval/    the interpreter: decoded laws, frames, crashes
//!           /  \
//!      build    view           making values, looking at values
//!         |      |
//!       shape  order  hash     which shape a law or app takes; what makes values equal
//!         |      |     |
//!     tree, bar  |     |       long rows and sets in parts; bytes that can be appended to
//!         \      |     /
//!          word  heap/         the value word; objects, collector, stack
//!
//!      walk  map               a value from the outside in, for those two; fast tables
//!      seed/  show/  plain      values as bytes, as text, as PLAN's plain trees
//!      native/                 the door through which compiled code comes in
//!      pinspace/               pins that are shared or kept, mapped as they are
//!      jet                     the door through which native twins of laws come in
//!      spec/                   PLAN's rules, literally: the oracle for all of the above
//! ```
//!
//! # Threads
//!
//! A `Vm` belongs to the thread that made it, and so do its values. What is handed to another is
//! handed as bytes ([`seed`]).

mod bar;
pub mod build;
mod eval;
mod hash;
mod heap;
mod interrupt;
pub mod jet;
mod map;
mod nat;
pub mod native;
mod order;
mod pin;
pub mod pinspace;
pub mod plain;
#[cfg(test)]
mod samples;
pub mod seed;
mod shape;
pub mod show;
pub mod spec;
mod tree;
mod view;
mod vm;
mod walk;
mod word;

pub use build::Builder;
pub use hash::{Hash, ParseHashError};
pub use heap::{Options, Statistics, Val};
pub use nat::{NatRef, limbs};
pub use tree::Items;
pub use view::{AppRef, LawRef, PinRef, Ref, Shape};
pub use vm::{Stop, Vm};

/// The arbitrary-precision naturals that nats are converted to and from.
pub use malachite_nz::natural::Natural;
