//! Running a term within a budget.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use malachite_nz::natural::Natural;

use super::Term;
use super::heap::{Graph, Stop};

/// How an evaluation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
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

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Value(value) => write!(f, "value {value}"),
            Outcome::Crash { op, arg } => write!(f, "crash {op} {arg}"),
            Outcome::Loop => write!(f, "loop"),
            Outcome::OutOfFuel => write!(f, "out of fuel"),
        }
    }
}

/// The budget of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many steps it may take. A cell made and a visit to a cell are a step each, so this also
    /// bounds memory, at some 40 bytes a step.
    pub fuel: u64,
    /// How deep the rules may recurse natively. A level takes at most [`Limits::STACK_PER_LEVEL`]
    /// bytes of stack.
    pub depth: u32,
}

impl Limits {
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
pub enum Goal {
    /// To normal form.
    Normal,
    /// To weak head normal form: until it is a nat, pin, law, or app that lacks an argument.
    Whnf,
}

/// An outcome, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How the evaluation ended.
    pub outcome: Outcome,
    /// The steps it took, of those in [`Limits::fuel`]. The same for every run of the same program.
    pub spent: u64,
}

/// Evaluates a well-formed term.
///
/// For [`Goal::Whnf`] the value has its arguments as they are then: some still apps to be evaluated.
///
/// # Panics
///
/// If the term is not well formed ([`Term::is_well_formed`]).
pub fn run(term: &Term, goal: Goal, limits: Limits) -> Report {
    assert!(term.is_well_formed(), "not a PLAN expression: {term}");
    let mut graph = Graph::new(limits);
    let done = graph.load(term).and_then(|root| {
        match goal {
            Goal::Normal => graph.F(root)?,
            Goal::Whnf => graph.E(root)?,
        }
        graph.read(root, limits.fuel)
    });
    let outcome = match done {
        Ok(value) => Outcome::Value(value),
        Err(Stop::Loop) => Outcome::Loop,
        Err(Stop::OutOfFuel) => Outcome::OutOfFuel,
        Err(Stop::Crash { op, arg }) => match graph.read(arg, limits.fuel) {
            Ok(arg) => Outcome::Crash { op, arg },
            Err(_) => Outcome::OutOfFuel,
        },
    };
    Report { outcome, spent: graph.spent() }
}

/// Evaluates to normal form in at most `fuel` steps, on the caller's stack.
///
/// Nesting deeper than [`Limits::SMALL_DEPTH`] is out of fuel: see [`eval_on_big_stack`].
///
/// # Panics
///
/// As [`run`].
pub fn eval(term: &Term, fuel: u64) -> Outcome {
    run(term, Goal::Normal, Limits { fuel, depth: Limits::SMALL_DEPTH }).outcome
}

/// As [`eval`], but only to weak head normal form.
///
/// # Panics
///
/// As [`run`].
pub fn whnf(term: &Term, fuel: u64) -> Outcome {
    run(term, Goal::Whnf, Limits { fuel, depth: Limits::SMALL_DEPTH }).outcome
}

/// As [`eval`], on a thread of its own whose stack allows [`Limits::BIG_DEPTH`].
///
/// If the system cannot give such a thread, the caller's stack must do.
///
/// # Panics
///
/// As [`run`].
pub fn eval_on_big_stack(term: &Term, fuel: u64) -> Outcome {
    let limits = Limits { fuel, depth: Limits::BIG_DEPTH };
    let stack = Limits::STACK_PER_LEVEL * (Limits::BIG_DEPTH as usize + 1024);
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("spec".to_owned())
            .stack_size(stack)
            .spawn_scoped(scope, || run(term, Goal::Normal, limits).outcome);
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => eval(term, fuel),
        }
    })
}
