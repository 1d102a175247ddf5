//! Calls of functions that compiled code gets as values: laws, jets and apps of them, given as many
//! arguments as they take, fewer, or more. Compiled code does what the interpreter does.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::{CompileMode, install};
use plan::{HeapOptions, Val, plain};
use spec::Term;
use spec::shapes::{bar, row, set, tab};
use std::sync::Arc;
use support::{ProgramResult, end};
use vm::Vm;
use vm::jet::{Jet, JetTable};

/// The jets that are called as values: arithmetic, one with a lazy argument, a choice, one of three
/// arguments, one that falls back to its law, and one that is called through the interpreter.
const JETS: &[&str] =
    &["_Add", "_Sub", "_Mul", "_Eql", "_Idx", "_If", "_Put", "_Seq", "tabIdx", "_Try"];

fn options(stress: bool) -> HeapOptions {
    HeapOptions { nursery: 1 << 18, max_heap: 1 << 28, max_stack: 1 << 24, stress }
}

fn declared(name: &str) -> Jet {
    jets::jets().find(|jet| jet.name == name).expect("the jet is declared")
}

fn law_of_jet(name: &str) -> Term {
    Term::law(spec::nat_from_bytes(name.as_bytes()), declared(name).arity() as u64, Term::from(0))
}

fn table() -> Arc<JetTable> {
    let mut vm = Vm::new(options(false), Arc::default()).expect("the system gives a stack");
    let mut table = JetTable::new();
    for name in JETS.iter().chain(&["_Cmp", "sumOf", "tabFoldlWithKey"]) {
        let law = plain::from_term(&mut vm, &law_of_jet(name)).expect("the heap has room");
        table.add(declared(name), &[vm.hash(&law).expect("a small law")]);
    }
    Arc::new(table)
}

/// A law that applies its first argument to the `count` others, after a call that keeps it from
/// being a tail call if `is_tail` is false: then the result is an item of a row.
fn caller(count: u64, is_tail: bool) -> Term {
    let applied =
        (2..2 + count).fold(Term::from(1), |f, arg| Term::from(0).apps([f, Term::from(arg)]));
    let body = match is_tail {
        true => applied,
        // `2 0 f x` evaluates `x`: 0, or one more than its predecessor.
        false => Term::from(0).apps([
            Term::from(0).apps([
                Term::from(0)
                    .apps([Term::from(2).app(Term::from(2)), Term::from(2).app(Term::from(7))]),
                Term::from(2).app(Term::from(3)),
            ]),
            applied,
        ]),
    };
    Term::law(0, 1 + count, body)
}

/// Functions of one to four arguments, and values that are no functions.
fn functions() -> Vec<Term> {
    // The law of `arity` arguments that returns the row of them.
    let collect = |arity: u64| {
        let constructor = Term::from(2).app(spec::shapes::cow(arity));
        let body =
            (1..=arity).rev().fold(constructor, |f, arg| Term::from(0).apps([f, Term::from(arg)]));
        Term::law(40 + arity, arity, body)
    };
    // A law that returns its first argument, which may be a function.
    let first = Term::law(50, 2, Term::from(1));
    let mut functions: Vec<Term> = JETS.iter().map(|name| law_of_jet(name).pin()).collect();
    for arity in 1..=4 {
        functions.extend([collect(arity), collect(arity).pin()]);
    }
    functions.extend([
        first.clone(),
        first.pin(),
        Term::from(3),
        Term::from(9),
        bar(b"a"),
        set([]),
    ]);
    functions.push(row([Term::from(1)]));
    // Apps, one of them a thunk that is evaluated once and then shared.
    let apps: Vec<Term> = functions.iter().map(|f| f.clone().app(Term::from(6))).collect();
    let first = Term::law(50, 2, Term::from(1));
    let thunk = |f: &Term| first.clone().apps([f.clone(), Term::from(0)]);
    let thunks: Vec<Term> = functions.iter().map(thunk).collect();
    functions.into_iter().chain(apps).chain(thunks).collect()
}

fn arguments(count: usize, choice: usize) -> Vec<Term> {
    let argument = |index: usize| match (index + choice) % 6 {
        0 => Term::from(2 + index as u64),
        1 => row([4, 5, 6].map(Term::from)),
        // A function, for a result that is applied to more arguments.
        2 => Term::law(60, 2, Term::from(2)),
        3 => Term::from(9).app(Term::from(index as u64)),
        4 => law_of_jet("_Add").pin(),
        // A thunk of a nat.
        _ => Term::from(3).app(Term::from(3)),
    };
    (0..count).map(argument).collect()
}

fn call(vm: &mut Vm, caller: &Val, function: &Val, args: &[Term]) -> ProgramResult {
    let mut all = vec![function.clone()];
    all.extend(args.iter().map(|arg| plain::from_term(vm, arg).expect("the heap has room")));
    let result = vm.app(caller, &all).and_then(|call| vm.force(&call));
    end(vm, result)
}

