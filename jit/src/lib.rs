//! The compiler: [`install`] makes a runtime compile its hot laws to native code.
//!
//! A law is built into a [unit](ir::Unit) of IR, which passes improve; the code generator
//! translates it to machine code through Cranelift; the runtime links and publishes the code.
//! `tier/pipeline.rs` is the way from a unit to published code, step by step.
//!
//! ```text
//! ir       the intermediate representation: types, text form, verifier
//! analysis facts about IR: demand, called parameters, summaries
//! build    from a law's body to IR
//! passes   from IR to better IR
//! codegen  from IR to machine code, through Cranelift
//! runtime  memory for machine code, linking, stubs
//! tier     tiering: which laws are compiled, and when; the pipeline, the cache of machine code
//! ```

#![deny(unsafe_code)]

mod analysis;
pub mod build;
pub mod codegen;
pub mod ir;
pub mod passes;
pub mod runtime;
mod tier;

pub use runtime::{enable_jit_dump, enable_perf_map};
pub use tier::{
    CALLS_BEFORE_COMPILING, CompilationReport, CompileMode, ExplainError, FunctionListing,
    JitStatistics, UnitReport, explain, finish_pending, install, on_unit, set_cache_directory,
    statistics,
};
