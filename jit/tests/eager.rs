//! Compiled code against the specification, on generated programs.
//!
//! Both run the same program; every law is compiled before its first call. They must agree on the
//! value or on the crash. The test shrinks a program on which they disagree, and reports the
//! smaller one. `PALLAS_AGREEMENT_CASES` sets the count of programs for each configuration.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::{CompileMode, install};
use plan::HeapOptions;
use spec::Term;
use spec::generate::TermGenerator;
use spec::shrink::minimise;
use support::{ProgramResult, agree, cases, found, specified};
use vm::Vm;

fn compiled(options: &HeapOptions, program: &Term) -> ProgramResult {
    let mut vm = Vm::new(options.clone(), Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Eager).expect("the machine is known");
    found(&mut vm, program)
}

fn check(options: &HeapOptions, first: u64, count: u64, size: usize) {
    for seed in first..first + count {
        let program = TermGenerator::new(seed).program(size);
        let right = specified(&program);
        if right == ProgramResult::Undecided {
            continue;
        }
        if std::env::var_os("PALLAS_AGREEMENT_TRACE").is_some() {
            eprintln!("seed {seed}: {program}");
        }
        if !agree(&right, &compiled(options, &program)) {
            let smallest = minimise(program, |smaller| {
                let right = specified(smaller);
                right != ProgramResult::Undecided && !agree(&right, &compiled(options, smaller))
            });
            let (right, wrong) = (specified(&smallest), compiled(options, &smallest));
            panic!("seed {seed}: {smallest}\n specified {right:?}\n compiled {wrong:?}");
        }
    }
}

fn small() -> HeapOptions {
    HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false }
}

#[test]
fn compiled_code_does_what_the_specification_says() {
    check(&small(), 0, cases(150), 30);
}

#[test]
fn larger_programs_agree_too() {
    check(&small(), 1_000_000, cases(40), 150);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    let options = HeapOptions { nursery: 1 << 15, stress: true, ..small() };
    check(&options, 2_000_000, cases(60), 40);
}