fn check(stress: bool, counts: std::ops::RangeInclusive<usize>, choices: usize) {
    let jets = table();
    let mut modes = [CompileMode::Off, CompileMode::Eager].map(|mode| {
        let mut vm = Vm::new(options(stress), Arc::clone(&jets)).expect("the system gives a stack");
        install(&mut vm, mode).expect("the compiler supports the machine");
        vm
    });
    for count in counts {
        for is_tail in [true, false] {
            let callers = modes
                .each_mut()
                .map(|vm| plain::from_term(vm, &caller(count as u64, is_tail)).expect("room"));
            for function in functions() {
                let values =
                    modes.each_mut().map(|vm| plain::from_term(vm, &function).expect("room"));
                for choice in 0..choices {
                    let args = arguments(count, choice);
                    let [expected, found] = std::array::from_fn(|mode| {
                        call(&mut modes[mode], &callers[mode], &values[mode], &args)
                    });
                    assert_eq!(found, expected, "{function} {args:?}");
                }
            }
        }
    }
}

#[test]
fn functions_are_called_with_any_number_of_arguments() {
    check(false, 1..=5, 6);
}

/// A law that returns its last argument, and apps of it to many arguments: long apps are chained, not copied.
#[test]
fn long_apps_get_more_arguments() {
    let jets = table();
    for stress in [false, true] {
        let mut modes = [CompileMode::Off, CompileMode::Eager].map(|mode| {
            let mut vm = Vm::new(options(stress), Arc::clone(&jets)).expect("a stack");
            install(&mut vm, mode).expect("the compiler supports the machine");
            vm
        });
        for held in [7, 8, 15, 16, 17, 31, 32, 40] {
            let law = Term::law(70, held + 3, Term::from(held + 3));
            let app = (0..held).fold(law, |app, nat| app.app(Term::from(nat)));
            for count in 1..=3 {
                let args = arguments(count, 3);
                let [expected, found] = modes.each_mut().map(|vm| {
                    let caller = plain::from_term(vm, &caller(count as u64, true)).expect("room");
                    let app = plain::from_term(vm, &app).expect("room");
                    call(vm, &caller, &app, &args)
                });
                assert_eq!(found, expected, "{held} {count} {stress}");
            }
        }
    }
}

#[test]
fn arguments_survive_collections_between_the_parts_of_a_call() {
    check(true, 2..=3, 3);
}

/// Jets call functions that they get: compiled laws, apps, and jets that were called often.
#[test]
fn jets_call_functions_that_they_get() {
    let jets = table();
    let items = row([4, 5, 6].map(Term::from));
    let entries = tab([1, 2, 3].map(|nat| (Term::from(nat), Term::from(nat + 7))));
    let calls = [("sumOf", vec![items]), ("tabFoldlWithKey", vec![Term::from(1), entries])];
    for (jet, rest) in calls {
        let mut runtimes = [CompileMode::Off, CompileMode::Eager].map(|mode| {
            let mut vm = Vm::new(options(false), Arc::clone(&jets)).expect("a stack");
            install(&mut vm, mode).expect("the compiler supports the machine");
            let count = 1 + rest.len() as u64;
            let caller = plain::from_term(&mut vm, &caller(count, true)).expect("room");
            let jet = plain::from_term(&mut vm, &law_of_jet(jet).pin()).expect("room");
            (vm, caller, jet)
        });
        // The first calls make code for the functions, which later calls find.
        for _ in 0..3 {
            for function in functions() {
                let args = [std::slice::from_ref(&function), &rest[..]].concat();
                let [expected, found] =
                    runtimes.each_mut().map(|(vm, caller, jet)| call(vm, caller, jet, &args));
                assert_eq!(found, expected, "{jet} {function}");
            }
        }
    }
}

/// Code of a jet, which is tied to the jet's law, is found again after a collection.
#[test]
fn jets_keep_their_code_over_collections() {
    let jets = table();
    let mut vm = Vm::new(options(false), Arc::clone(&jets)).expect("the system gives a stack");
    install(&mut vm, CompileMode::Eager).expect("the compiler supports the machine");
    let law = plain::from_term(&mut vm, &caller(2, true)).expect("room");
    for round in 0..4 {
        let add = plain::from_term(&mut vm, &law_of_jet("_Add").pin()).expect("room");
        for nat in 0..100 {
            let args = [Term::from(nat), Term::from(round)];
            let sum = ProgramResult::Value(Term::from(nat + round));
            assert_eq!(call(&mut vm, &law, &add, &args), sum);
        }
        if round % 2 == 1 {
            drop(add);
            vm.collect();
        }
        vm.collect();
    }
}
