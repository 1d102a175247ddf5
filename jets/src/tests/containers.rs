//! Jets on rows and lists.

use super::harness::{
    Apply, Big, Crash, N, Row, Set, Tab, TestValue, Text, app, cases, law, lazy, nats, power,
};

fn list(items: Vec<TestValue>, end: TestValue) -> TestValue {
    items.into_iter().rfold(end, |rest, item| Row(vec![item, rest]))
}

#[test]
fn reading_rows() {
    let row = || Row(vec![N(5), Crash(9), lazy(N(7))]);
    cases! {
        "_Len" row() => N(3);
        "_Len" Tab(vec![(N(1), N(2)), (N(2), N(3))]) => N(1);
        "_Len" Set(nats([1, 2])) => N(0);
        "_Idx" N(0), row() => N(5);
        "_Idx" N(1), row() => Crash(9);
        "_Idx" lazy(N(2)), row() => N(7);
        "_Idx" N(3), row() => N(0);
        "_Idx" Big(power(64)), row() => N(0);
        "_Idx" law(), row() => N(5);
        "_Idx" Crash(9), Row(vec![]) => N(0);
        "_Idx" Crash(9), row() => Crash(9);
        "_Idx" N(0), Apply(vec![N(0), N(1), N(2)]) => N(2);
        "_Idx" N(1), Apply(vec![N(0), N(1), N(2)]) => N(1);
        "_Idx" N(0), Tab(vec![(N(1), N(2))]) => Row(nats([2]));
        "_Get" row(), N(2) => N(7);
        "_Get" law(), Crash(9) => N(0);
        "_Last" row() => N(7);
        "_Last" N(3) => N(0);
        "_Last" Apply(vec![N(0), N(1), N(2)]) => N(1);
        "_Switch" N(2), Crash(9), row() => N(7);
        "_Switch" N(3), lazy(N(8)), row() => N(8);
        "_Switch" Big(power(64)), N(8), row() => N(8);
        "_Switch" law(), N(8), row() => N(8);
        "_Switch" N(0), N(8), law() => N(8);
        "_Switch" N(0), Crash(8), Row(vec![N(1), Crash(9)]) => N(1);
        "sum" Row(vec![N(1), lazy(N(2)), law(), Big(power(64))]) => Big(power(64) + power(1) + power(0));
        "sum" Row(vec![Crash(8), Crash(9)]) => Crash(9);
        "sum" Row(vec![]) => N(0);
        "sumOf" TestValue::Jet("_Dec"), Row(nats([1, 5])) => N(4);
        "sumOf" Crash(9), Row(vec![]) => N(0);
        "bsearch" N(5), Row(nats([1, 5, 9])) => N(3);
        "bsearch" lazy(N(6)), Row(vec![N(1), lazy(N(5)), N(9)]) => N(4);
        "bsearch" Crash(9), Row(vec![]) => N(0);
    }
}

