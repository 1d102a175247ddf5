//! Control forms, truth and comparison: which arguments and parts are evaluated.

use super::harness::{
    Apply, Bar, Big, Crash, FromLaw, N, Row, Set, Tab, TestValue, app, cases, law, lazy, nats, pin,
    power,
};
use plan::Natural;

#[test]
fn control() {
    cases! {
        "_If" N(1), N(5), Crash(9) => N(5);
        "_If" N(0), Crash(9), lazy(N(6)) => N(6);
        "_If" law(), Crash(9), N(6) => N(6);
        "_Ifz" N(0), N(5), Crash(9) => N(5);
        "_Ifz" law(), Crash(9), N(6) => N(6);
        "_Seq" Row(vec![Crash(9)]), N(1) => N(1);
        "_Seq" Crash(9), N(1) => Crash(9);
        "_Force" Row(vec![lazy(N(1))]) => Row(nats([1]));
        "_Force" Row(vec![Crash(9)]) => Crash(9);
        "_Trace" Row(vec![Crash(9)]), N(1) => Crash(9);
        "_DeepTrace" N(5), lazy(N(1)) => N(1);
        "par" Crash(9), lazy(N(1)) => N(1);
        "pseq" Crash(9), N(1) => Crash(9);
    }
}

#[test]
fn truth() {
    cases! {
        "_Not" N(0) => N(1);
        "_Not" Big(power(64)) => N(0);
        "_Not" law() => N(1);
        "_Bit" N(7) => N(1);
        "_Bit" law() => N(0);
        "_Eqz" N(0) => N(1);
        "_Eqz" law() => N(0);
        "_And" N(0), Crash(9) => N(0);
        "_And" N(2), lazy(N(3)) => N(1);
        "_And" N(2), law() => N(0);
        "_And" N(2), Crash(9) => Crash(9);
        "_Or" N(2), Crash(9) => N(1);
        "_Or" N(0), lazy(N(3)) => N(1);
        "_Or" law(), N(0) => N(0);
        "_Nand" N(0), Crash(9) => N(1);
        "_Nand" N(1), lazy(N(1)) => N(0);
        "_Nor" N(1), Crash(9) => N(0);
        "_Nor" N(0), N(0) => N(1);
        "_Xor" N(2), N(3) => N(0);
        "_Xor" N(2), law() => N(1);
        "_Xnor" N(2), N(3) => N(1);
        "_Xnor" N(0), N(3) => N(0);
    }
}

/// A list of items.
fn list(items: Vec<TestValue>) -> TestValue {
    items.into_iter().rev().fold(N(0), |rest, item| Row(vec![item, rest]))
}

#[test]
fn sorting() {
    let row = |items: [u64; 2]| Row(nats(items));
    let with_crash = || Row(vec![Crash(9), N(1)]);
    let long = || Row(nats(0..40));
    cases! {
        "listSort" N(0) => N(0);
        "listSort" N(7) => N(0);
        "listSort" lazy(N(0)) => N(0);
        "listSort" list(vec![lazy(N(5))]) => list(vec![N(5)]);
        "listSort" list(nats([3, 1, 2, 1])) => list(nats([1, 1, 2, 3]));
        "listSort" list(vec![lazy(N(3)), N(2), Big(power(70)), Big(power(63)), N(0)])
            => list(vec![N(0), N(2), N(3), Big(power(63)), Big(power(70))]);
        "listSort" list(vec![row([2, 1]), row([1, 2]), N(4), row([1, 1])])
            => list(vec![N(4), row([1, 1]), row([2, 1]), row([1, 2])]);
        "listSort" list(vec![Row(vec![lazy(N(2)), N(1)]), row([1, 1])])
            => list(vec![row([1, 1]), row([2, 1])]);
        "listSort" list(vec![Bar(b"b"), Big(power(70)), Bar(b"a"), N(1)])
            => list(vec![N(1), Big(power(70)), Bar(b"a"), Bar(b"b")]);
        "listSort" list(vec![Row(nats(1..41)), long(), row([1, 1])])
            => list(vec![row([1, 1]), long(), Row(nats(1..41))]);
        "listSort" list(vec![N(2), Crash(8)]) => Crash(8);
        "listSort" list(vec![with_crash(), with_crash()]) => Crash(9);
        "listSort" Row(vec![N(2), Crash(7)]) => Crash(7);
        "listSort" list(vec![N(1), Crash(8), N(2), Crash(6)]) => Crash(8);
        // All comparisons are made.
        "listSort" list(vec![N(1), N(5), N(2), Crash(6)]) => Crash(6);
        "listSort" list(vec![with_crash(), N(1), N(2), with_crash()]) => Crash(9);
        // An item of a row is evaluated only if the items behind it are equal.
        "listSort" list(vec![Row(vec![lazy(N(1)), N(7)]), Row(vec![N(0), lazy(N(7))]), row([0, 6])])
            => list(vec![row([0, 6]), row([0, 7]), row([1, 7])]);
        "listSort" list(vec![N(1), Row(vec![Crash(7), N(3)]), N(2), Row(vec![Crash(8), N(3)])])
            => Crash(7);
    }
}

