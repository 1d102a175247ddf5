//! Every law of our library is built, optimised with the verifier after each pass, and compiled to
//! machine code.

#[path = "../../jit/tests/oracle/mod.rs"]
mod oracle;

use jit::build::{BuildError, build};
use jit::explain;
use jit::ir::{Callee, ConstantKind, Op, Stmt, Terminator, Unit, verify};
use jit::passes::optimise;
use oracle::OracleMachine;
use plan::{Val, plain};
use sire::{ModuleLibrary, Sire};
use spec::Term;
use std::collections::HashSet;
use tests::interpreted_session;
use vm::Vm;

/// A session with this module loaded, and the definitions of the module.
fn session(module: &str) -> (Sire, Vec<(String, Val)>) {
    let sire = interpreted_session(module);
    let definitions = sire.definitions().collect();
    (sire, definitions)
}

/// The unit after all passes. It is verified after each pass.
fn optimised(name: &str, mut unit: Unit) -> Unit {
    let check = |after: &str, unit: &Unit| {
        verify(unit).unwrap_or_else(|error| panic!("{name}, after {after}: {error}\n{unit}"));
    };
    check("building", &unit);
    optimise(&mut unit, &[], |pass, unit| check(pass.name(), unit));
    unit
}

/// Counts the instructions of a unit that allocate thunks, and those that call unknown functions.
fn count_thunks_and_unknown_calls(unit: &Unit) -> (usize, usize) {
    let (mut thunks, mut unknown) = (0, 0);
    let mut count = |callee: &Callee| unknown += usize::from(matches!(callee, Callee::Unknown(_)));
    for block in unit.functions.values().flat_map(|function| function.blocks.values()) {
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let(_, Op::Thunk(..) | Op::Delay(..)) => thunks += 1,
                Stmt::Let(_, Op::Call(call)) => count(&call.callee),
                _ => {}
            }
        }
        if let Terminator::Tail(call) = &block.terminator {
            count(&call.callee);
        }
    }
    (thunks, unknown)
}

/// Compiles a law to machine code, and the laws among its constants, unless their units are among those
/// that have been compiled. Returns whether it is a law.
fn compile_all(vm: &mut Vm, name: &str, law: &Val, compiled: &mut HashSet<String>) -> bool {
    let mut laws = vec![law.clone()];
    while let Some(law) = laws.pop() {
        let built = match build(vm, vm.look(&law)) {
            Ok(built) => built,
            Err(BuildError::NotALaw) => continue,
            Err(refused) => panic!("{name}: {refused}"),
        };
        if !compiled.insert(built.unit.to_string()) {
            continue;
        }
        let constants = built.unit.constants.values().zip(&built.values);
        let nested = constants.filter(|(constant, _)| constant.kind == ConstantKind::Law);
        laws.extend(nested.map(|(_, value)| value.clone()));
        optimised(name, built.unit);
        if let Err(error) = explain(vm, &law) {
            panic!("{name}: {error}");
        }
    }
    build(vm, vm.look(law)).is_ok()
}

#[test]
fn laws_of_the_library_are_compiled() {
    let (mut built, mut compiled) = (0, HashSet::new());
    for module in ModuleLibrary::built_in() {
        let (mut sire, definitions) = session(module);
        for (name, value) in definitions {
            built += usize::from(compile_all(sire.vm(), &name, &value, &mut compiled));
        }
    }
    assert!(built > 500, "only {built} definitions are laws");
    assert!(compiled.len() > built, "{} of {built}", compiled.len());
}

/// Programs that use jets in various ways: name, definition, arguments.
const SAMPLES: &[(&str, &str, &[u64])] = &[
    ("fib", "= (fib n) | if (lth n 2) n | add (fib (dec n)) (fib (sub n 2))", &[9]),
    ("fact", "= (fact n) | ifz n 1 | mul n (fact (dec n))", &[25]),
    ("sums", "= (sums n) | foldl (x y & add n (add x y)) 0 (gen n (mul 3))", &[6]),
    ("bits", "= (bits a b) | add (mix a b) (add (con a b) (add (dis a b) (rsh a 1)))", &[0, 91]),
    ("logic", "= (logic a b) | v4 (and a b) (or a b) (xor a b) (nand a (nor a b))", &[0, 7]),
    ("order", "= (order a b) | v4 (cmp a b) (min a b) (eql a b) (gth a (v2 a b))", &[3, 3]),
    ("pick", "= (pick i x) | switch i (die 7) (v4 (add i x) x (div x 0) (mod x 2))", &[2, 9]),
    ("pair", "= (pair a b)\n@ p | v2 b (die a)\n| add (idx 0 p) (idx 7 p)", &[4, 5]),
    (
        "count",
        "= (count p n) | foldl (x y & if (eql 0 (mod y p)) (inc x) x) 0 (gen n inc)",
        &[3, 12],
    ),
    (
        "drain",
        "= (drain n acc) | ifz n acc | seq acc | drain (dec n) (mod (add acc n) 1003)",
        &[50, 1],
    ),
];

#[test]
fn every_pass_keeps_the_results_of_samples() {
    let (mut sire, _) = session("prelude");
    let text: String = SAMPLES.iter().flat_map(|(_, text, _)| [text, "\n\n"]).collect();
    sire.repl(text.as_bytes()).expect("they are read");
    for (name, _, args) in SAMPLES {
        let law = sire.binding(name).expect("it is defined");
        let vm = sire.vm();
        let built = build(vm, vm.look(&law)).expect("it is a law");
        let constants: Vec<Term> =
            built.values.iter().map(|value| plain::to_term(vm.look(value))).collect();
        let terms: Vec<Term> = args.iter().map(|arg| Term::from(*arg)).collect();
        let given: Vec<Val> = args.iter().map(|arg| vm.nat(*arg)).collect();
        let value = vm.apply(&law, &given).and_then(|value| vm.force(&value));
        let expected = plain::to_term(vm.look(&value.expect("it has a value")));
        let mut unit = built.unit;
        optimise(&mut unit, &[], |after, unit| {
            let found = OracleMachine::new(unit, &constants, 20_000_000).run(&terms);
            assert_eq!(found.as_ref(), Ok(&expected), "{name}, after {after}\n{unit}");
        });
    }
}

/// Programs whose code must contain no thunks and no unknown calls after optimisation.
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
    for name in ["fib", "tak", "ack", "spin"] {
        let value = sire.binding(name).expect("it is defined");
        let vm = sire.vm();
        let built = build(vm, vm.look(&value)).expect("it is a law");
        let unit = optimised(name, built.unit);
        assert_eq!(count_thunks_and_unknown_calls(&unit), (0, 0), "{name}\n{unit}");
    }
}
