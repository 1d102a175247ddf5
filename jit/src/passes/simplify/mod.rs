//! The simplifier: rewrites each function in one walk, using what is known at each point.
//!
//! One walk does what could be many passes, because each enables the others: it folds constants,
//! reuses results of earlier operations (common subexpressions), drops decided branches (case of
//! known value), moves the code of join points to their jumps, merges a branch with the branches
//! that decide it (case of case through join points), and turns unknown calls of known functions
//! into known ones. [`SimplifyOptions`] switch on what grows code or changes when things are
//! evaluated. (The design of GHC's simplifier: Peyton Jones, Marlow, "Secrets of the Glasgow
//! Haskell Compiler inliner", JFP 2002.)
//!
//! ```text
//! options      what each pass switches on
//! facts        facts about variables at the current point
//! source       functions being walked and their substitutions
//! walker       the walk: blocks, statements, operations
//! calls        applications, forcing
//! words        arithmetic on nats whose low 64 bits alone are used
//! inlining     the inliner
//! row_versions versions of code for short rows
//! eager        thunks that are evaluated instead of allocated
//! terminators  terminators and branches
//! joins        join points and jumps
//! ```
//!
//! The inliner inlines functions as they were before the pass. A function whose output gets too
//! large, or too deep, keeps its old code; this also bounds the recursion of the walk.

mod calls;
mod eager;
mod facts;
mod inlining;
mod joins;
mod options;
mod row_versions;
mod source;
mod terminators;
mod walker;
mod words;

use crate::analysis::demand::DemandAnalysis;
use crate::analysis::summary::FunctionSummary;
use crate::ir::{Function, Unit};
pub(super) use options::SimplifyOptions;
use walker::{INLINE_BUDGET, Simplifier};

/// Simplifies all functions of a unit.
pub(super) fn simplify(unit: &mut Unit, options: SimplifyOptions) {
    let summaries = FunctionSummary::of_unit(unit, options.into_loops);
    let demands = options.strict.then(|| DemandAnalysis::of(unit));
    let size: usize = summaries.values().map(|summary| summary.size).sum();
    let mut budget = INLINE_BUDGET.saturating_sub(size);
    let mut rewritten: Vec<Option<Function>> = Vec::with_capacity(summaries.len());
    for id in unit.functions.keys() {
        let mut simplifier = Simplifier::new(unit, &summaries, demands.as_ref(), options, id);
        simplifier.budget = budget;
        let (function, left) = simplifier.rewrite();
        budget = left;
        rewritten.push(function);
    }
    for (function, rewritten) in unit.functions.values_mut().zip(rewritten) {
        if let Some(rewritten) = rewritten {
            *function = rewritten;
        }
    }
}
