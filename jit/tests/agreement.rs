//! Generated programs, built and optimised, against PLAN's specification.
//!
//! A program becomes the body of a law; the unit of that law is run by a plain evaluator of IR,
//! as it was built and after every pass. Values must be those of the specification. A crash may be
//! another, and what loops may crash instead, since order of evaluation may change; whether there is a
//! value may not. `PALLAS_AGREEMENT_CASES` sets how many programs are run.

mod oracle;

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::build::{Jets, build};
use jit::ir::{Unit, verify};
use jit::passes::{PASSES, optimise};
use oracle::{Machine, Stop};
use support::{FUEL, law_of};
use vm::spec::generate::Gen;
use vm::spec::{Outcome, Term, eval_on_big_stack};
use vm::{Options, Vm, plain};

fn built(program: &Term) -> Option<(Unit, Vec<Term>)> {
    let options =
        Options { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("a stack can be had");
    let law = plain::from_term(&mut vm, &law_of(program)).expect("there is room");
    let built = build(&vm, vm.look(&law), &Jets::default()).ok()?;
    let values = built.values.iter().map(|value| plain::to_term(vm.look(value))).collect();
    Some((built.unit, values))
}

/// Whether a run ended as it should.
fn agree(right: &Outcome, found: &Result<Term, Stop>) -> bool {
    match (right, found) {
        (Outcome::Value(value), Ok(found)) => value == found,
        (Outcome::Value(_), Err(_)) | (Outcome::Crash { .. } | Outcome::Loop, Ok(_)) => false,
        (Outcome::Crash { .. }, Err(stop)) => *stop != Stop::Fuel,
        (Outcome::Loop, Err(_)) | (Outcome::OutOfFuel, _) => true,
    }
}

fn check(seed: u64, size: usize, without: &[&str]) -> bool {
    let program = Gen::new(seed).program(size);
    let right = eval_on_big_stack(&program, FUEL);
    if right == Outcome::OutOfFuel {
        return false;
    }
    let Some((mut unit, constants)) = built(&program) else { return false };
    let test = |after: &str, unit: &Unit| {
        verify(unit).unwrap_or_else(|wrong| panic!("seed {seed}, {after}: {wrong}\n{unit}"));
        let found = Machine::new(unit, &constants, 50 * FUEL).run(&[Term::zero()]);
        if !agree(&right, &found) {
            panic!("seed {seed}, {after}: {program}\n right {right:?}\n found {found:?}\n{unit}");
        }
    };
    test("building", &unit);
    optimise(&mut unit, without, test);
    true
}

/// Runs on a stack that the evaluator's recursion fits.
fn on_big_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 29).spawn(run).expect("a thread");
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
        assert!(decided * 2 > count, "most programs should end: {decided} of {count} did");
    });
}

#[test]
fn nor_in_larger_programs() {
    on_big_stack(|| {
        let count = cases(150);
        let decided = (0..count).filter(|seed| check(1_000_000 + seed, 120, &[])).count() as u64;
        assert!(decided * 2 > count, "most programs should end: {decided} of {count} did");
    });
}

#[test]
fn any_pass_can_be_left_out() {
    on_big_stack(|| {
        for pass in PASSES {
            let count = cases(400) / 10;
            let decided = (0..count).filter(|n| check(2_000_000 + n, 40, &[pass.name])).count();
            assert!(decided > 0, "without {}", pass.name);
        }
    });
}
