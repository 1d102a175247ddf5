//! Evaluation of PLAN. The central type is [`Vm`]: a [heap of values](plan::Heap), an interpreter
//! for the laws among them, and its extensions: [jets](jet) and a [compiler](native).
//!
//! A call of a law goes to `eval`: the interpreter decodes the law when it first runs, interprets
//! it, and asks the installed compiler for machine code once it is called often. A call of a pinned
//! law that is known by its hash goes to its jet.
//!
//! ```text
//! law           the analysed form of laws
//! eval          the interpreter: decoded laws, frames, crashes
//! native        the interface for compiled code
//! jet           the interface for native implementations of laws
//! evaluation    evaluations that can be suspended, and take turns
//! call_chain    the calls that were in progress when an evaluation failed
//! vm            Vm: a heap, its evaluator, its jets and its compiler
//! evaluations   the table of the evaluations that can be suspended
//! host          the collector's roots in code, and labels of jets
//! pools         the constants of code
//! frozen_codes  the code of frozen laws
//! frozen_jets   the jets of frozen pins
//! pool_id       the numbers of pools
//! span          the times of laws and traces
//! sampling      profiles by samples
//! sampling_steps  counts, in tests, how often code for samples runs
//! ```

#![deny(unsafe_code)]

mod call_chain;
mod eval;
#[allow(unsafe_code, reason = "suspends the running evaluation")]
mod evaluation;
mod evaluations;
mod frozen_codes;
mod frozen_jets;
#[allow(unsafe_code, reason = "the collector trusts it to report all roots")]
mod host;
pub mod jet;
pub mod law;
pub mod native;
mod pool_id;
mod pools;
mod sampling;
mod sampling_steps;
mod span;
#[cfg(test)]
#[allow(unsafe_code, reason = "tests make raw heaps and damaged pins")]
mod tests;
#[allow(unsafe_code, reason = "promises the contract of a raw heap for this crate")]
mod vm;

pub use call_chain::CallChain;
pub use evaluation::{Evaluation, Progress};
pub use sampling::{SamplingOptions, TakenSamples};
pub use vm::Vm;
