//! The outcome of a program's evaluation, by the specification and by a runtime.

use crate::bounds::has_at_most;
use plan::{EvalError, Hash, Val, plain};
use spec::{self, EvalBudget, EvalDepth, Term};
use vm::Vm;

/// Larger values are compared by hash. The specification gives none of this size.
const MAX_PARTS: usize = 1 << 16;

/// The outcome of an evaluation.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A value.
    Value(Term),
    /// A large value: its hash, or None if it is too large to hash.
    LargeValue(Option<Hash>),
    /// A crash: the operation and its argument. A large one is replaced by the text `large`.
    Crash(Term, Term),
    /// A value depends on itself.
    Loop,
    /// The limit on time, stack, memory or steps was exceeded.
    OutOfResources,
}

/// The outcome of a program by the specification.
pub(crate) fn specified(program: &Term, limits: EvalBudget) -> Outcome {
    match spec::run(program, EvalDepth::Normal, limits).outcome {
        spec::SpecOutcome::Value(value) => Outcome::Value(value),
        spec::SpecOutcome::Crash { op, arg } => Outcome::Crash(Term::Nat(op), arg),
        spec::SpecOutcome::Loop => Outcome::Loop,
        spec::SpecOutcome::OutOfFuel => Outcome::OutOfResources,
    }
}

/// The outcome of a runtime's evaluation to normal form.
pub(crate) fn evaluated(vm: &Vm, result: Result<Val, EvalError>) -> Outcome {
    let term = |val: &Val| {
        let value = vm.look(val);
        has_at_most(value, MAX_PARTS).then(|| plain::to_term(value))
    };
    match result {
        Ok(value) => match term(&value) {
            Some(term) => Outcome::Value(term),
            // The time limit may also end the computation of the hash.
            None => hash(vm, &value).map_or(Outcome::OutOfResources, Outcome::LargeValue),
        },
        Err(EvalError::Crash { op, arg }) => {
            let [op, arg] = [op, arg].map(|part| term(&part).unwrap_or_else(|| "large".into()));
            Outcome::Crash(op, arg)
        }
        Err(EvalError::Loop) => Outcome::Loop,
        Err(_) => Outcome::OutOfResources,
    }
}

/// The hash of a value. None if the value is too large to hash in a short time.
fn hash(vm: &Vm, value: &Val) -> Result<Option<Hash>, EvalError> {
    has_at_most(vm.look(value), 1 << 20).then(|| vm.hash(value)).transpose()
}
