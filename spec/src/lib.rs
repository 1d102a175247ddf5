//! The reference evaluator: PLAN's rules as literally as Rust allows. The central type is [`Term`];
//! [`eval`] runs one and returns a [`SpecOutcome`].
//!
//! Other evaluators are fast; this one is meant to be correct. The runtime's interpreter, jets and
//! compiled code are compared with it on generated programs. So it depends only on `std` and a
//! big-number library, and has no data jets, hashes or shapes: a value is a pin, a law, an app or a
//! nat, or a black hole while it is being evaluated.
//!
//! ```text
//!   text ──parse──▶ Term ──load──▶ EvalGraph ──F or E──▶ EvalGraph ──read──▶ Term ──▶ SpecOutcome
//!                    ▲             cells              the rules
//!        generate, shrink          (heap.rs)          (rules.rs)
//! ```
//!
//! - [`Term`] is a plain immutable tree, with equality, PLAN's total order, a compact notation
//!   ([`Term::parse`] and `Display`) and constructors, among them those of the [`shapes`] that the
//!   runtime represents specially.
//! - [`eval`] and [`whnf`] run a term within a budget and return a [`SpecOutcome`]. Use
//!   [`eval_on_big_stack`] for programs that nest deeply.
//! - [`generate::TermGenerator`] makes random values and programs from a seed;
//!   [`shrink`](shrink::shrink) and [`minimise`](shrink::minimise) reduce a failing one.
//!
//! The source is the pseudocode of the reference, corrected where the prototype behaves
//! differently. `rules.rs` lists the corrections.

#![forbid(unsafe_code)]

mod eval;
mod form;
pub mod generate;
mod heap;
mod order;
mod read;
mod rules;
pub mod samples;
pub mod shapes;
pub mod shrink;
mod term;
mod text;

#[cfg(test)]
mod tests;

pub use eval::{
    EvalBudget, EvalDepth, SpecOutcome, SpecReport, eval, eval_on_big_stack, run, whnf,
};
pub use term::{Term, nat_from_bytes};
pub use text::TermParseError;
