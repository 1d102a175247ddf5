//! PLAN's rules, written down as literally as Rust allows: the oracle.
//!
//! Everything else in this crate is fast; this module is meant to be right. The real evaluator, its
//! jets and the compiled code are compared with it on generated programs, so it depends on nothing
//! but `std` and a big-number library, and knows no data jet, no hash and no shape: a value is a
//! pin, a law, an app, a nat, or (while it is being evaluated) a black hole.
//!
//! ```text
//!   text ──parse──▶ Term ──load──▶ Graph ──F or E──▶ Graph ──read──▶ Term ──▶ SpecOutcome
//!                    ▲             cells            the rules
//!        generate, shrink          (heap.rs)        (rules.rs)
//! ```
//!
//! - [`Term`] is a plain immutable tree, with equality, PLAN's total order, a compact notation
//!   ([`Term::parse`] and `Display`) and builders, among them those of the [`shapes`] that the real
//!   runtime represents specially.
//! - [`eval`] and [`whnf`] run a term within a budget and give an [`SpecOutcome`]. Use
//!   [`eval_on_big_stack`] for programs that nest deeply.
//! - [`generate::TermGenerator`] makes random values and programs from a seed; [`shrink`](shrink::shrink) and
//!   [`minimise`](shrink::minimise) cut a failing one down.
//!
//! Sources: the reference's pseudocode, corrected where the prototype was seen to do otherwise. The
//! corrections are listed in `rules.rs`, each where it applies.

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
pub use text::ParseError;
