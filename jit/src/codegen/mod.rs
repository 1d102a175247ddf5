//! From IR to machine code, through Cranelift.
//!
//! ```text
//! bounds what branches say of nats
//! emit   a function of Cranelift's being written
//! lower  the functions of a unit: blocks and their ends
//! alloc  objects: thunks, applications, rows
//! arith  primitive operations
//! words  those on words of 64 bits
//! calls  calls and ends that leave the function
//! items  jets that look into rows and bars
//! closure  which function a value is
//! ```
//!
//! A variable of the IR is a value of Cranelift's; those that may point into the heap are declared
//! to it, so that it keeps them where the collector finds them whenever something is called. An
//! address without its tag is never held across a call.

mod alloc;
mod arith;
mod bounds;
mod calls;
mod closure;
mod emit;
mod items;
mod lower;
mod words;

pub use self::emit::{Backend, CallMap, Object, Relocation, Target};
pub(crate) use self::emit::{Emit, plain, tail_signature};
pub use self::lower::{ConstantFacts, Environment, compile};

/// Why something is not compiled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GiveUp {
    /// The machine or the system does not do what is needed.
    #[error("{0}")]
    Machine(String),
    /// Cranelift refused.
    #[error("Cranelift: {0}")]
    Cranelift(String),
    /// The region for code is full.
    #[error("there is no more room for code")]
    NoRoom,
    /// The law is of a shape that is not compiled.
    #[error("{0}")]
    Shape(&'static str),
}
