//! Differential test of the passes: generated programs, built and optimised, against PLAN's
//! specification.
//!
//! A program becomes the body of a law. A plain evaluator of IR (the oracle) runs the unit of that
//! law as it was built and after every pass. Its value must be that of the specification. Since
//! passes may change the order of evaluation, a crash may become another crash, and divergence may
//! become a crash; whether there is a value may not change. `PALLAS_AGREEMENT_CASES` sets the
//! number of programs.

mod oracle;

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::build::build;
use jit::ir::{Unit, verify};
use jit::passes::{Pass, optimise};
use oracle::{OracleFailure, OracleMachine};
use plan::{HeapOptions, plain};
use spec::generate::TermGenerator;
use spec::{SpecOutcome, Term, eval_on_big_stack};
use support::{FUEL, law_of};
use vm::Vm;

fn built(program: &Term) -> Option<(Unit, Vec<Term>)> {
    let options =
        HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("the system gives a stack");
    let law = plain::from_term(&mut vm, &law_of(program)).expect("the heap has room");
    let built = build(&vm, vm.look(&law)).ok()?;
    let values = built.values.iter().map(|value| plain::to_term(vm.look(value))).collect();
    Some((built.unit, values))
}

/// Whether the outcome of a run is allowed by that of the specification.
fn agree(specified: &SpecOutcome, found: &Result<Term, OracleFailure>) -> bool {
    match (specified, found) {
        (SpecOutcome::Value(value), Ok(found)) => value == found,
        (SpecOutcome::Value(_), Err(_))
        | (SpecOutcome::Crash { .. } | SpecOutcome::Loop, Ok(_)) => false,
        (SpecOutcome::Crash { .. }, Err(failure)) => *failure != OracleFailure::OutOfFuel,
        (SpecOutcome::Loop, Err(_)) | (SpecOutcome::OutOfFuel, _) => true,
    }
}

fn check(seed: u64, size: usize, without: &[Pass]) -> bool {
    let program = TermGenerator::new(seed).program(size);
    let specified = eval_on_big_stack(&program, FUEL);
    if specified == SpecOutcome::OutOfFuel {
        return false;
    }
    let Some((mut unit, constants)) = built(&program) else { return false };
    let test = |after: &str, unit: &Unit| {
        verify(unit).unwrap_or_else(|error| panic!("seed {seed}, {after}: {error}\n{unit}"));
        let found = OracleMachine::new(unit, &constants, 50 * FUEL).run(&[Term::zero()]);
        if !agree(&specified, &found) {
            panic!(
                "seed {seed}, {after}: {program}\n specified {specified:?}\n found {found:?}\n{unit}"
            );
        }
    };
    test("building", &unit);
    optimise(&mut unit, without, |pass, unit| test(pass.name(), unit));
    true
}

/// Runs a test on a thread whose stack is large enough for the oracle's recursion.
fn on_big_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(1 << 29)
        .spawn(run)
        .expect("the system gives a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn cases(default: u64) -> u64 {
    let set = std::env::var("PALLAS_AGREEMENT_CASES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn passes_change_no_value() {
    on_big_stack(|| {
        let count = cases(600);
        let decided = (0..count).filter(|seed| check(*seed, 30, &[])).count() as u64;
        assert!(decided * 2 > count, "only {decided} of {count} programs terminate");
    });
}

#[test]
fn passes_change_no_value_of_larger_programs() {
    on_big_stack(|| {
        let count = cases(150);
        let decided = (0..count).filter(|seed| check(1_000_000 + seed, 120, &[])).count() as u64;
        assert!(decided * 2 > count, "only {decided} of {count} programs terminate");
    });
}

#[test]
fn any_pass_can_be_left_out() {
    on_big_stack(|| {
        for &pass in Pass::ALL {
            let count = cases(400) / 10;
            let decided = (0..count).filter(|n| check(2_000_000 + n, 40, &[pass])).count();
            assert!(decided > 0, "without {pass}");
        }
    });
}