#[test]
fn rows_from_rows() {
    let part = |items| Apply(vec![TestValue::LawOf(0, 4, Box::new(N(0))), items]);
    cases! {
        "_Put" Row(nats([1, 2, 3])), N(1), N(9) => Row(nats([1, 9, 3]));
        "_Put" Row(nats([1, 2])), lazy(N(0)), N(9) => Row(nats([9, 2]));
        "_Put" Row(nats([1, 2])), law(), N(9) => Row(nats([9, 2]));
        "_Put" Row(nats([1, 2])), N(2), Crash(9) => Row(nats([1, 2]));
        "_Put" Row(nats([1, 2])), Big(power(64)), Crash(9) => Row(nats([1, 2]));
        "_Put" law(), Crash(8), Crash(9) => law();
        "_Put" app(nats([1, 2, 3])), N(0), N(9) => app(nats([1, 2, 9]));
        "_Put" Tab(vec![(N(1), N(2))]), N(0), lazy(Row(nats([7]))) => Tab(vec![(N(1), N(7))]);
        "_Put" Tab(vec![(N(1), N(2))]), N(0), N(7) => Apply(vec![Set(nats([1])), N(7)]);
        "_Put" Tab(vec![(N(1), N(2))]), N(1), Crash(9) => Tab(vec![(N(1), N(2))]);
        "_Mut" N(1), N(9), Row(nats([1, 2, 3])) => Row(nats([1, 9, 3]));
        "_Gen" N(3), TestValue::Jet("_Dec") => Row(nats([0, 0, 1]));
        "_Gen" N(0), Crash(9) => Row(vec![]);
        "_Gen" law(), Crash(9) => Row(vec![]);
        "_Weld" Row(nats([1])), Row(nats([2, 3])) => Row(nats([1, 2, 3]));
        "_Weld" N(9), Row(vec![]) => Row(vec![]);
        "_Weld" app(nats([1, 2])), part(N(5)) => Row(nats([2, 1, 5]));
        "_Map" TestValue::Jet("_Dec"), Row(nats([1, 2])) => Row(nats([0, 1]));
        "_Map" Crash(9), law() => Row(vec![]);
        "_Map" TestValue::Jet("_Add"), Row(nats([1])) => Row(vec![Apply(vec![TestValue::Jet("_Add"), N(1)])]);
        "_Rev" Row(nats([1, 2, 3])) => Row(nats([3, 2, 1]));
        "_Rev" Apply(vec![N(0), N(1), N(2)]) => Row(nats([1, 2]));
        "rowCons" N(1), Row(nats([2])) => Row(nats([1, 2]));
        "rowCons" N(1), law() => Row(nats([1]));
        "rowSnoc" Row(nats([2])), N(1) => Row(nats([2, 1]));
        "take" N(2), Row(nats([1, 2, 3])) => Row(nats([1, 2]));
        "take" N(9), Row(nats([1, 2, 3])) => Row(nats([1, 2, 3]));
        "take" law(), Row(nats([1, 2, 3])) => Row(nats([1, 2, 3]));
        "take" N(9), Apply(vec![N(0), N(1), N(2)]) => Row(nats([2, 1]));
        "drop" N(2), Row(nats([1, 2, 3])) => Row(nats([3]));
        "drop" law(), Row(nats([1, 2, 3])) => Row(nats([1, 2, 3]));
        "drop" Big(power(64)), Row(nats([1, 2, 3])) => Row(vec![]);
        "cat" Row(vec![lazy(Row(nats([1]))), N(0), app(nats([2, 3]))]) => Row(nats([1, 3, 2]));
        "cat" Row(vec![Crash(8), Crash(9)]) => Crash(9);
        "cat" Row(vec![]) => Row(vec![]);
        "zip" Row(nats([1, 2])), Row(nats([3, 4, 5])) => Row(vec![Row(nats([1, 3])), Row(nats([2, 4]))]);
        "zip" Row(nats([1, 2])), N(0) => Row(vec![]);
    }
}

#[test]
fn lists() {
    let cell = |items: Vec<u64>| list(nats(items), N(0));
    cases! {
        "_SizedListToRow" N(3), cell(vec![1, 2, 3]) => Row(nats([1, 2, 3]));
        "_SizedListToRow" N(4), cell(vec![1, 2]) => Row(nats([1, 2, 0, 0]));
        "_SizedListToRow" N(1), list(vec![N(1)], Crash(9)) => Row(nats([1]));
        "_SizedListToRow" N(2), list(vec![N(1)], Crash(9)) => Crash(9);
        "_SizedListToRow" Big(power(70)), list(vec![N(1)], Crash(9)) => Crash(9);
        "_SizedListToRow" N(0), Crash(9) => Row(vec![]);
        "_SizedListToRow" law(), Crash(9) => Row(vec![]);
        "_SizedListToRow" N(2), lazy(list(vec![N(1), N(2)], N(0))) => Row(nats([1, 2]));
        "_SizedListToRow" N(3), list(nats([1]), law()) => Row(nats([1, 0, 0]));
        "_SizedListToRow" N(3), list(nats([1]), Row(nats([2]))) => Row(nats([1, 2, 0]));
        "_SizedListToRow" N(2), Apply(vec![N(0), cell(vec![8]), N(7)]) => Row(nats([7, 8]));
        "_SizedListToRowRev" N(3), cell(vec![1, 2]) => Row(nats([0, 2, 1]));
        "implode" Row(vec![Text("a"), lazy(Text("bc")), N(0), law(), Text("d")]) => Text("abcd");
        "implode" Row(vec![N(0x0100), N(0x61)]) => N(0x0061_0100);
        "implode" Row(vec![Crash(9), Crash(8)]) => Crash(9);
    }
}
