//! Values that are normalised where they are made: compiled code makes them in normal form. Results and
//! crashes are those of the interpreter, which makes thunks and evaluates them. Where several parts crash,
//! compiled code may meet another one first; the crash of law order is found by evaluating again
//! (`Vm::call_in_order`).

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

#[path = "row_programs/mod.rs"]
mod row_programs;

use jit::CompileMode;
use row_programs::{
    arg, call, call_jet, constant, crash, functions, items, jet, pair, rows, runtime, small, table,
    value,
};
use spec::Term;
use support::{ProgramResult, end};

/// The program with two parts that crash.
const TWO_CRASHES: &str = "two crashes";

/// Programs that take a row, or a value that is none, and normalise what they make of it.
fn programs(function: &Term) -> Vec<(&'static str, Term)> {
    let f = || constant(function.clone());
    let map = |row: Term| call_jet("_Map", [f(), row]);
    let force = |made: Term| call_jet("_Force", [made]);
    let item = |index: u64, row: Term| call_jet("_Idx", [small(index), row]);
    // `map (y & [(f y) [y y]]) x`, and the same with a row of results in each item.
    let inner = pair(call(f(), [arg(1)]), pair(arg(1), arg(1)));
    let pairs = || call_jet("_Map", [constant(Term::law(7, 1, inner.clone())), arg(1)]);
    let row_of_item = call_jet("_Map", [f(), pair(arg(1), small(5))]);
    let nested = || call_jet("_Map", [constant(Term::law(7, 1, row_of_item.clone())), arg(1)]);
    // The list of the results, by a law that calls itself in the second item of a pair.
    let rest = call(arg(0), [call_jet("drop", [small(1), arg(1)])]);
    let cell = pair(call(f(), [item(0, arg(1))]), rest);
    let list = Term::law(8, 1, call_jet("_If", [call_jet("_Len", [arg(1)]), cell, small(0)]));
    let list = || call(constant(list.clone()), [arg(1)]);
    // A loop whose state is normalised in each turn, as a simulation does it.
    let next = map(arg(2));
    let turn = Term::law(
        9,
        3,
        call_jet(
            "_If",
            [
                arg(1),
                call_jet(
                    "_Seq",
                    [arg(3), call(arg(0), [call_jet("_Dec", [arg(1)]), arg(3), next])],
                ),
                arg(2),
            ],
        ),
    );
    let turns = call(constant(turn), [small(3), arg(1), force(map(arg(1)))]);
    let branch = call_jet("_If", [item(0, arg(1)), map(arg(1)), pair(map(arg(1)), crash(8))]);
    vec![
        ("row", force(map(arg(1)))),
        ("pair", force(pair(map(arg(1)), arg(1)))),
        ("pairs", force(pairs())),
        ("nested", force(nested())),
        ("item", item(1, force(nested()))),
        ("list", force(list())),
        ("branches", force(branch)),
        ("sequence", call_jet("_Seq", [force(map(arg(1))), small(7)])),
        ("turns", turns),
        ("crash", force(pair(small(5), pair(map(arg(1)), crash(6))))),
        (TWO_CRASHES, force(pair(crash(5), pair(map(arg(1)), crash(6))))),
        ("set", call(constant(jet("setIns")), [map(arg(1)), constant(spec::shapes::set([]))])),
    ]
}

fn check(stress: bool) {
    let jets = table();
    let [mut interpreted, mut compiled] =
        [CompileMode::Off, CompileMode::Eager].map(|mode| runtime(&jets, mode, stress));
    // All parts of a law are values.
    let is_value =
        |name: &str| !["replace by a crash", "replace a crash", "constant"].contains(&name);
    for (function_name, function, _) in functions().into_iter().filter(|f| is_value(f.0)) {
        for (name, body) in programs(&function) {
            let law = Term::law(1, 1, body);
            for row in rows().into_iter().chain([Term::from(6), spec::shapes::row([])]) {
                let [expected, found] = [&mut interpreted, &mut compiled].map(|vm| {
                    let [law, row] = [&law, &row].map(|term| value(vm, term));
                    let result = vm.app(&law, &[row]).and_then(|made| vm.force(&made));
                    end(vm, result)
                });
                if name == TWO_CRASHES && matches!(expected, ProgramResult::Crash(..)) {
                    assert!(matches!(found, ProgramResult::Crash(..)), "{function_name}: {row}");
                } else {
                    assert_eq!(found, expected, "{name} of {function_name}: {row}");
                }
            }
        }
    }
}

#[test]
fn values_are_those_of_the_interpreter() {
    check(false);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    check(true);
}

/// A normal form that is passed on is not made before it is needed.
#[test]
fn normal_forms_are_lazy() {
    let jets = table();
    let forced = |made: Term| call_jet("_Force", [made]);
    let body = pair(forced(pair(arg(1), crash(4))), pair(arg(1), forced(arg(1))));
    let law = Term::law(1, 1, body);
    for row in rows() {
        let [expected, found] = [CompileMode::Off, CompileMode::Eager].map(|mode| {
            let mut vm = runtime(&jets, mode, false);
            let [law, row] = [&law, &row].map(|term| value(&mut vm, term));
            let made = vm.apply(&law, &[row]).expect("no item is evaluated");
            items(&mut vm, &made, 3)
        });
        assert_eq!(found, expected, "{row}");
    }
}
