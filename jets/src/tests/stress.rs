//! Whatever the arguments: collecting at every allocation changes nothing, and nothing panics.

use super::bench::{Ap, Bench, Die, N, Row, Set, Tab, V, app, law, lazy, nats, pin, power};
use crate::declarations;
use plan::{EvalError, Hash};
use proptest::prelude::*;

fn leaf() -> impl Strategy<Value = V> {
    prop_oneof![
        4 => (0u64..10).prop_map(N),
        1 => (60u64..70).prop_map(|exponent| V::Big(power(exponent))),
        1 => Just(V::Bar(b"")),
        1 => Just(V::Bar(b"ab")),
        1 => Just(law()),
        1 => (1000u64..1010).prop_map(Die),
        1 => prop::sample::select(vec!["_Add", "_Dec", "_Idx", "_Eql", "rowCons"]).prop_map(V::Jet),
    ]
}

fn value() -> impl Strategy<Value = V> {
    leaf().prop_recursive(3, 24, 5, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            3 => items().prop_map(Row),
            2 => items().prop_map(|values| {
                Tab(values.into_iter().enumerate().map(|(k, v)| (N(2 * k as u64), v)).collect())
            }),
            2 => prop::collection::btree_set(0u64..10, 0..5).prop_map(|keys| Set(nats(keys))),
            1 => items().prop_map(app),
            1 => inner.clone().prop_map(|item| Ap(vec![N(0), item])),
            1 => Just(pin(law())),
            2 => inner.prop_map(lazy),
        ]
    })
}

/// How a call ended; for a value, its hash.
#[derive(PartialEq, Debug)]
enum End {
    Value(Hash),
    Crash(Option<u64>),
    Other(String),
}

fn end(bench: &mut Bench, jet: &'static str, args: &[V]) -> End {
    match bench.head(jet, args).and_then(|value| bench.vm.force(&value)) {
        Ok(value) => End::Value(bench.vm.hash(&value).expect("a small value")),
        Err(EvalError::Crash { op, .. }) => End::Crash(bench.vm.look(&op).as_u64()),
        Err(stop) => End::Other(stop.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn collections_change_nothing(args in prop::collection::vec(value(), 3)) {
        let (mut calm, mut stressed) = (Bench::new(), Bench::stressed());
        // What is unfolded need not come to an end.
        for jet in declarations().filter(|jet| jet.name != "unfoldr") {
            let args = &args[..jet.demands.len()];
            let (left, right) = (end(&mut calm, jet.name, args), end(&mut stressed, jet.name, args));
            prop_assert_eq!(left, right, "{} {:?}", jet.name, args);
        }
    }
}
