//! Reflection on values.

use super::harness::{
    Apply, Bar, Big, Crash, N, Row, Set, Tab, TestValue, Text, app, cases, law, nats, pin, power,
};
use plan::Natural;

/// The constructor of rows of that width.
fn cow(width: u64) -> TestValue {
    TestValue::LawOf(0, width + 1, Box::new(N(0)))
}

fn tab() -> TestValue {
    Tab(vec![(N(1), N(3)), (N(2), N(4))])
}

#[test]
fn kinds() {
    cases! {
        "_IsPin" pin(N(1)) => N(1);
        "_IsPin" N(1) => N(0);
        "_IsLaw" law() => N(1);
        "_IsLaw" Row(vec![]) => N(1);
        "_IsLaw" Bar(b"") => N(1);
        "_IsLaw" Set(vec![]) => N(1);
        "_IsLaw" cow(3) => N(1);
        "_IsLaw" Row(vec![N(1)]) => N(0);
        "_IsApp" Row(vec![Crash(9)]) => N(1);
        "_IsApp" tab() => N(1);
        "_IsApp" Apply(vec![N(0), Crash(9)]) => N(1);
        "_IsApp" Row(vec![]) => N(0);
        "_IsNat" Big(power(64)) => N(1);
        "_IsNat" law() => N(0);
        "_PlanTag" pin(N(1)) => N(0);
        "_PlanTag" Bar(b"x") => N(1);
        "_PlanTag" tab() => N(2);
        "_PlanTag" N(1) => N(3);
        "_TypeTag" pin(N(1)) => N(0);
        "_TypeTag" law() => N(1);
        "_TypeTag" app(vec![Crash(9)]) => N(2);
        "_TypeTag" N(9) => N(3);
        "_TypeTag" Bar(b"x") => N(4);
        "_TypeTag" Row(vec![]) => N(5);
        "_TypeTag" Row(vec![Crash(9)]) => N(5);
        "_TypeTag" tab() => N(6);
        "_TypeTag" cow(1) => N(7);
        "_TypeTag" Set(vec![]) => N(8);
        "_TypeTag" Apply(vec![Set(nats([1])), Crash(9)]) => TestValue::FromLaw;
        "_IsRow" Row(vec![Crash(9)]) => N(1);
        "_IsRow" tab() => N(0);
        "_IsCow" cow(3) => N(1);
        "_IsCow" Row(vec![]) => N(1);
        "_IsCow" TestValue::LawOf(0, 1 << 50, Box::new(N(0))) => N(1);
        "_IsCow" Row(vec![N(1)]) => N(0);
        "_IsCow" law() => N(0);
        "_CowSize" cow(3) => N(3);
        "_CowSize" Row(vec![]) => N(0);
        "_CowSize" Set(vec![]) => N(1);
        "_CowSize" N(9) => N(0);
        "_Cow" N(3) => cow(3);
        "_Cow" N(0) => Row(vec![]);
        "_Cow" law() => Row(vec![]);
        "_Cow" Big(power(64)) => Apply(vec![N(0), N(0), Big(power(64) + Natural::from(1u32)), N(0)]);
    }
}

#[test]
fn parts() {
    cases! {
        "_PinItem" pin(Row(nats([1]))) => Row(nats([1]));
        "_PinItem" N(9) => N(0);
        "_LawName" law() => N(77);
        "_LawName" Bar(b"x") => N(1);
        "_LawName" cow(3) => N(0);
        "_LawArgs" law() => N(2);
        "_LawArgs" cow(3) => N(4);
        "_LawArgs" Row(vec![]) => N(1);
        "_LawArgs" Set(vec![]) => N(2);
        "_LawArgs" Row(nats([1])) => N(0);
        "_LawBody" Set(nats([1, 2])) => Row(nats([1, 2]));
        "_LawBody" Bar(b"ab") => N(0x0001_6261);
        "_LawBody" Bar(b"") => N(1);
        "_LawBody" cow(3) => N(0);
        "_LawBody" tab() => N(0);
        "_Car" N(9) => N(0);
        "_Car" pin(N(9)) => N(4);
        "_Car" law() => Apply(vec![N(0), N(77), N(2)]);
        "_Car" Bar(b"x") => Apply(vec![N(0), N(1), N(1)]);
        "_Car" Set(vec![]) => Apply(vec![N(0), N(1), N(2)]);
        "_Car" Row(vec![]) => Apply(vec![N(0), N(0), N(1)]);
        "_Car" Row(nats([3, 4, 5])) => Apply(vec![cow(3), N(5), N(4)]);
        "_Car" Row(vec![N(3)]) => cow(1);
        "_Car" tab() => Set(nats([1, 2]));
        "_Cdr" N(9) => N(0);
        "_Cdr" pin(N(9)) => N(9);
        "_Cdr" Row(nats([3, 4, 5])) => N(3);
        "_Cdr" Row(vec![Crash(9), N(1)]) => Crash(9);
        "_Cdr" tab() => Row(nats([3, 4]));
        "_Cdr" Set(nats([1])) => Row(nats([1]));
        "_Null" Row(vec![]) => N(1);
        "_Null" tab() => N(0);
        "_Head" Row(nats([3, 4])) => cow(2);
        "_Head" tab() => Set(nats([1, 2]));
        "_Head" app(vec![N(1), N(2)]) => TestValue::LawOf(78, 1000, Box::new(N(0)));
        "_Head" law() => law();
        "_Arity" N(0) => N(3);
        "_Arity" N(1) => N(5);
        "_Arity" Big(power(70)) => N(1);
        "_Arity" Row(nats([1, 2])) => N(1);
        "_Arity" tab() => N(1);
        "_Arity" app(vec![N(1), N(2)]) => N(998);
        "_Arity" pin(pin(law())) => N(2);
        "_DataTag" Text("foo") => Text("foo");
        "_DataTag" Row(vec![Text("bar"), Crash(9)]) => Text("bar");
        "_DataTag" Row(vec![]) => N(0);
        "_DataTag" tab() => Row(nats([3, 4]));
        "_DataTag" Apply(vec![N(0), N(1), N(2)]) => N(2);
    }
}

#[test]
fn long_apps_are_split() {
    let args: Vec<TestValue> = nats(0..100);
    let all_but_last = args[..99].to_vec();
    cases! {
        "_Car" app(args.clone()) => app(all_but_last);
        "_Cdr" app(args.clone()) => N(99);
        "_Len" app(args.clone()) => N(100);
        "_Idx" N(30), app(args.clone()) => N(69);
        "_Rev" app(args.clone()) => Row(args.clone());
    }
}
