//! What the suites that compare a runtime with the specification share, the compiler's too: how a
//! program ended, and when two ends agree.

#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of this")]

use plan::{EvalError, Val, plain};
use spec::{Outcome, Term, eval_on_big_stack};
use vm::Vm;

/// What the specification may spend on a program.
pub const FUEL: u64 = 20_000;

/// How a program ended, for both.
#[derive(Debug, PartialEq)]
pub enum ProgramResult {
    Value(Term),
    Crash(Term, Term),
    Loop,
    Undecided,
}

/// What a program comes to.
pub fn specified(program: &Term) -> ProgramResult {
    match eval_on_big_stack(program, FUEL) {
        Outcome::Value(value) => ProgramResult::Value(value),
        Outcome::Crash { op, arg } => ProgramResult::Crash(Term::Nat(op), arg),
        Outcome::Loop => ProgramResult::Loop,
        Outcome::OutOfFuel => ProgramResult::Undecided,
    }
}

/// What a runtime made of a program.
pub fn found(vm: &mut Vm, program: &Term) -> ProgramResult {
    let result = plain::from_term(vm, program).and_then(|value| vm.force(&value));
    end(vm, result)
}

/// How a runtime's evaluation to normal form has ended.
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

/// Whether both ends are right together.
pub fn agree(specified: &ProgramResult, found: &ProgramResult) -> bool {
    match specified {
        // The budget is the specification's own.
        ProgramResult::Undecided => true,
        // What loops may be noticed as such, or only when the stack ends.
        ProgramResult::Loop => matches!(found, ProgramResult::Loop | ProgramResult::Undecided),
        known => known == found,
    }
}

/// How many programs are run: what `PALLAS_AGREEMENT_CASES` says, or else so many.
pub fn cases(default: u64) -> u64 {
    let set = std::env::var("PALLAS_AGREEMENT_CASES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The law that ignores its argument and is the program.
pub fn law_of(program: &Term) -> Term {
    fn quoted(term: &Term) -> Term {
        match term {
            Term::App(f, x) => Term::from(0).apps([quoted(f), quoted(x)]),
            value => Term::from(2).app(value.clone()),
        }
    }
    Term::law(0, 1, quoted(program))
}
