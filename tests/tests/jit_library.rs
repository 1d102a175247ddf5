//! Every law of our library through the compiler's build and passes, with the verifier after each.

use jit::build::{Jets, Refused, build};
use jit::ir::{Callee, End, Op, Stmt, Unit, verify};
use jit::passes::optimise;
use sire::{Library, Options, Output, Sire};
use std::sync::Arc;
use vm::{Val, Vm};

/// A session in which the library is loaded, and what it defines.
fn session(module: &str) -> (Sire, Vec<(String, Val)>) {
    let vm = Vm::new(Default::default(), Arc::new(jets::table())).expect("a stack can be had");
    let output = Output::new(std::io::sink(), Default::default());
    let library = Library::new("/nonexistent");
    let options = Options { library, cache: None, diagnostics: output.clone(), output };
    let mut sire = Sire::new(vm, options).expect("there is room");
    sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
    let definitions = sire.definitions().collect();
    (sire, definitions)
}

fn optimised(name: &str, mut unit: Unit) -> Unit {
    let check = |after: &str, unit: &Unit| {
        verify(unit).unwrap_or_else(|wrong| panic!("{name}, after {after}: {wrong}\n{unit}"));
    };
    check("building", &unit);
    optimise(&mut unit, &[], check);
    unit
}

/// How many thunks are made, and unknown functions called, in a unit's code.
fn costs(unit: &Unit) -> (usize, usize) {
    let (mut thunks, mut unknown) = (0, 0);
    let mut count = |callee: &Callee| unknown += usize::from(matches!(callee, Callee::Unknown(_)));
    for block in unit.functions.iter().flat_map(|function| &function.blocks) {
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let(_, Op::Thunk(..) | Op::Delay(..)) => thunks += 1,
                Stmt::Let(_, Op::Call(call)) => count(&call.callee),
                _ => {}
            }
        }
        if let End::Tail(call) = &block.end {
            count(&call.callee);
        }
    }
    (thunks, unknown)
}

#[test]
fn laws_of_the_library_are_compiled_to_good_units() {
    let jets = Jets::library();
    let mut built = 0;
    for module in Library::built_in() {
        let (mut sire, definitions) = session(module);
        for (name, value) in definitions {
            let vm = sire.vm();
            match build(vm, vm.look(&value), &jets) {
                Ok(unit) => {
                    optimised(&name, unit.unit);
                    built += 1;
                }
                Err(refused) => assert_eq!(refused, Refused::NoLaw, "{name}"),
            }
        }
    }
    assert!(built > 500, "only {built} laws were built");
}

/// Programs whose inner loops must come out without thunks and unknown calls.
const PROGRAMS: &str = "
= (fib n) | if (lth n 2) n | add (fib dec-n) (fib | sub n 2)

= (tak x y z)
| if (lte x y) z
| tak (tak (dec x) y z) (tak (dec y) z x) (tak (dec z) x y)

= (ack m n)
| ifz m (inc n)
| ifz n (ack (dec m) 1)
| ack (dec m) (ack m (dec n))

= (spin n acc)
| ifz n acc
| seq acc
| spin (dec n) (mod (add acc n) 1000003)
";

#[test]
fn strict_recursion_leaves_no_thunk() {
    let (mut sire, _) = session("prelude");
    sire.repl(PROGRAMS.replace("dec-n", "(dec n)").as_bytes()).expect("the programs are read");
    let jets = Jets::library();
    for name in ["fib", "tak", "ack", "spin"] {
        let value = sire.binding(name).expect("it is defined");
        let vm = sire.vm();
        let built = build(vm, vm.look(&value), &jets).expect("it is a law");
        let unit = optimised(name, built.unit);
        assert_eq!(costs(&unit), (0, 0), "{name}\n{unit}");
    }
}
