//! Data prints as source that evaluates to the same data: nats, texts, bars, rows, sets, and apps
//! of nats. (Laws and pins print in abbreviated form, and tables in Loot's notation.)

mod common;

use common::TestSession;
use plan::plain::from_term;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rex::print::{Colour, block};
use show::{PrintLimit, value_rex};
use sire::ModuleLibrary;
use spec::shapes::{bar, row, set};
use spec::{Term, nat_from_bytes};
use std::collections::BTreeSet;

fn text(text: String) -> Term {
    Term::Nat(nat_from_bytes(text.as_bytes()))
}

/// A nat that prints on one line, as the keys of sets have to.
fn key() -> impl Strategy<Value = Term> {
    prop_oneof![
        3 => (0..300u64).prop_map(Term::from),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| Term::Nat(nat_from_bytes(&bytes))),
        2 => "[a-zA-Z]{1,12}".prop_map(text),
        1 => "[ -~&&[^'\"]]{0,39}".prop_map(text),
    ]
}

fn nat() -> impl Strategy<Value = Term> {
    prop_oneof![
        4 => key(),
        1 => "[ -~]{0,60}".prop_map(text),
        1 => "[ -~\n]{0,60}".prop_map(text),
    ]
}

fn any_bar() -> impl Strategy<Value = Term> {
    prop_oneof![
        "[a-z_]{0,12}".prop_map(|text| bar(text.as_bytes())),
        "[ -~]{0,60}".prop_map(|text| bar(text.as_bytes())),
        vec(any::<u8>(), 0..20).prop_map(|bytes| bar(&bytes)),
    ]
}

/// A partial application of a nat.
fn app(inner: impl Strategy<Value = Term>) -> impl Strategy<Value = Term> {
    (0..3u64, vec(inner, 1..3)).prop_map(|(operation, args)| Term::from(operation).apps(args))
}

fn data() -> impl Strategy<Value = Term> {
    let keys = btree_set(key(), 0..6).prop_map(|keys: BTreeSet<Term>| set(keys));
    let leaf = prop_oneof![4 => nat(), 1 => any_bar(), 1 => keys];
    leaf.prop_recursive(
        4,
        40,
        8,
        |inner| prop_oneof![2 => vec(inner.clone(), 0..8).prop_map(row), 1 => app(inner)],
    )
}

/// Returns the definition of a name with a printed value.
fn definition(name: &str, printed: &str) -> String {
    let lines = printed.lines().map(|line| format!("    {line}\n"));
    format!("= {name}\n{}\n", lines.collect::<String>())
}

#[test]
fn printed_data_evaluates_to_the_same_data() {
    const CASES: usize = 400;
    let mut runner = TestRunner::deterministic();
    let strategy = data();
    let mut generate = || strategy.new_tree(&mut runner).expect("no rejections").current();
    let terms: Vec<Term> = (0..CASES).map(|_| generate()).collect();

    let mut rig = TestSession::new(ModuleLibrary::new("/nonexistent"), None);
    rig.sire.load("prelude").expect("the library loads");
    let vm = rig.sire.vm();
    let values: Vec<_> =
        terms.iter().map(|term| from_term(vm, term).expect("enough memory")).collect();
    let printed: Vec<String> = values
        .iter()
        .map(|value| block(&value_rex(vm.look(value), PrintLimit::DEFAULT), Colour::None))
        .collect();
    let name = |index: usize| format!("printed{index}");
    let definitions =
        printed.iter().enumerate().map(|(index, text)| definition(&name(index), text));
    rig.session(&definitions.collect::<String>());
    for (index, (value, text)) in values.iter().zip(&printed).enumerate() {
        let read = rig.sire.binding(&name(index));
        let read = read.unwrap_or_else(|error| panic!("{error}:\n{text}{}", terms[index]));
        let vm = rig.sire.vm();
        assert!(vm.look(value).is_equal(vm.look(&read)), "{}:\n{text}", terms[index]);
    }
}
