//! Shared code of the suites that compare a runtime with the specification, those of the compiler
//! included: the result of a program, and when two results agree.

#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of this")]

use plan::{EvalError, Val, plain};
use spec::{SpecOutcome, Term, eval_on_big_stack};
use vm::Vm;

/// The budget of the specification for a program, in steps.
pub const FUEL: u64 = 20_000;

/// The result of a program, from the specification or from a runtime.
#[derive(Debug, PartialEq)]
pub enum ProgramResult {
    Value(Term),
    Crash(Term, Term),
    Loop,
    Undecided,
}

/// The result of a program by the specification.
pub fn specified(program: &Term) -> ProgramResult {
    match eval_on_big_stack(program, FUEL) {
        SpecOutcome::Value(value) => ProgramResult::Value(value),
        SpecOutcome::Crash { op, arg } => ProgramResult::Crash(Term::Nat(op), arg),
        SpecOutcome::Loop => ProgramResult::Loop,
        SpecOutcome::OutOfFuel => ProgramResult::Undecided,
    }
}

/// The result of a program on a runtime.
pub fn found(vm: &mut Vm, program: &Term) -> ProgramResult {
    let result = plain::from_term(vm, program).and_then(|value| vm.force(&value));
    end(vm, result)
}

/// The result for a runtime's evaluation to normal form.
pub fn end(vm: &Vm, result: Result<Val, EvalError>) -> ProgramResult {
    match result {
        Ok(value) => ProgramResult::Value(plain::to_term(vm.look(&value))),
        Err(EvalError::Crash { op, arg }) => {
            ProgramResult::Crash(plain::to_term(vm.look(&op)), plain::to_term(vm.look(&arg)))
        }
        Err(EvalError::Loop) => ProgramResult::Loop,
        Err(_) => ProgramResult::Undecided,
    }
}

/// Whether a runtime's result is right, given that of the specification.
pub fn agree(specified: &ProgramResult, found: &ProgramResult) -> bool {
    match specified {
        // Only the specification has the budget.
        ProgramResult::Undecided => true,
        // A runtime may detect a loop, or overflow the stack.
        ProgramResult::Loop => matches!(found, ProgramResult::Loop | ProgramResult::Undecided),
        known => known == found,
    }
}

/// The number of programs to run: `PALLAS_AGREEMENT_CASES`, or `default` if it is not set.
pub fn cases(default: u64) -> u64 {
    let set = std::env::var("PALLAS_AGREEMENT_CASES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The law of one argument, which it ignores, whose body is the program.
pub fn law_of(program: &Term) -> Term {
    fn quoted(term: &Term) -> Term {
        match term {
            Term::App(f, x) => Term::from(0).apps([quoted(f), quoted(x)]),
            value => Term::from(2).app(value.clone()),
        }
    }
    Term::law(0, 1, quoted(program))
}
