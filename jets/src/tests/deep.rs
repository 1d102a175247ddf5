//! Data and computations nested deeper than the native stack allows, and tail calls.

use super::harness::{JetHarness, N, TestValue};
use plan::Val;

const DEPTH: u64 = 100_000;

/// The thunk `jet (jet (... start x) x) x`, with the nested call as the first or second argument.
fn nested(harness: &mut JetHarness, jet: &'static str, start: u64, x: u64, first: bool) -> Val {
    let pin = harness.make(&TestValue::Jet(jet));
    let x = harness.vm.nat(x);
    (0..DEPTH).fold(harness.make(&N(start)), |inner, _| {
        let args = if first { [inner, x.clone()] } else { [x.clone(), inner] };
        harness.vm.app(&pin, &args).expect("room")
    })
}

#[test]
fn nested_arguments_use_no_native_stack() {
    for (jet, start, x, first, expected) in [
        ("_Mul", 1, 1, true, 1),
        ("_Mul", 1, 1, false, 1),
        ("_Add", 0, 1, true, DEPTH),
        ("_And", 1, 1, false, 1),
        ("_Lsh", 0, 1, false, 0),
        ("_OrdWeld", 7, 1, false, 7),
        ("_Lsh", 0, 1, true, 0),
    ] {
        let mut harness = JetHarness::new();
        if jet == "_Lsh" && !first {
            continue;
        }
        let thunk = nested(&mut harness, jet, start, x, first);
        let value = harness.vm.eval(&thunk).expect("a value");
        assert_eq!(harness.vm.look(&value).as_u64(), Some(expected), "{jet}");
    }
}

/// A list of `DEPTH` nats in which the rest of each cell is a thunk.
fn lazy_list(harness: &mut JetHarness) -> Val {
    let identity = harness.make(&TestValue::LawOf(1, 1, Box::new(N(1))));
    let one = harness.vm.nat(1);
    (0..DEPTH).fold(harness.make(&N(0)), |rest, _| {
        let cell = harness.vm.row(&[one.clone(), rest]).expect("room");
        harness.vm.app(&identity, &[cell]).expect("room")
    })
}

#[test]
fn deep_lists_are_compared_walked_and_converted() {
    let mut harness = JetHarness::new();
    let (left, right) = (lazy_list(&mut harness), lazy_list(&mut harness));
    let eql = harness.make(&TestValue::Jet("_Eql"));
    let equal = harness.vm.apply(&eql, &[left.clone(), right]).expect("a value");
    assert_eq!(harness.vm.look(&equal).as_u64(), Some(1));
    let flat = harness.make(&TestValue::Jet("padFlat"));
    let pad = harness.vm.apply(&flat, std::slice::from_ref(&left)).expect("a value");
    assert_eq!(harness.vm.look(&pad).as_u64(), Some(1));
    let to_row = harness.make(&TestValue::Jet("_SizedListToRow"));
    let count = harness.vm.nat(DEPTH);
    let row = harness.vm.apply(&to_row, &[count, left]).expect("a value");
    assert_eq!(harness.vm.look(&row).as_row().map(|row| row.len()), Some(DEPTH as usize));
}

/// Nested comparisons: each must evaluate the next comparison to continue.
#[test]
fn comparisons_nest() {
    let mut harness = JetHarness::new();
    let eql = harness.make(&TestValue::Jet("_Eql"));
    let one = harness.make(&TestValue::Row(vec![N(1)]));
    let thunk = (0..2000).fold(harness.make(&N(1)), |inner, _| {
        let row = harness.vm.row(&[inner]).expect("room");
        harness.vm.app(&eql, &[row, one.clone()]).expect("room")
    });
    let value = harness.vm.eval(&thunk).expect("a value");
    assert_eq!(harness.vm.look(&value).as_u64(), Some(1));
}

/// `{loop 3 (ifz acc 7 (tabFoldlWithKey loop (dec acc) [0=0]))}`: a fold over one entry ends in a
/// tail call of its function.
#[test]
fn a_jet_in_tail_position_is_a_tail_call() {
    let mut harness = JetHarness::with_small_stack();
    let quoted = |jet| TestValue::Apply(vec![N(2), TestValue::Jet(jet)]);
    let apply = |f, x| TestValue::Apply(vec![N(0), f, x]);
    let call = |f, args: Vec<TestValue>| args.into_iter().fold(f, apply);
    let table = TestValue::Apply(vec![N(2), TestValue::Tab(vec![(N(0), N(0))])]);
    let less = call(quoted("_Dec"), vec![N(1)]);
    let again = call(quoted("tabFoldlWithKey"), vec![N(0), less, table]);
    let body = call(quoted("_Ifz"), vec![N(1), N(7), again]);
    let law = harness.make(&TestValue::LawOf(0, 3, Box::new(body)));
    let args = [1_000_000, 0, 0].map(|nat| harness.vm.nat(nat));
    let value = harness.vm.apply(&law, &args).expect("a value");
    assert_eq!(harness.vm.look(&value).as_u64(), Some(7));
}
