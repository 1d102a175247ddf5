//! Lazy entries: a jet that applies a law to many items gets the same items from the law's lazy entry
//! as from thunks. The items are compared one by one, so an item that should stay unevaluated and
//! crashes would be seen.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "row_programs/mod.rs"]
mod row_programs;

use jit::CompileMode;
use row_programs::{functions, items, jet, rows, runtime, table, value};

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
