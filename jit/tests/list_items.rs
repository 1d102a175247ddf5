//! Jets that consume lists evaluate the items in a loop of compiled code. Results, crashes and the lists that a
//! jet leaves to its law are those of the interpreter.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

#[path = "row_programs/mod.rs"]
#[expect(dead_code, reason = "only what makes programs is used")]
mod row_programs;

use jet_programs::unused_law;
use jit::CompileMode;
use row_programs::{arg, call, call_jet, constant, crash, pair, runtime, small, value};
use spec::Term;
use spec::shapes::row;
use std::sync::Arc;
use support::{ProgramResult, end};
use vm::jet::JetTable;

/// Jets of a list. Here their laws return the list, so a list that was put together again is seen.
const CONSUMERS: &[&str] = &["barFromList", "barFromListRev", "barCatList", "strFromList"];

/// Jets of the programs that make the lists.
const HELPERS: &[&str] = &["_If", "_Dec", "_Eql", "_Mod", "natBar"];

fn consumer(name: &str) -> Term {
    consumer_law(name).pin()
}

fn consumer_law(name: &str) -> Term {
    Term::law(spec::nat_from_bytes(name.as_bytes()), 1, Term::from(1))
}

fn table() -> Arc<JetTable> {
    let law = |name: &str| match CONSUMERS.contains(&name) {
        true => consumer_law(name),
        false => unused_law(name),
    };
    jet_programs::table(CONSUMERS.iter().chain(HELPERS).copied(), law)
}

/// The items of the lists, computed of the number of items that are left.
fn items() -> Vec<(&'static str, Term)> {
    let law = |body: Term| constant(Term::law(7, 1, body));
    let at = |number: u64, item: Term, other: Term| {
        call_jet("_If", [call_jet("_Eql", [arg(1), small(number)]), item, other])
    };
    let byte = || call_jet("_Mod", [arg(1), small(200)]);
    let bar = || call_jet("natBar", [arg(1)]);
    vec![
        ("bytes", law(byte())),
        ("bytes and a wide nat", law(at(70, small(300), byte()))),
        ("bytes and a crash", law(at(70, crash(4), byte()))),
        ("bars", law(bar())),
        ("bars and a nat", law(at(3, small(5), bar()))),
        ("bars and a crash", law(at(70, crash(4), bar()))),
    ]
}

/// What the lists end with: also cells that are no rows of two items, which count as lists too.
fn ends() -> Vec<(&'static str, Term)> {
    vec![
        ("0", small(0)),
        ("a big nat", constant(Term::from(u64::MAX))),
        ("a short cell", constant(row([Term::from(5)]))),
        ("a long cell", constant(row([5, 0, 6].map(Term::from)))),
        ("an app", constant(Term::from(0).apps([1, 2].map(Term::from)))),
        // The same crash as of an item, since the law may meet another of two crashes first.
        ("a crash", crash(4)),
    ]
}

/// A law that returns a jet's result for a list of as many items as its argument says.
fn program(name: &str, item: &Term, end: &Term) -> Term {
    let rest = call(arg(0), [call_jet("_Dec", [arg(1)])]);
    let cell = pair(call(item.clone(), [arg(1)]), rest);
    let list = constant(Term::law(8, 1, call_jet("_If", [arg(1), cell, end.clone()])));
    Term::law(6, 1, call(constant(consumer(name)), [call(list, [arg(1)])]))
}

fn check(stress: bool) {
    let counts: &[u64] = if stress { &[0, 3, 75] } else { &[0, 1, 63, 64, 65, 128, 300] };
    let jets = table();
    let [mut interpreted, mut compiled] =
        [CompileMode::Off, CompileMode::Eager].map(|mode| runtime(&jets, mode, stress));
    let mut values = 0;
    for jet in CONSUMERS {
        for ((name, item), (end_name, list_end)) in
            items().iter().flat_map(|item| ends().into_iter().map(move |end| (item.clone(), end)))
        {
            // Where a jet puts a list together again, its cells are rows of two items; `strFromList` never does.
            if end_name == "a long cell" && *jet != "strFromList" {
                continue;
            }
            let law = program(jet, &item, &list_end);
            for count in counts {
                let [expected, found] = [&mut interpreted, &mut compiled].map(|vm| {
                    let (law, count) = (value(vm, &law), vm.nat(*count));
                    let result = vm.apply(&law, &[count]).and_then(|value| vm.force(&value));
                    end(vm, result)
                });
                values += u64::from(matches!(expected, ProgramResult::Value(_)));
                assert_eq!(found, expected, "{jet} of {count} {name} and {end_name}");
            }
        }
    }
    assert!(values > 100, "most lists have a result, {values}");
}

#[test]
fn jets_of_lists_give_the_interpreters_results() {
    check(false);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    check(true);
}
