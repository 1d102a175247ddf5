//! The outcome of a program's evaluation, by the specification and by a runtime.

use crate::bounds::has_at_most;
use plan::{EvalError, Hash, Val, plain};
use spec::{self, EvalBudget, EvalDepth, Term};
use vm::Vm;

/// Larger values are compared by hash. The specification gives none of this size.
const MAX_PARTS: usize = 1 << 16;

/// The outcome of an evaluation.
#[derive(Debug, PartialEq)]
pub(crate) enum ProgramOutcome {
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
pub(crate) fn specified(program: &Term, limits: EvalBudget) -> ProgramOutcome {
    match spec::run(program, EvalDepth::Normal, limits).outcome {
        spec::SpecOutcome::Value(value) => ProgramOutcome::Value(value),
        spec::SpecOutcome::Crash { op, arg } => ProgramOutcome::Crash(Term::Nat(op), arg),
        spec::SpecOutcome::Loop => ProgramOutcome::Loop,
        spec::SpecOutcome::OutOfFuel => ProgramOutcome::OutOfResources,
    }
}

/// The outcome of a runtime's evaluation to normal form.
pub(crate) fn evaluated(vm: &Vm, result: Result<Val, EvalError>) -> ProgramOutcome {
    let term = |val: &Val| {
        let value = vm.look(val);
        has_at_most(value, MAX_PARTS).then(|| plain::to_term(value))
    };
    match result {
        Ok(value) => match term(&value) {
            Some(term) => ProgramOutcome::Value(term),
            // The time limit may also end the computation of the hash.
            None => {
                hash(vm, &value).map_or(ProgramOutcome::OutOfResources, ProgramOutcome::LargeValue)
            }
        },
        Err(EvalError::Crash { op, arg }) => {
            let [op, arg] = [op, arg].map(|part| term(&part).unwrap_or_else(|| "large".into()));
            ProgramOutcome::Crash(op, arg)
        }
        Err(EvalError::Loop) => ProgramOutcome::Loop,
        Err(_) => ProgramOutcome::OutOfResources,
    }
}

/// The hash of a value. None if the value is too large to hash in a short time.
fn hash(vm: &Vm, value: &Val) -> Result<Option<Hash>, EvalError> {
    has_at_most(vm.look(value), 1 << 20).then(|| vm.hash(value)).transpose()
}