/// A row of distinct nats, as they are in a list that is sorted by a function.
fn pairs(pairs: &[[u64; 2]]) -> TestValue {
    list(pairs.iter().map(|pair| Row(nats(*pair))).collect())
}

#[test]
fn sorting_by_a_function() {
    let by = || TestValue::Jet("_Gte");
    // The part at index 0.
    let key = || Apply(vec![TestValue::Jet("_Idx"), N(0)]);
    let with_crash = || Row(vec![Crash(9), N(1)]);
    cases! {
        "listSortBy" Crash(8), N(7) => N(0);
        "listSortBy" Crash(8), list(vec![lazy(N(5))]) => list(vec![N(5)]);
        "listSortBy" Crash(8), list(vec![N(5), N(4)]) => Crash(8);
        "listSortBy" Crash(8), Row(vec![N(5), Crash(6)]) => Crash(6);
        "listSortBy" by(), list(nats([3, 1, 2, 1, 9])) => list(nats([1, 1, 2, 3, 9]));
        "listSortBy" TestValue::Jet("_Lte"), list(nats([3, 1, 2, 1, 9]))
            => list(nats([9, 3, 2, 1, 1]));
        // What the function leaves unevaluated stays so, and what it evaluates crashes.
        "listSortBy" TestValue::LawOf(9, 2, Box::new(N(7))),
            list(vec![N(1), N(2), N(3), N(4), N(5)]) => list(nats([5, 4, 3, 2, 1]));
        "listSortBy" by(), list(vec![N(1), N(2), Crash(5), Crash(7)]) => Crash(5);
        "listSortOn" Crash(8), N(7) => N(0);
        "listSortOn" Crash(8), list(vec![lazy(N(5))]) => list(vec![N(5)]);
        "listSortOn" Crash(8), list(vec![N(5), N(4)]) => Crash(8);
        "listSortOn" key(), pairs(&[[2, 1], [1, 2], [2, 3], [1, 4], [2, 5]])
            => pairs(&[[1, 4], [1, 2], [2, 5], [2, 3], [2, 1]]);
        "listSortOn" key(), list(vec![Row(vec![Bar(b"b")]), Row(vec![Bar(b"a")])])
            => list(vec![Row(vec![Bar(b"a")]), Row(vec![Bar(b"b")])]);
        "listSortOn" key(), list(vec![with_crash(), Row(nats([5])), with_crash()]) => Crash(9);
        "listSortOn" key(), list(vec![Row(vec![N(2), Crash(8)]), Row(vec![N(1), Crash(7)])])
            => Crash(8);
    }
}

#[test]
fn sorting_rows() {
    let key = || Apply(vec![TestValue::Jet("_Idx"), N(0)]);
    let rows = |rows: &[[u64; 2]]| Row(rows.iter().map(|row| Row(nats(*row))).collect());
    cases! {
        "sort" N(7) => FromLaw;
        "sort" Row(vec![]) => Row(vec![]);
        "sort" Row(vec![lazy(N(5))]) => Row(nats([5]));
        "sort" Row(nats([3, 1, 2, 1])) => Row(nats([1, 1, 2, 3]));
        "sort" Row(vec![lazy(N(3)), Bar(b"b"), Bar(b"a")]) => Row(vec![N(3), Bar(b"a"), Bar(b"b")]);
        "sort" Row(vec![N(1), Crash(8), N(2), Crash(6)]) => Crash(8);
        // Values whose sort keys are equal, and values of each kind.
        "sort" Row(vec![
            Bar(b"yabcdefgh"), Big(power(70) + Natural::from(1u32)), Row(nats([1, 2, 3])), Bar(b"xabcdefgh"),
            N(u64::MAX), Bar(b""), Big(power(70)), Row(vec![]), Bar(b"zz"), N(0), Row(nats([0, 2, 3])),
            Bar(b"xabcdefgh"), Big(power(64)), Row(vec![Bar(b"a"), N(3)]), Row(vec![N(9), N(3)]),
        ]) => Row(vec![
            N(0), N(u64::MAX), Big(power(64)), Big(power(70)), Big(power(70) + Natural::from(1u32)),
            Bar(b""), Bar(b"zz"), Bar(b"xabcdefgh"), Bar(b"xabcdefgh"), Bar(b"yabcdefgh"),
            Row(vec![]), Row(vec![N(9), N(3)]), Row(vec![Bar(b"a"), N(3)]), Row(nats([0, 2, 3])),
            Row(nats([1, 2, 3])),
        ]);
        "sortBy" Crash(8), Row(vec![lazy(N(5))]) => Row(nats([5]));
        "sortBy" Crash(8), N(5) => FromLaw;
        "sortBy" Crash(8), Row(nats([5, 4])) => Crash(8);
        "sortBy" TestValue::Jet("_Lte"), Row(nats([3, 1, 2, 1, 9])) => Row(nats([9, 3, 2, 1, 1]));
        "sortOn" Crash(8), Row(vec![lazy(N(5))]) => Row(nats([5]));
        "sortOn" Crash(8), Row(nats([5, 4])) => Crash(8);
        "sortOn" key(), rows(&[[2, 1], [1, 2], [2, 3], [1, 4]])
            => rows(&[[1, 4], [1, 2], [2, 3], [2, 1]]);
        "sortUniq" N(7) => FromLaw;
        "sortUniq" Row(vec![]) => Row(vec![]);
        "sortUniq" Row(nats([3, 1, 2, 1, 3, 3])) => Row(nats([1, 2, 3]));
        "sortUniq" Row(vec![Bar(b"b"), lazy(Bar(b"a")), Bar(b"b"), Row(vec![lazy(N(1))]), Bar(b"a")])
            => Row(vec![Bar(b"a"), Bar(b"b"), Row(nats([1]))]);
        "sortUniq" Row(vec![N(1), Crash(8)]) => Crash(8);
    }
}

