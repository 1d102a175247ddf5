//! The compiler: hot laws to native code.
//!
//! ```text
//! ir       the intermediate representation: types, text form, verifier
//! analysis facts about IR: demand, called parameters, summaries
//! build    from a law's body to IR
//! passes   IR to better IR
//! codegen  IR to machine code, through Cranelift
//! runtime  what compiled code stands on: memory for it, and stubs
//! tier     what is compiled, when, and how it is published
//! ```

mod analysis;
pub mod build;
pub mod codegen;
pub mod ir;
pub mod passes;
pub mod runtime;
mod tier;

pub use tier::{Mode, Statistics, keep_code_in, plug_in, statistics};
