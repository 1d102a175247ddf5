//! Evaluation of a term within a budget.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use malachite_nz::natural::Natural;

use super::Term;
use super::heap::{EvalFailure, EvalGraph};

/// The result of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecOutcome {
    /// A value.
    Value(Term),
    /// A crash, as the prototype calls it: the program called a nat that is not an operation, or
    /// made a law of arity 0.
    Crash {
        /// The nat that was called; 0 for a law of arity 0.
        op: Natural,
        /// Its argument, normalised; 0 for a law of arity 0.
        arg: Term,
    },
    /// A value is needed to compute itself.
    Loop,
    /// The budget is exhausted, or the result is larger than the budget. The meaning of the program
    /// is unknown; an infinite value always ends like this.
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
    /// The number of steps that it may take. Each new cell and each visit to a cell is a step, so
    /// this also bounds memory, at about 40 bytes a step.
    pub fuel: u64,
    /// The depth of native recursion that the rules may reach. A level takes at most
    /// [`EvalBudget::STACK_PER_LEVEL`] bytes of stack.
    pub depth: u32,
}

impl EvalBudget {
    /// The bytes of native stack to reserve for each level of depth: more than the largest
    /// measured, which is under 6 KB in unoptimised code and under 1 KB in the dev profile's.
    pub const STACK_PER_LEVEL: usize = 8192;

    /// The depth of [`eval`] and [`whnf`]: for 1.6 MB of stack; a test's thread has 2 MB.
    pub const SMALL_DEPTH: u32 = 200;

    /// The depth of [`eval_on_big_stack`]: for 0.5 GB, of which only the used part takes memory.
    pub const BIG_DEPTH: u32 = 60_000;
}

/// How far an evaluation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalDepth {
    /// To normal form.
    Normal,
    /// To weak head normal form: a nat, a pin, a law, or an app that lacks an argument.
    Whnf,
}

/// An outcome and its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecReport {
    /// The result of the evaluation.
    pub outcome: SpecOutcome,
    /// The number of steps taken, out of [`EvalBudget::fuel`]. It is the same in every run of the
    /// same program.
    pub spent: u64,
}

/// Evaluates a well-formed term.
///
/// With [`EvalDepth::Whnf`] the arguments in the value are as evaluation left them: some are
/// unevaluated apps.
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
/// Deeper nesting than [`EvalBudget::SMALL_DEPTH`] exhausts the budget: see [`eval_on_big_stack`].
///
/// # Panics
///
/// If the term is not well formed.
pub fn eval(term: &Term, fuel: u64) -> SpecOutcome {
    run(term, EvalDepth::Normal, EvalBudget { fuel, depth: EvalBudget::SMALL_DEPTH }).outcome
}

/// Evaluates like [`eval`], but only to weak head normal form.
///
/// # Panics
///
/// If the term is not well formed.
pub fn whnf(term: &Term, fuel: u64) -> SpecOutcome {
    run(term, EvalDepth::Whnf, EvalBudget { fuel, depth: EvalBudget::SMALL_DEPTH }).outcome
}

/// Evaluates like [`eval`], on a thread of its own whose stack allows [`EvalBudget::BIG_DEPTH`].
///
/// If the system cannot create such a thread, the evaluation runs on the caller's stack.
///
/// # Panics
///
/// If the term is not well formed.
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
