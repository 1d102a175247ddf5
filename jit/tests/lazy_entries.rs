//! Lazy entries: a jet that applies a law to many items gets the same items from the law's lazy entry
//! as from thunks. The items are compared one by one, so an item that should stay unevaluated and
//! crashes would be seen.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

#[path = "row_programs/mod.rs"]
mod row_programs;

use jit::{CompileMode, on_unit};
use row_programs::{
    arg, call, call_jet, constant, functions, items, jet, rows, runtime, small, table, value,
};
use spec::Term;
use spec::shapes::row;
use std::sync::{Arc, Mutex};

fn check(stress: bool) {
    let jets = table();
    let [mut interpreted, mut compiled] =
        [CompileMode::Off, CompileMode::Eager].map(|mode| runtime(&jets, mode, stress));
    for (name, function, is_cheap) in functions() {
        for term in rows() {
            let [expected, found] = [&mut interpreted, &mut compiled].map(|vm| {
                let [map, f, row] =
                    [jet("_Map"), function.clone(), term.clone()].map(|term| value(vm, &term));
                let made = vm.apply(&map, &[f, row]).expect("map evaluates no item");
                let first = vm.look(&made).as_row().and_then(|items| items.get(0));
                let is_evaluated = first.expect("the rows have items").is_evaluated();
                (is_evaluated, items(vm, &made, 6))
            });
            assert_eq!(found.1, expected.1, "{name} {term}");
            assert!(!is_cheap || found.0, "{name}: the first item of {term} is a thunk");
        }
    }
}

#[test]
fn items_are_those_of_thunks_and_cheap_ones_are_evaluated() {
    check(false);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    check(true);
}

/// The calls after which a law is hot.
const THRESHOLD: u32 = 1000;

/// A law of a row that maps a function over it: as its last call, or for an argument of that.
fn mapping(name: &str, is_last: bool) -> Term {
    let first = Term::law(spec::nat_from_bytes(b"g"), 2, arg(2));
    let map = call_jet("_Map", [call(constant(first), [arg(1)]), arg(1)]);
    let body = if is_last { map } else { call_jet("drop", [small(1), map]) };
    Term::law(spec::nat_from_bytes(name.as_bytes()), 1, body)
}

/// A law that is called a few times becomes hot by the items to which its jets apply functions.
#[test]
fn a_law_is_compiled_for_the_items_of_its_jets() {
    let compiled = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&compiled);
    on_unit(move |report| {
        seen.lock().expect("no test panics").push(report.law.to_owned());
    });
    let jets = table();
    let mut vm = runtime(&jets, CompileMode::After(THRESHOLD), false);
    let mut interpreted = runtime(&jets, CompileMode::Off, false);
    for (name, is_last, length) in
        [("last", true, 600), ("front", false, 600), ("short", true, 5), ("brief", false, 5)]
    {
        let law = mapping(name, is_last);
        let laws = (value(&mut interpreted, &law), value(&mut vm, &law));
        let argument = row((0..length).map(Term::from));
        for _ in 0..5 {
            let [expected, found] =
                [(&mut interpreted, &laws.0), (&mut vm, &laws.1)].map(|(vm, function)| {
                    let argument = value(vm, &argument);
                    let made = vm.apply(function, &[argument]).expect("a row");
                    items(vm, &made, length)
                });
            assert_eq!(found, expected, "{name}");
        }
    }
    let compiled = compiled.lock().expect("no test panics");
    let is_compiled = |name: &str| compiled.iter().any(|law| law == name);
    let found = ["last", "front", "short", "brief"].map(is_compiled);
    assert_eq!(found, [true, true, false, false], "{compiled:?}");
}
