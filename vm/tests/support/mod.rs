//! Shared code of the suites that compare a runtime with the specification, those of the compiler
//! included: the result of a program, and when two results agree.

#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of this")]

use plan::{EvalError, Val, plain};
use spec::generate::TermGenerator;
use spec::{SpecOutcome, Term, eval_on_big_stack};
use vm::{Progress, Vm};

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

/// Evaluates programs that take turns: each is suspended at every `interval`-th safepoint, and then
/// one of them is resumed at random. Returns their results, and how often one was suspended.
pub fn interleaved(
    vm: &mut Vm,
    programs: &[Term],
    interval: u32,
    random: &mut fastrand::Rng,
) -> (Vec<ProgramResult>, usize) {
    vm.suspend_at_intervals(interval);
    let zero = vm.nat(0);
    let mut results: Vec<Option<ProgramResult>> = programs.iter().map(|_| None).collect();
    let (mut running, mut suspensions) = (Vec::new(), 0);
    for (index, program) in programs.iter().enumerate() {
        let law = plain::from_term(vm, &law_of(program));
        match law.and_then(|law| vm.begin_call_in_order(&law, std::slice::from_ref(&zero))) {
            Ok(evaluation) => running.push((index, evaluation)),
            Err(error) => results[index] = Some(end(vm, Err(error))),
        }
    }
    while !running.is_empty() {
        let (index, evaluation) = running.swap_remove(random.usize(..running.len()));
        match vm.resume(evaluation) {
            Progress::Done(result) => results[index] = Some(end(vm, result)),
            Progress::Suspended(evaluation) => {
                suspensions += 1;
                running.push((index, evaluation));
            }
        }
    }
    vm.suspend_at_intervals(0);
    (results.into_iter().flatten().collect(), suspensions)
}

/// Checks groups of generated programs that take turns against the specification.
pub fn check_interleaved(new_vm: impl Fn() -> Vm, first: u64, groups: u64, size: usize) {
    let (mut decided, mut suspensions, mut programs_run) = (0, 0, 0);
    for group in 0..groups {
        let mut random = fastrand::Rng::with_seed(first + group);
        let programs: Vec<Term> = (0..4)
            .map(|index| TermGenerator::new(first + 4 * group + index).program(size))
            .filter(|program| specified(program) != ProgramResult::Undecided)
            .collect();
        let interval = [1, 1, 2, 3, 7][random.usize(..5)];
        let (results, count) = interleaved(&mut new_vm(), &programs, interval, &mut random);
        suspensions += count;
        for (program, result) in programs.iter().zip(results) {
            let right = specified(program);
            decided += 1;
            assert!(
                agree(&right, &result),
                "group {group}, interval {interval}: {program}\n specified {right:?}\n found {result:?}"
            );
        }
        programs_run += 4;
    }
    assert!(
        decided * 2 > programs_run,
        "most programs should end: {decided} of {programs_run} did"
    );
    assert!(suspensions > decided, "programs are suspended: {suspensions} times");
}
