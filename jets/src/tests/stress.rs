//! For random arguments, no jet panics, and a collection at every allocation does not change the
//! outcome.

use super::harness::{
    Apply, Crash, JetHarness, N, Row, Set, Tab, TestValue, app, law, lazy, nats, pin, power,
};
use crate::declarations;
use plan::{EvalError, Hash};
use proptest::prelude::*;

fn leaf() -> impl Strategy<Value = TestValue> {
    prop_oneof![
        4 => (0u64..10).prop_map(N),
        1 => (60u64..70).prop_map(|exponent| TestValue::Big(power(exponent))),
        1 => Just(TestValue::Bar(b"")),
        1 => Just(TestValue::Bar(b"ab")),
        1 => Just(law()),
        1 => (1000u64..1010).prop_map(Crash),
        1 => prop::sample::select(vec!["_Add", "_Dec", "_Idx", "_Eql", "rowCons"])
            .prop_map(TestValue::Jet),
    ]
}

fn value() -> impl Strategy<Value = TestValue> {
    leaf().prop_recursive(3, 24, 5, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            3 => items().prop_map(Row),
            2 => items().prop_map(|values| {
                Tab(values.into_iter().enumerate().map(|(k, v)| (N(2 * k as u64), v)).collect())
            }),
            2 => prop::collection::btree_set(0u64..10, 0..5).prop_map(|keys| Set(nats(keys))),
            1 => items().prop_map(app),
            1 => inner.clone().prop_map(|item| Apply(vec![N(0), item])),
            1 => Just(pin(law())),
            2 => inner.prop_map(lazy),
        ]
    })
}

/// The outcome of a call: the hash of its value, or the error.
#[derive(PartialEq, Debug)]
enum CallOutcome {
    Value(Hash),
    Crash(Option<u64>),
    Other(String),
}

fn outcome(harness: &mut JetHarness, jet: &'static str, args: &[TestValue]) -> CallOutcome {
    match harness.head(jet, args).and_then(|value| harness.vm.force(&value)) {
        Ok(value) => CallOutcome::Value(harness.vm.hash(&value).expect("a small value")),
        Err(EvalError::Crash { op, .. }) => CallOutcome::Crash(harness.vm.look(&op).as_u64()),
        Err(stop) => CallOutcome::Other(stop.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn collections_change_nothing(args in prop::collection::vec(value(), 4)) {
        let (mut unstressed, mut stressed) = (JetHarness::new(), JetHarness::stressed());
        // `unfoldr` may not terminate.
        for jet in declarations().filter(|jet| jet.name != "unfoldr") {
            let args = &args[..jet.demands.len()];
            let left = outcome(&mut unstressed, jet.name, args);
            let right = outcome(&mut stressed, jet.name, args);
            prop_assert_eq!(left, right, "{} {:?}", jet.name, args);
        }
    }
}
