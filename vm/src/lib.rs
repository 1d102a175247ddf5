//! PLAN's evaluation. The central type is [`Vm`]: a [heap of values](plan::Heap), an interpreter for the
//! laws among them, and what is installed into it: [jets](jet) and [native code](native).
//!
//! A call of a law goes to [`eval`]: the law is decoded when it first runs, interpreted, and, once it is
//! called often, handed to the compiler that is installed. A call of a pinned law that is known goes to
//! its jet.
//!
//! ```text
//! vm        Vm: a heap, its evaluator and what is installed
//! eval      the interpreter: decoded laws, frames, crashes
//! native    the interface for compiled code
//! jet       the interface for native implementations of laws
//! host      roots and labels, for the collector
//! pools     constants of code; frozen_codes: the code of frozen laws
//! ```

mod eval;
mod frozen_codes;
mod host;
pub mod jet;
pub mod native;
mod pools;
#[cfg(test)]
mod tests;
mod vm;

pub use vm::Vm;