#[test]
fn order() {
    let row = |items: [u64; 2]| Row(nats(items));
    cases! {
        "_Cmp" N(3), law() => N(0);
        "_Cmp" law(), pin(N(1)) => N(2);
        "_Cmp" Row(vec![]), Row(nats([0])) => N(0);
        "_Cmp" row([9, 1]), row([1, 2]) => N(0);
        "_Cmp" Row(nats([9])), row([0, 0]) => N(0);
        "_Cmp" row([2, 1]), row([1, 1]) => N(2);
        "_Cmp" row([2, 1]), Row(vec![lazy(N(2)), lazy(N(1))]) => N(1);
        "_Eql" lazy(Bar(b"ab")), Bar(b"ab") => N(1);
        "_Eql" Bar(b"ab"), TestValue::LawOf(1, 1, Box::new(N(0x0001_6261))) => N(1);
        "_Neq" N(0), Row(vec![]) => N(1);
        "_Lth" N(3), N(4) => N(1);
        "_Lte" N(4), N(4) => N(1);
        "_Gth" N(4), N(4) => N(0);
        "_Gte" N(4), N(4) => N(1);
        "_Min" law(), N(4) => N(4);
        "_Max" law(), N(4) => law();
        "_Max" N(4), N(4) => N(4);
    }
}

/// Rows are compared by length, then from the last item to the first; apps by the number of
/// arguments, the function, then the arguments from the first to the last. Nothing after the first
/// difference is evaluated.
#[test]
fn comparing_stops_at_the_first_difference() {
    cases! {
        "_Eql" Row(vec![Crash(9)]), Row(vec![Crash(9), Crash(9)]) => N(0);
        "_Eql" Row(vec![Crash(9)]), N(3) => N(0);
        "_Cmp" Row(vec![Crash(9)]), pin(N(3)) => N(2);
        "_Cmp" Row(vec![Crash(9), N(1)]), Row(vec![Crash(9), N(2)]) => N(0);
        "_Cmp" Row(vec![Crash(9), N(1)]), Row(vec![Crash(8), N(1)]) => Crash(9);
        "_Cmp" Row(vec![N(1), Crash(9)]), Row(vec![N(2), N(1)]) => Crash(9);
        "_Cmp" app(vec![N(1), Crash(9)]), app(vec![N(2), Crash(9)]) => N(0);
        "_Cmp" app(vec![Crash(9), N(1)]), app(vec![N(1), N(1)]) => Crash(9);
        "_Cmp" app(vec![Crash(9)]), app(vec![Crash(9), Crash(9)]) => N(0);
        "_Cmp" Apply(vec![N(0), Crash(9)]), Apply(vec![N(1), Crash(9)]) => N(0);
        "_Cmp" Row(vec![Row(vec![Crash(9)]), N(1)]), Row(vec![N(5), N(1)]) => N(2);
        "_Cmp" Row(vec![Row(vec![Crash(9)])]), Row(vec![Row(vec![N(1)])]) => Crash(9);
        "_Eql" Apply(vec![TestValue::LawOf(0, 3, Box::new(N(0))), Crash(9)]), Row(vec![Crash(9), Crash(9)]) => N(0);
    }
}

