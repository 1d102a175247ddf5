//! The interpreter against the specification, on generated programs.
//!
//! Both run each program; they must agree on the value, or on the crash. If the specification runs
//! out of its budget or finds a loop, the interpreter must only terminate. A disagreement is shrunk
//! before it is reported. `PALLAS_AGREEMENT_CASES` sets the number of programs of each
//! configuration.

mod support;

use plan::pinspace::PinSpace;
use plan::{HeapOptions, Shape, Val, plain};
use spec::Term;
use spec::generate::TermGenerator;
use spec::shrink::minimise;
use support::{ProgramResult, agree, cases, end, found, specified};
use vm::Vm;

fn interpreted(options: &HeapOptions, program: &Term) -> ProgramResult {
    let mut vm = Vm::new(options.clone(), Default::default()).expect("a stack can be reserved");
    found(&mut vm, program)
}

/// The result of a program whose function and arguments have been frozen. `None` if not all of them
/// have a normal form.
fn interpreted_frozen(options: &HeapOptions, program: &Term) -> Option<ProgramResult> {
    let (function, arguments) = program.spine();
    let mut vm = Vm::new(options.clone(), Default::default()).expect("a stack can be reserved");
    let mut parts = Vec::new();
    for part in std::iter::once(function).chain(arguments) {
        let ProgramResult::Value(part) = specified(part) else { return None };
        let part = plain::from_term(&mut vm, &part).and_then(|part| vm.force(&part));
        parts.push(part.ok()?);
    }
    let row = vm.row(&parts).ok()?;
    let space = PinSpace::in_memory().expect("a slot is free");
    let frozen = vm.freeze(&row, &space).expect("room");
    let pin = vm.adopt(&frozen);
    let Shape::Pin(pin) = vm.look(&pin).shape() else { panic!("not a pin") };
    let row = pin.item().as_row().expect("a row");
    let parts: Vec<Val> = row.iter().map(|part| vm.hold(part)).collect();
    let result = vm.app(&parts[0], &parts[1..]).and_then(|value| vm.force(&value));
    Some(end(&vm, result))
}

fn check(options: &HeapOptions, first: u64, count: u64, size: usize) {
    let mut decided = 0;
    for seed in first..first + count {
        let program = TermGenerator::new(seed).program(size);
        let right = specified(&program);
        if right == ProgramResult::Undecided {
            continue;
        }
        decided += 1;
        if !agree(&right, &interpreted(options, &program)) {
            let smallest = minimise(program, |smaller| {
                let right = specified(smaller);
                right != ProgramResult::Undecided && !agree(&right, &interpreted(options, smaller))
            });
            let (right, wrong) = (specified(&smallest), interpreted(options, &smallest));
            panic!("seed {seed}: {smallest}\n specified {right:?}\n interpreted {wrong:?}");
        }
    }
    assert!(decided * 2 > count, "most programs should end: {decided} of {count} did");
}

fn small() -> HeapOptions {
    HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false }
}

#[test]
fn the_interpreter_agrees_with_the_specification() {
    check(&small(), 0, cases(4000), 30);
}

#[test]
fn larger_programs_agree_too() {
    check(&small(), 1_000_000, cases(600), 150);
}

#[test]
fn collecting_at_every_allocation_changes_nothing() {
    let options = HeapOptions { nursery: 1 << 15, stress: true, ..small() };
    check(&options, 2_000_000, cases(500), 40);
}

/// Laws and data in a pin space behave as they do on a heap.
#[test]
fn frozen_programs_agree_with_the_specification() {
    let stressed = HeapOptions { nursery: 1 << 15, stress: true, ..small() };
    for (options, first, count) in [(small(), 3_000_000, 600), (stressed, 4_000_000, 60)] {
        let mut decided = 0;
        for seed in first..first + cases(count) {
            let program = TermGenerator::new(seed).program(40);
            let right = specified(&program);
            if right == ProgramResult::Undecided {
                continue;
            }
            if let Some(end) = interpreted_frozen(&options, &program) {
                decided += 1;
                assert!(agree(&right, &end), "{program}\n specified {right:?}\n frozen {end:?}");
            }
        }
        assert!(decided * 10 > cases(count), "some programs are made of values: {decided} were");
    }
}
