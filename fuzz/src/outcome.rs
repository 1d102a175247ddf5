//! How the evaluation of a program ends, as the specification and as a runtime sees it.

use crate::bounds::has_at_most;
use vm::spec::{Goal, Limits, Outcome, Term, run};
use vm::{Hash, Stop, Val, Vm, plain};

/// Values of more parts are not unfolded. The specification gives none.
const PARTS: usize = 1 << 16;

/// How an evaluation ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// With a value.
    Value(Term),
    /// With a large one: its hash, which does not take pins to pieces.
    Large(Option<Hash>),
    /// With a crash: the nat that was run, and its argument; or `large` if that is so.
    Crash(Term, Term),
    /// A value turned out to need itself.
    Loop,
    /// It used up what it was given.
    Cut,
}

/// What a program comes to.
pub(crate) fn specified(program: &Term, limits: Limits) -> End {
    match run(program, Goal::Normal, limits).outcome {
        Outcome::Value(value) => End::Value(value),
        Outcome::Crash { op, arg } => End::Crash(Term::Nat(op), arg),
        Outcome::Loop => End::Loop,
        Outcome::OutOfFuel => End::Cut,
    }
}

/// How a runtime's evaluation to normal form has ended.
pub(crate) fn found(vm: &Vm, result: Result<Val, Stop>) -> End {
    let term = |val: &Val| {
        let value = vm.look(val);
        has_at_most(value, PARTS).then(|| plain::to_term(value))
    };
    match result {
        // Time may be over while it is hashed, too.
        Ok(value) => match term(&value) {
            Some(term) => End::Value(term),
            None => hash(vm, &value).map_or(End::Cut, End::Large),
        },
        Err(Stop::Crash { op, arg }) => {
            let [op, arg] = [op, arg].map(|part| term(&part).unwrap_or_else(|| "large".into()));
            End::Crash(op, arg)
        }
        Err(Stop::Loop) => End::Loop,
        Err(_) => End::Cut,
    }
}

/// The hash of a value, if it is not so large that this would take long.
fn hash(vm: &Vm, value: &Val) -> Result<Option<Hash>, Stop> {
    has_at_most(vm.look(value), 1 << 20).then(|| vm.hash(value)).transpose()
}
