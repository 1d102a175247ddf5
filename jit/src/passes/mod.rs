//! Passes: IR to better IR.
//!
//! Each takes a unit that the verifier accepts to another one that means the same: the same values,
//! and a crash where there was one, though perhaps another that the law's own order meets later.
//! [`optimise`] runs them in the order of [`PIPELINE`]; any can be left out by name.
//!
//! ```text
//! simplify    constants, known branches, join points, known callees; what was done already
//! inline      the same, with small functions put where they are called
//! strict      the same, with thunks evaluated at once that are sure to be
//! eager       the same, with those whose evaluation costs next to nothing
//! results     workers return the items of the rows that they end with
//! guess       the same, with those whose evaluation would cost that if some values are nats, after
//!             a look at them
//! worker      functions take evaluated what they are sure to evaluate
//! specialise  copies of functions with the functions that they are given
//! narrow      types of parameters and results from what is passed
//! small       workers that calculate have twins for nats that registers hold
//! peel        callers of recursive functions see where those end at once
//! float       values are made in the one branch that uses them
//! gather      the items of a row are read together
//! loop        tail calls of oneself are jumps
//! sweep       unused functions go
//!
//! called      (analysis) which parameters are called
//! demand      (analysis) what is sure to be evaluated
//! fold        (rules) operations on constants
//! info        (questions) sizes, uses
//! ```

mod called;
mod demand;
mod float;
mod fold;
mod gather;
pub(crate) mod info;
mod looping;
mod narrow;
mod peel;
mod results;
mod simplify;
mod small;
mod specialise;
mod sweep;
mod worker;

use crate::ir::{Block, Callee, End, Function, FunctionId, Op, Operand, Stmt, Unit};
use simplify::{Rules, simplify};

pub(crate) use specialise::{CAPTURES, Expected, called_by_law, expect};

/// A pass: its name, and what it does to a unit.
pub struct Pass {
    /// Its name, as in the module's overview.
    pub name: &'static str,
    run: fn(&mut Unit),
}

/// All passes.
pub const PASSES: &[Pass] = &[
    Pass { name: "simplify", run: |unit| simplify(unit, Rules::default()) },
    Pass { name: "inline", run: |unit| simplify(unit, Rules { inline: true, ..Rules::default() }) },
    Pass { name: "strict", run: |unit| simplify(unit, Rules { strict: true, ..Rules::default() }) },
    Pass { name: "eager", run: |unit| simplify(unit, Rules { eager: true, ..Rules::default() }) },
    Pass { name: "guess", run: |unit| simplify(unit, Rules { guess: true, ..Rules::default() }) },
    Pass { name: "worker", run: worker::split },
    Pass { name: "specialise", run: specialise::specialise },
    Pass { name: "results", run: results::split },
    Pass { name: "narrow", run: narrow::narrow },
    Pass { name: "small", run: small::twins },
    Pass { name: "peel", run: peel::peel },
    Pass { name: "float", run: float::float },
    Pass { name: "gather", run: gather::gather },
    Pass { name: "loop", run: looping::loops },
    Pass { name: "sweep", run: sweep::sweep },
];

/// The order in which [`optimise`] runs them.
pub const PIPELINE: &[&str] = &[
    "simplify",
    "inline",
    "specialise",
    "inline",
    "specialise",
    "float",
    "strict",
    "worker",
    "inline",
    "sweep",
    "strict",
    "worker",
    "inline",
    "narrow",
    "eager",
    "float",
    "strict",
    "worker",
    "inline",
    "results",
    "narrow",
    "guess",
    "gather",
    "small",
    "peel",
    "inline",
    "loop",
    "simplify",
    "narrow",
    "simplify",
    "float",
    "gather",
    "sweep",
];

impl Pass {
    /// The pass of that name.
    pub fn named(name: &str) -> Option<&'static Pass> {
        PASSES.iter().find(|pass| pass.name == name)
    }

    /// Runs it.
    pub fn run(&self, unit: &mut Unit) {
        (self.run)(unit);
    }
}

/// Runs the pipeline, but for the passes of these names. `after` sees the unit after each.
pub fn optimise(unit: &mut Unit, without: &[&str], mut after: impl FnMut(&str, &Unit)) {
    for name in PIPELINE.iter().filter(|name| !without.contains(name)) {
        if let Some(pass) = Pass::named(name) {
            pass.run(unit);
            after(name, unit);
        }
    }
}

/// Shows all operands of a function to `change`.
fn each_operand(function: &mut Function, mut change: impl FnMut(&mut Operand)) {
    for block in &mut function.blocks {
        for stmt in &mut block.stmts {
            match stmt {
                Stmt::Let(_, op) => op.operands_mut().for_each(&mut change),
                Stmt::Rec(group) => {
                    group.iter_mut().for_each(|(_, op)| op.operands_mut().for_each(&mut change));
                }
                Stmt::Join(_) => {}
            }
        }
        block.end.operands_mut().into_iter().for_each(&mut change);
    }
}

/// Shows the names of functions in a block to `change`.
fn each_function_named(block: &mut Block, change: impl Fn(&mut FunctionId)) {
    let in_op = |op: &mut Op| match op {
        Op::Thunk(entry, _) => change(entry),
        Op::Call(call) => {
            if let Callee::Local(callee) = &mut call.callee {
                change(callee);
            }
        }
        _ => {}
    };
    for stmt in &mut block.stmts {
        match stmt {
            Stmt::Let(_, op) => in_op(op),
            Stmt::Rec(group) => group.iter_mut().for_each(|(_, op)| in_op(op)),
            Stmt::Join(_) => {}
        }
    }
    if let End::Tail(call) = &mut block.end
        && let Callee::Local(callee) = &mut call.callee
    {
        change(callee);
    }
}
