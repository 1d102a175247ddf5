//! Rows of a known function's results: compiled code makes them without the jet, or reads their
//! items without a row. Results, crashes and the laziness of items are those of the interpreter.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

#[path = "row_programs/mod.rs"]
mod row_programs;

use jit::CompileMode;
use row_programs::{
    arg, call, call_jet, constant, functions, items, pair, rows, runtime, small, table, value,
};
use spec::Term;
use spec::shapes::row;
use support::end;

/// The row without its first item and with that item twice at its end. If it is long, it consists of
/// parts.
fn grown_row() -> Term {
    let first = || call_jet("_Idx", [small(0), arg(1)]);
    let rest = call_jet("drop", [small(1), arg(1)]);
    call_jet("rowSnoc", [call_jet("rowSnoc", [rest, first()]), first()])
}

/// Programs that take a row and return a row of as many items, made of a function's results.
fn row_programs(function: &Term) -> Vec<(&'static str, Term)> {
    let f = || constant(function.clone());
    let indexed = Term::law(7, 3, call(arg(1), [call_jet("_Idx", [arg(3), arg(2)])]));
    let generated = |row: Term| {
        let item = call(constant(indexed.clone()), [f(), row.clone()]);
        call_jet("_Gen", [call_jet("_Len", [row]), item])
    };
    let map = |row: Term| call_jet("_Map", [f(), row]);
    // A law that maps itself: the rows in rows end with values that have no items.
    let itself = call_jet("_Map", [arg(0), arg(1)]);
    let leaf = pair(call(f(), [arg(1)]), arg(1));
    let leaves = call_jet("_If", [call_jet("_Len", [arg(1)]), itself, leaf]);
    let first = || call_jet("_Idx", [small(0), arg(1)]);
    let rest = call_jet("_Map", [arg(0), call_jet("drop", [small(1), arg(1)])]);
    let tree = call_jet("rowCons", [first(), rest]);
    let leaf_of_tree = pair(call(f(), [arg(1)]), arg(1));
    vec![
        ("map", map(arg(1))),
        ("generate", generated(arg(1))),
        (
            "generate a number that is computed",
            call_jet("_Gen", [call_jet("_Mul", [call_jet("_Len", [arg(1)]), small(2)]), f()]),
        ),
        ("generate eight", call_jet("_Gen", [small(8), f()])),
        ("map of a map", map(map(arg(1)))),
        ("map of a row in parts", map(grown_row())),
        ("map of a generated row", map(generated(arg(1)))),
        ("map of the leaves", leaves),
        ("rest", call_jet("drop", [small(1), arg(1)])),
        ("map of the rest", map(call_jet("drop", [small(2), arg(1)]))),
        ("rest of a map", call_jet("drop", [small(1), map(arg(1))])),
        ("rest of the rest", call_jet("drop", [small(1), call_jet("drop", [small(3), arg(1)])])),
        ("pairs", call_jet("zip", [arg(1), map(arg(1))])),
        (
            "pairs of a row and its rest",
            call_jet("zip", [call_jet("drop", [small(1), arg(1)]), arg(1)]),
        ),
        ("a map behind another item", call_jet("rowCons", [first(), map(arg(1))])),
        ("a map before another item", call_jet("rowSnoc", [map(arg(1)), first()])),
        ("the tree", call_jet("_If", [call_jet("_Len", [arg(1)]), tree, leaf_of_tree])),
    ]
}

