//! `_Try` and `_TryExp`: which expressions they run, and the values they return for a result and
//! for a crash.

use super::harness::{
    Apply, Crash, JetHarness, N, Row, TestValue, Text, cases, law, lazy, nats, pin,
};

fn value(value: TestValue) -> TestValue {
    Row(vec![Text("VALUE"), value])
}

fn apply(parts: Vec<TestValue>) -> TestValue {
    Row(vec![Text("APPLY"), Row(parts)])
}

fn success(value: TestValue) -> TestValue {
    Row(vec![N(1), value])
}

fn crash(op: u64, arg: TestValue) -> TestValue {
    Row(vec![N(0), Row(vec![N(op), arg])])
}

#[test]
fn rows_are_attempted() {
    cases! {
        "_Try" Row(vec![N(7)]) => success(N(7));
        "_Try" Row(vec![TestValue::Jet("_Add"), N(2), lazy(N(3))]) => success(N(5));
        "_Try" Row(vec![N(9), N(6)]) => crash(9, N(6));
        "_Try" Row(vec![N(9), Crash(8)]) => Crash(8);
    }
}

#[test]
fn expressions_are_attempted() {
    let add = |a, b| apply(vec![value(TestValue::Jet("_Add")), a, b]);
    cases! {
        "_TryExp" value(N(7)) => success(N(7));
        "_TryExp" apply(vec![]) => success(N(0));
        "_TryExp" apply(vec![value(N(7))]) => success(N(7));
        "_TryExp" add(value(N(2)), lazy(add(value(N(3)), apply(vec![])))) => success(N(5));
        "_TryExp" apply(vec![value(N(9)), value(N(6))]) => crash(9, N(6));
        // An application whose value is not needed is not evaluated.
        "_TryExp" apply(vec![
            value(TestValue::Jet("par")),
            apply(vec![value(N(9)), value(N(6))]),
            value(N(5)),
        ]) => success(N(5));
        // An application with too few arguments is a value, and is normalised.
        "_TryExp" apply(vec![value(law()), add(value(N(1)), value(N(1)))])
            => success(Apply(vec![law(), N(2)]));
        "_TryExp" value(Crash(8)) => Crash(8);
        // A nat is its own tag and has no items.
        "_TryExp" Text("VALUE") => success(N(0));
        "_TryExp" Text("APPLY") => success(N(0));
        // The items of an app are its arguments, the last one first.
        "_TryExp" Apply(vec![N(0), N(7), Text("VALUE")]) => success(N(7));
    }
}

#[test]
fn malformed_expressions_give_0() {
    cases! {
        "_TryExp" N(0) => N(0);
        "_TryExp" N(5) => N(0);
        "_TryExp" law() => N(0);
        "_TryExp" pin(value(N(1))) => N(0);
        "_TryExp" Row(nats([5, 6])) => N(0);
        "_TryExp" apply(vec![value(N(9)), N(6)]) => N(0);
        "_TryExp" apply(vec![apply(vec![value(N(9)), apply(vec![N(6), N(5)])]), value(N(1))])
            => N(0);
    }
}

/// `APPLY [_Dec APPLY [_Dec ...]]`: neither decoding nor evaluating the expression recurses on the
/// native stack.
#[test]
fn expressions_may_be_deep() {
    const DEPTH: u64 = 100_000;
    let mut harness = JetHarness::new();
    let (tag, dec) = (harness.make(&Text("APPLY")), harness.make(&value(TestValue::Jet("_Dec"))));
    let start = harness.make(&value(N(DEPTH + 7)));
    let expression = (0..DEPTH).fold(start, |inner, _| {
        let parts = harness.vm.row(&[dec.clone(), inner]).expect("room");
        harness.vm.row(&[tag.clone(), parts]).expect("room")
    });
    let result = harness.call("_TryExp", &[&expression]);
    let items = harness.vm.look(&result).as_row().expect("a row");
    assert_eq!(items.get(1).and_then(|value| value.as_u64()), Some(7));
}
