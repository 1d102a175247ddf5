//! Running a term within a budget.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use malachite_nz::natural::Natural;

use super::Term;
use super::heap::{EvalFailure, EvalGraph};

/// How an evaluation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecOutcome {
    /// With a value.
    Value(Term),
    /// With a crash, as the prototype calls it: something ran a nat that is no operation, or asked
    /// for a law of arity 0.
    Crash {
        /// The nat that was run; 0 for a law of arity 0.
        op: Natural,
        /// Its argument, normalised; 0 for a law of arity 0.
        arg: Term,
    },
    /// A value turned out to need itself.
    Loop,
    /// The budget was used up, or the result is larger than the budget. What the program means is
    /// not known; an infinite value always ends so.
    OutOfFuel,
}

impl fmt::Display for SpecOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecOutcome::Value(value) => write!(f, "value {value}"),
            SpecOutcome::Crash { op, arg } => write!(f, "crash {op} {arg}"),
            SpecOutcome::Loop => write!(f, "loop"),
            SpecOutcome::OutOfFuel => write!(f, "out of fuel"),
        }
    }
}

/// The budget of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct EvalBudget {
    /// How many steps it may take. A cell made and a visit to a cell are a step each, so this also
    /// bounds memory, at some 40 bytes a step.
    pub fuel: u64,
    /// How deep the rules may recurse natively. A level takes at most [`EvalBudget::STACK_PER_LEVEL`]
    /// bytes of stack.
    pub depth: u32,
}

impl EvalBudget {
    /// Bytes of native stack to reckon with for each level of depth: somewhat more than the most
    /// that was measured, under 6 KB in unoptimised code and under 1 KB in the dev profile's.
    pub const STACK_PER_LEVEL: usize = 8192;

    /// The depth of [`eval`] and [`whnf`]: for 1.6 MB of stack, where a test's thread has 2 MB.
    pub const SMALL_DEPTH: u32 = 200;

    /// The depth of [`eval_on_big_stack`]: for 0.5 GB, of which only what is used becomes memory.
    pub const BIG_DEPTH: u32 = 60_000;
}

/// How far to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalDepth {
    /// To normal form.
    Normal,
    /// To weak head normal form: until it is a nat, pin, law, or app that lacks an argument.
    Whnf,
}

/// An outcome, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecReport {
    /// How the evaluation ended.
    pub outcome: SpecOutcome,
    /// The steps it took, of those in [`EvalBudget::fuel`]. The same for every run of the same program.
    pub spent: u64,
}

/// Evaluates a well-formed term.
///
/// For [`EvalDepth::Whnf`] the value has its arguments as they are then: some still apps to be evaluated.
///
/// # Panics
///
/// If the term is not well formed ([`Term::is_well_formed`]).
pub fn run(term: &Term, depth: EvalDepth, limits: EvalBudget) -> SpecReport {
    assert!(term.is_well_formed(), "not a PLAN expression: {term}");
    let mut graph = EvalGraph::new(limits);
    let done = graph.load(term).and_then(|root| {
        match depth {
            EvalDepth::Normal => graph.F(root)?,
            EvalDepth::Whnf => graph.E(root)?,
        }
        graph.read(root, limits.fuel)
    });
    let outcome = match done {
        Ok(value) => SpecOutcome::Value(value),
        Err(EvalFailure::Loop) => SpecOutcome::Loop,
        Err(EvalFailure::OutOfFuel) => SpecOutcome::OutOfFuel,
        Err(EvalFailure::Crash { op, arg }) => match graph.read(arg, limits.fuel) {
            Ok(arg) => SpecOutcome::Crash { op, arg },
            Err(_) => SpecOutcome::OutOfFuel,
        },
    };
    SpecReport { outcome, spent: graph.spent() }
}

/// Evaluates to normal form in at most `fuel` steps, on the caller's stack.
///
/// Nesting deeper than [`EvalBudget::SMALL_DEPTH`] is out of fuel: see [`eval_on_big_stack`].
///
/// # Panics
///
/// As [`run`].
pub fn eval(term: &Term, fuel: u64) -> SpecOutcome {
    run(term, EvalDepth::Normal, EvalBudget { fuel, depth: EvalBudget::SMALL_DEPTH }).outcome
}

/// As [`eval`], but only to weak head normal form.
///
/// # Panics
///
/// As [`run`].
pub fn whnf(term: &Term, fuel: u64) -> SpecOutcome {
    run(term, EvalDepth::Whnf, EvalBudget { fuel, depth: EvalBudget::SMALL_DEPTH }).outcome
}

/// As [`eval`], on a thread of its own whose stack allows [`EvalBudget::BIG_DEPTH`].
///
/// If the system cannot give such a thread, the caller's stack must do.
///
/// # Panics
///
/// As [`run`].
pub fn eval_on_big_stack(term: &Term, fuel: u64) -> SpecOutcome {
    let limits = EvalBudget { fuel, depth: EvalBudget::BIG_DEPTH };
    let stack = EvalBudget::STACK_PER_LEVEL * (EvalBudget::BIG_DEPTH as usize + 1024);
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("spec".to_owned())
            .stack_size(stack)
            .spawn_scoped(scope, || run(term, EvalDepth::Normal, limits).outcome);
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => eval(term, fuel),
        }
    })
}