/// Programs that take a row and return a number that they compute of the items of a row.
fn number_programs(function: &Term) -> Vec<(&'static str, Term)> {
    let f = || constant(function.clone());
    let mapped = || call_jet("_Map", [f(), arg(1)]);
    let next = || call(small(3), [arg(4)]);
    let item = || call_jet("_Idx", [arg(4), arg(2)]);
    let loop_with = |step: Term| {
        let again = call(arg(0), [arg(1), arg(2), step, next()]);
        let body = call_jet("_If", [call_jet("_Gte", [arg(4), arg(1)]), arg(3), again]);
        let code = Term::law(8, 4, body);
        let args = [call_jet("_Len", [arg(1)]), arg(1), small(0), small(0)];
        constant(Term::law(9, 1, call(constant(code), args)))
    };
    // Of the second loop only the last item counts.
    let added = loop_with(call_jet("_Add", [arg(3), item()]));
    let last = loop_with(item());
    let fold = added.clone();
    let part = |index: u64| call_jet("_Idx", [small(index), arg(1)]);
    let product = constant(Term::law(7, 1, call_jet("_Mul", [part(0), part(1)])));
    // Counts down without a test for 0, so it may read an item of an empty row.
    let previous = call_jet("_Dec", [arg(2)]);
    let read = call_jet("_Idx", [previous.clone(), arg(1)]);
    let again = call(arg(0), [arg(1), previous]);
    let is_long = call_jet("_Gte", [arg(2), small(3)]);
    let last_of = constant(Term::law(8, 2, call_jet("_If", [is_long, again, read])));
    // A law counts the index up and the turns down from a number, as `foldl` does. It needs an item only
    // if the step does.
    let counted = |step: Term, turns: Term| {
        let turn = call_jet("_Dec", [arg(4)]);
        let again = call(arg(0), [arg(1), step, call(small(3), [arg(3)]), turn]);
        let code = Term::law(8, 4, call_jet("_If", [arg(4), again, arg(2)]));
        constant(Term::law(9, 1, call(constant(code), [arg(1), small(0), small(0), turns])))
    };
    let item = || call_jet("_Idx", [arg(3), arg(1)]);
    let added_item = || call_jet("_Add", [arg(2), item()]);
    let turns = || call_jet("_Len", [arg(1)]);
    let more_turns = call_jet("_Add", [turns(), small(2)]);
    let length = call_jet("_Len", [arg(1)]);
    let first_of_map = || call_jet("_Idx", [small(0), mapped()]);
    let bar_of = |nat: Term| call_jet("natBar", [nat]);
    let pairs = call_jet("zip", [mapped(), call_jet("drop", [small(1), arg(1)])]);
    vec![
        ("fold", call(added, [mapped()])),
        ("last", call(last, [mapped()])),
        ("counted fold", call(counted(added_item(), turns()), [mapped()])),
        ("counted fold, last", call(counted(item(), turns()), [mapped()])),
        (
            "counted fold without items",
            call(counted(call(small(3), [arg(2)]), turns()), [mapped()]),
        ),
        ("counted fold beyond the end", call(counted(added_item(), more_turns), [mapped()])),
        ("sum", call_jet("sum", [mapped()])),
        ("last pair", call(last_of, [call_jet("zip", [arg(1), mapped()]), length])),
        ("sum of results", call_jet("sumOf", [f(), mapped()])),
        ("sum of the rest", call_jet("sumOf", [f(), call_jet("drop", [small(1), arg(1)])])),
        ("sum of a map and its rest", call_jet("sum", [call_jet("_Map", [product, pairs])])),
        ("sum of a row in parts", call_jet("sumOf", [f(), grown_row()])),
        ("fold of a row in parts", call(fold.clone(), [grown_row()])),
        ("fold of the rest", call(fold, [call_jet("drop", [small(1), arg(1)])])),
        ("sum of a map of a map", call_jet("sum", [call_jet("_Map", [f(), mapped()])])),
        ("text of two items", call_jet("strCat", [pair(first_of_map(), part(2))])),
        ("bar of two items", call_jet("barCat", [pair(bar_of(first_of_map()), bar_of(part(2)))])),
        ("bar with an item", call_jet("barCat", [pair(bar_of(part(0)), first_of_map())])),
        (
            "bar in one branch",
            call_jet(
                "_If",
                [
                    call_jet("_Gte", [turns(), small(3)]),
                    call_jet("barCat", [pair(bar_of(part(2)), bar_of(first_of_map()))]),
                    call_jet("_Len", [pair(bar_of(part(2)), first_of_map())]),
                ],
            ),
        ),
        ("bar of the results", call_jet("rowToBar", [mapped()])),
    ]
}

/// Rows and other values; the longest row has `longest` items.
fn all_rows(longest: u64) -> Vec<Term> {
    let long = (0..longest).map(|nat| Term::from(nat % 5));
    rows().into_iter().chain([Term::from(5), row([]), row(long)]).collect()
}

/// The functions that a law can have as constants: all parts of a law are values.
fn constant_functions() -> impl Iterator<Item = (&'static str, Term)> {
    let is_value =
        |name: &str| !["replace by a crash", "replace a crash", "constant"].contains(&name);
    functions().into_iter().filter(move |f| is_value(f.0)).map(|(name, f, _)| (name, f))
}

fn check(stress: bool) {
    let longest = if stress { 40 } else { 700 };
    let jets = table();
    let [mut interpreted, mut compiled] =
        [CompileMode::Off, CompileMode::Eager].map(|mode| runtime(&jets, mode, stress));
    for (name, function) in constant_functions() {
        for (program, body) in row_programs(&function) {
            let law = Term::law(6, 1, body);
            for term in all_rows(longest) {
                let [expected, found] = [&mut interpreted, &mut compiled].map(|vm| {
                    let [law, row] = [value(vm, &law), value(vm, &term)];
                    let made = vm.apply(&law, &[row]).expect("no item is evaluated");
                    items(vm, &made, 7)
                });
                assert_eq!(found, expected, "{program} of {name}, {term}");
            }
        }
        if name == "shift" {
            // It exceeds the heap, before or after an item that crashes.
            continue;
        }
        for (program, body) in number_programs(&function) {
            let law = Term::law(6, 1, body);
            for term in all_rows(longest) {
                let [expected, found] = [&mut interpreted, &mut compiled].map(|vm| {
                    let [law, row] = [value(vm, &law), value(vm, &term)];
                    let result = vm.apply(&law, &[row]).and_then(|value| vm.force(&value));
                    end(vm, result)
                });
                assert_eq!(found, expected, "{program} of {name}, {term}");
            }
        }
    }
}

#[test]
fn compiled_rows_are_those_of_the_interpreter() {
    check(false);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    check(true);
}
