//! The verifier accepts the unit of every law in generated programs.

use jit::build::build;
use jit::ir::{parse, verify};
use plan::{HeapOptions, plain};
use spec::Term;
use spec::generate::TermGenerator;
use vm::Vm;

fn small_vm() -> Vm {
    let options =
        HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    Vm::new(options, Default::default()).expect("a stack can be reserved")
}

/// The laws in a term, outermost first.
fn laws(term: &Term) -> Vec<Term> {
    let mut found = Vec::new();
    let mut todo = vec![term];
    while let Some(term) = todo.pop() {
        match term {
            Term::Nat(_) => {}
            Term::App(f, x) => todo.extend([&**x, &**f]),
            Term::Pin(item) => todo.push(item),
            Term::Law { body, .. } => {
                found.push(term.clone());
                todo.push(body);
            }
        }
    }
    found
}

#[test]
fn units_of_generated_laws_are_valid() {
    let mut built = 0;
    for seed in 0..300 {
        let program = TermGenerator::new(seed).program(60);
        let mut vm = small_vm();
        for law in laws(&program) {
            let value = plain::from_term(&mut vm, &law).expect("the heap has room");
            let Ok(unit) = build(&vm, vm.look(&value)) else { continue };
            let unit = unit.unit;
            verify(&unit).unwrap_or_else(|error| panic!("{error}\n{law}\n{unit}"));
            let text = unit.to_string();
            assert_eq!(parse(&text).map(|parsed| parsed.to_string()), Ok(text));
            built += 1;
        }
    }
    assert!(built > 300, "only {built} laws were built");
}