#[test]
fn tables_compare_as_their_set_and_their_values() {
    let tab = |values: [TestValue; 2]| {
        let [a, b] = values;
        Tab(vec![(N(1), a), (N(2), b)])
    };
    let app_of_set = |values: TestValue| Apply(vec![Set(nats([1, 2])), values]);
    cases! {
        "_Eql" tab([N(3), N(4)]), app_of_set(lazy(Row(nats([3, 4])))) => N(1);
        "_Cmp" tab([Crash(9), N(4)]), app_of_set(lazy(Row(vec![Crash(9), N(5)]))) => N(0);
        "_Cmp" tab([Crash(9), N(4)]), tab([Crash(9), N(3)]) => N(2);
        "_Cmp" tab([Crash(9), Crash(9)]), Tab(vec![(N(1), Crash(9))]) => N(2);
        "_Cmp" tab([N(1), N(1)]), app_of_set(N(7)) => N(2);
    }
}

/// A cheap jet that is mapped over items is called immediately if the item is evaluated, because
/// the difference is unobservable.
#[test]
fn cheap_functions_are_applied_eagerly_to_evaluated_items() {
    let with = |jet: &'static str, first: TestValue| Apply(vec![TestValue::Jet(jet), first]);
    let last = |items: Vec<TestValue>| {
        Apply(vec![
            TestValue::Jet("_Idx"),
            N(1),
            Apply(vec![TestValue::Jet("_Map"), with("_Add", N(3)), Row(items)]),
        ])
    };
    cases! {
        "_Gen" N(3), with("_Mul", N(5)) => Row(nats([0, 5, 10]));
        "_Gen" N(3), with("_Sub", N(1)) => Row(nats([1, 0, 0]));
        "_Gen" N(2), with("_Add", N((1 << 63) - 1)) => Row(vec![N((1 << 63) - 1), Big(power(63))]);
        "_Gen" N(2), with("_Mul", Big(power(63))) => Row(vec![N(0), Big(power(63))]);
        "_Gen" N(1), with("_Add", Crash(9)) => Crash(9);
        "_Map" with("_Add", N(3)), Row(vec![lazy(N(1)), N(2), law()]) => Row(nats([4, 5, 3]));
        "_Map" with("_Add", N(3)), Row(vec![N(1), Crash(9)]) => Crash(9);
        "_Map" TestValue::Jet("_Dec"), Row(nats([0, 4])) => Row(nats([0, 3]));
        "_Map" with("_Cmp", N(3)), Row(vec![N(2), lazy(N(3))]) => Row(nats([2, 1]));
        "_Force" last(vec![Crash(9), N(4)]) => N(7);
    }
}

/// Comparing an object with itself evaluates the whole object: there is no shortcut by identity.
#[test]
fn a_value_is_compared_with_itself_throughout() {
    let mut harness = super::harness::JetHarness::new();
    let row = harness.make(&Row(vec![Crash(9)]));
    let eql = harness.make(&TestValue::Jet("_Eql"));
    let result = harness.vm.apply(&eql, &[row.clone(), row]);
    assert!(matches!(result, Err(plan::EvalError::Crash { .. })));
}

/// `unfoldr` of a function that returns, for a nat other than 0, an unevaluated pair: an item (the
/// nat, or a crash if the nat is 2) and the nat minus one.
#[test]
fn unfoldr_leaves_pairs_unevaluated() {
    let quoted = |value| Apply(vec![N(2), value]);
    let call = |function, args: Vec<TestValue>| {
        args.into_iter().fold(quoted(function), |function, arg| Apply(vec![N(0), function, arg]))
    };
    let pair = TestValue::LawOf(0, 3, Box::new(N(0)));
    let identity = TestValue::LawOf(1, 1, Box::new(N(1)));
    let is_two = call(TestValue::Jet("_Eql"), vec![N(1), quoted(N(2))]);
    let item = call(TestValue::Jet("_If"), vec![is_two, call(N(9), vec![N(1)]), N(1)]);
    let next = call(TestValue::Jet("_Dec"), vec![N(1)]);
    let some = call(N(0), vec![call(identity, vec![call(pair, vec![next, item])])]);
    let body = call(TestValue::Jet("_Ifz"), vec![N(1), quoted(N(0)), some]);
    let step = TestValue::LawOf(2, 1, Box::new(body));
    // A row of three items; the second crashes if it is evaluated.
    let row = || Apply(vec![TestValue::Jet("unfoldr"), step.clone(), N(3)]);
    cases! {
        "unfoldr" step.clone(), N(1) => Row(nats([1]));
        "_Len" row() => N(3);
        "_Idx" N(0), row() => N(3);
        "_Idx" N(2), row() => N(1);
        "_Idx" N(1), row() => Crash(9);
    }
}
