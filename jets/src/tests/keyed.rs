//! Jets on sets and tables.

use super::harness::{
    Apply, Crash, JetHarness, N, Row, Set, Tab, TestValue, cases, law, lazy, nats,
};

fn tab(entries: &[(u64, u64)]) -> TestValue {
    Tab(entries.iter().map(|(k, v)| (N(*k), N(*v))).collect())
}

fn pair(key: u64, value: u64) -> TestValue {
    Row(nats([key, value]))
}

/// An app of a set to `values`: a table if `values` is an evaluated row.
fn app_of_set(keys: &[u64], values: TestValue) -> TestValue {
    Apply(vec![Set(nats(keys.iter().copied())), values])
}

#[test]
fn sets() {
    let set = |keys: &[u64]| Set(nats(keys.iter().copied()));
    cases! {
        "_MkSet" Row(nats([1, 2])) => set(&[1, 2]);
        "_MkSet" Row(nats([2, 1])) => Apply(vec![N(0), N(1), N(2), Row(nats([2, 1]))]);
        "_MkSet" Row(vec![Crash(9)]) => Crash(9);
        "_SetToRow" set(&[1, 2]) => Row(nats([1, 2]));
        "setSing" Row(vec![lazy(N(1))]) => Set(vec![Row(nats([1]))]);
        "setSing" Row(vec![Crash(9)]) => Crash(9);
        "setIsEmpty" set(&[]) => N(1);
        "setIsEmpty" set(&[1]) => N(0);
        "setLen" set(&[1, 5]) => N(2);
        "setLen" law() => TestValue::FromLaw;
        "setHas" lazy(N(5)), set(&[1, 5, 9]) => N(1);
        "setHas" N(6), set(&[1, 5, 9]) => N(0);
        "setHas" Crash(9), set(&[]) => N(0);
        "setHas" Row(vec![Crash(9)]), set(&[1, 5]) => N(0);
        "setHas" Row(vec![Crash(9), N(2)]), Set(vec![Row(nats([1, 1])), Row(nats([1, 3]))]) => N(0);
        "setHas" Row(vec![Crash(9), N(3)]), Set(vec![Row(nats([1, 1])), Row(nats([1, 3]))]) => Crash(9);
        "setMin" set(&[]) => N(0);
        "setMin" set(&[4, 5]) => N(4);
        "setIns" N(5), set(&[1, 9]) => set(&[1, 5, 9]);
        "setIns" N(9), set(&[1, 9]) => set(&[1, 9]);
        "setIns" lazy(Row(vec![lazy(N(1))])), set(&[1]) => Set(vec![N(1), Row(nats([1]))]);
        "setDel" N(9), set(&[1, 9]) => set(&[1]);
        "setDel" N(8), set(&[1, 9]) => set(&[1, 9]);
        "setDel" Crash(8), set(&[]) => set(&[]);
        "setDel" Row(vec![Crash(9)]), set(&[1]) => set(&[1]);
        "setWeld" set(&[1, 3, 5]), set(&[2, 3, 9]) => set(&[1, 2, 3, 5, 9]);
        "setWeld" set(&[1]), law() => TestValue::FromLaw;
        "setCatRowAsc" Row(vec![set(&[1, 2]), set(&[]), set(&[3])]) => set(&[1, 2, 3]);
        "setCatRowAsc" Row(vec![set(&[1, 2]), set(&[2])]) => TestValue::FromLaw;
        "setCatRowAsc" Row(vec![]) => set(&[]);
        "isSet" set(&[]) => N(1);
        "isSet" law() => N(0);
        "setDrop" N(1), set(&[1, 2, 3]) => set(&[2, 3]);
        "setDrop" law(), set(&[1, 2, 3]) => set(&[1, 2, 3]);
        "setTake" N(u64::MAX - 1), set(&[1, 2, 3]) => set(&[1, 2, 3]);
        "setTake" law(), set(&[1, 2, 3]) => set(&[1, 2, 3]);
        "setTake" N(0), set(&[1, 2, 3]) => set(&[]);
        "setDrop" N(0), set(&[1, 2, 3]) => set(&[1, 2, 3]);
        "setDrop" N(2), set(&[1, 2, 3]) => set(&[3]);
        "setDrop" N(1), set(&[]) => set(&[]);
        "setPop" set(&[1, 2, 3]) => Row(vec![N(1), set(&[2, 3])]);
        "setPop" set(&[7]) => Row(vec![N(7), set(&[])]);
        "setPop" set(&[]) => TestValue::FromLaw;
        "setPop" lazy(set(&[1])) => TestValue::FromLaw;
        "setPop" law() => TestValue::FromLaw;
        "setSplitAt" N(1), set(&[1, 2, 3]) => Row(vec![set(&[1]), set(&[2, 3])]);
        "setSplitAt" Crash(9), set(&[1, 2, 3]) => TestValue::FromLaw;
        "setSplitLT" N(2), set(&[1, 2, 3]) => Row(vec![set(&[1]), set(&[2, 3])]);
        "setSplitLT" N(9), set(&[1, 2, 3]) => Row(vec![set(&[1, 2, 3]), set(&[])]);
        "setIntersect" set(&[1, 2, 3]), set(&[2, 3, 4]) => set(&[2, 3]);
        "setIntersect" Crash(9), set(&[]) => set(&[]);
        "setSub" set(&[1, 2, 3]), set(&[2, 3, 4]) => set(&[1]);
        "setSub" law(), set(&[]) => law();
    }
}

#[test]
fn reading_tables() {
    let values = || lazy(Row(nats([3, 4])));
    let two = || tab(&[(1, 3), (2, 4)]);
    cases! {
        "isTab" two() => N(1);
        "isTab" Row(vec![]) => N(0);
        "isTab" app_of_set(&[1, 2], Crash(9)) => TestValue::FromLaw;
        "_TabKeys" two() => Set(nats([1, 2]));
        "_TabVals" two() => Row(nats([3, 4]));
        "_TabVals" app_of_set(&[1, 2], Row(nats([3, 4]))) => Row(nats([3, 4]));
        "_TabKeysRow" two() => Row(nats([1, 2]));
        "_TabKeysList" two() => Row(vec![N(1), Row(vec![N(2), N(0)])]);
        "_TabKeysList" tab(&[]) => N(0);
        "_TabLen" two() => N(2);
        "_TabLen" app_of_set(&[1, 2], values()) => TestValue::FromLaw;
        "_TabIsEmpty" tab(&[]) => N(1);
        "_TabIsEmpty" two() => N(0);
        "tabIdx" lazy(N(2)), two() => N(4);
        "tabIdx" N(7), two() => N(0);
        "tabIdx" Crash(9), tab(&[]) => N(0);
        "tabIdx" N(1), Tab(vec![(N(1), lazy(N(8))), (N(2), Crash(9))]) => N(8);
        "tabIdx" N(2), Tab(vec![(N(1), lazy(N(8))), (N(2), Crash(9))]) => Crash(9);
        "_TabHas" N(2), two() => N(1);
        "_TabHas" N(3), two() => N(0);
        "_TabLookup" N(2), two() => Apply(vec![N(0), N(4)]);
        "_TabLookup" N(3), two() => N(0);
        "tabSwitch" N(1), Crash(9), two() => N(3);
        "tabSwitch" lazy(N(5)), lazy(N(6)), two() => N(6);
        "tabElemIdx" N(1), two() => pair(2, 4);
        "tabElemIdx" N(2), two() => N(0);
        "tabElemIdx" N(u64::MAX), two() => N(0);
        "tabElemIdx" law(), two() => N(0);
        "tabMinKey" two() => N(1);
        "tabMinKey" tab(&[]) => N(0);
        "tabToPairs" two() => Row(vec![pair(1, 3), pair(2, 4)]);
        "tabToPairList" two() => Row(vec![pair(1, 3), Row(vec![pair(2, 4), N(0)])]);
        "tabFoldlWithKey" TestValue::Jet("_ClearBit"), Crash(9), tab(&[]) => Crash(9);
        "tabFoldlWithKey" N(0), N(7), tab(&[(1, 0)]) => Apply(vec![N(0), N(7), N(1), N(0)]);
    }
}

#[test]
fn tables_from_tables() {
    let two = || tab(&[(1, 3), (2, 4)]);
    let add = || TestValue::Jet("_Add");
    cases! {
        "_MkTab" Row(nats([1, 2])), Row(nats([3, 4])) => two();
        "_MkTab" Row(nats([1, 2])), lazy(Row(nats([3, 4]))) => two();
        "tabSing" lazy(N(1)), lazy(N(3)) => tab(&[(1, 3)]);
        "tabSing" Row(vec![Crash(9)]), N(0) => Crash(9);
        "tabIns" N(1), N(7), two() => tab(&[(1, 7), (2, 4)]);
        "tabIns" N(0), N(7), two() => tab(&[(0, 7), (1, 3), (2, 4)]);
        "tabIns" N(5), lazy(N(7)), two() => tab(&[(1, 3), (2, 4), (5, 7)]);
        "tabIns" N(5), N(7), app_of_set(&[1, 2], Crash(9)) => TestValue::FromLaw;
        "tabInsWith" TestValue::Jet("_Sub"), N(1), N(9), two() => tab(&[(1, 6), (2, 4)]);
        "tabInsWith" Crash(8), lazy(N(5)), N(9), two() => tab(&[(1, 3), (2, 4), (5, 9)]);
        "tabInsWith" Crash(8), Crash(7), N(9), Crash(6) => Crash(6);
        "tabInsWith" Crash(8), Crash(7), N(9), tab(&[]) => Crash(7);
        "tabInsWith" N(0), N(1), N(9), two() => Tab(vec![
            (N(1), Apply(vec![N(0), N(9), N(3)])),
            (N(2), N(4)),
        ]);
        "tabInsWith" N(0), N(5), N(9), law() => TestValue::FromLaw;
        "tabAlter" TestValue::Jet("_ToNat"), N(1), two() => tab(&[(2, 4)]);
        "tabAlter" TestValue::Jet("_ToNat"), Crash(9), tab(&[]) => tab(&[]);
        "tabAlter" TestValue::Jet("_ToNat"), N(5), two() => two();
        "tabAlter" N(0), N(5), two() => tab(&[(1, 3), (2, 4), (5, 0)]);
        "tabAlter" Apply(vec![N(0), N(9)]), lazy(N(2)), two() => Tab(vec![
            (N(1), N(3)),
            (N(2), Apply(vec![N(0), N(4)])),
        ]);
        "tabDel" N(1), two() => tab(&[(2, 4)]);
        "tabDel" lazy(N(5)), two() => two();
        "tabDel" N(1), tab(&[(1, 3)]) => tab(&[]);
        "tabDel" Crash(9), tab(&[]) => tab(&[]);
        "tabDel" Crash(9), two() => Crash(9);
        "tabDel" N(1), app_of_set(&[1, 2], Crash(9)) => TestValue::FromLaw;
        "tabPop" two() => Row(vec![N(1), N(3), tab(&[(2, 4)])]);
        "tabPop" tab(&[(1, 3)]) => Row(vec![N(1), N(3), tab(&[])]);
        "tabPop" tab(&[]) => TestValue::FromLaw;
        "tabPop" lazy(two()) => TestValue::FromLaw;
        "tabFromPairs" Row(vec![pair(2, 3), lazy(pair(1, 4)), pair(2, 5)]) => tab(&[(1, 4), (2, 5)]);
        "tabFromPairs" Row(vec![]) => tab(&[]);
        "tabFromPairs" Row(vec![N(3), Row(vec![lazy(N(7))])]) => tab(&[(0, 0), (7, 0)]);
        "tabFromPairs" Row(vec![Row(vec![Row(vec![Crash(9)]), N(1)]), Crash(8)]) => Crash(9);
        "tabFromAscPairs" Row(vec![pair(2, 3), lazy(pair(4, 5))]) => tab(&[(2, 3), (4, 5)]);
        "tabFromAscPairs" Row(vec![]) => tab(&[]);
        "tabFromAscPairs" Row(vec![N(3), Row(vec![lazy(N(7))])]) => tab(&[(0, 0), (7, 0)]);
        "tabFromAscPairs" Row(vec![Crash(9), Crash(8)]) => Crash(8);
        "tabFromAscPairs" Row(vec![pair(2, 3), pair(2, 5)]) => TestValue::FromLaw;
        "tabFromAscPairs" N(5) => TestValue::FromLaw;
        "tabSplitAt" N(1), two() => Row(vec![tab(&[(1, 3)]), tab(&[(2, 4)])]);
        "tabSplitAt" law(), two() => TestValue::FromLaw;
        "tabSplitLT" N(2), two() => Row(vec![tab(&[(1, 3)]), tab(&[(2, 4)])]);
        "tabMap" TestValue::Jet("_Dec"), two() => tab(&[(1, 2), (2, 3)]);
        "tabMapWithKey" add(), two() => tab(&[(1, 4), (2, 6)]);
        "tabUnionWith" add(), two(), tab(&[(0, 1), (2, 5)]) => tab(&[(0, 1), (1, 3), (2, 9)]);
        "tabUnionWith" Crash(9), two(), tab(&[(5, 1)]) => tab(&[(1, 3), (2, 4), (5, 1)]);
        "tabWeld" two(), tab(&[(0, 1), (2, 5)]) => tab(&[(0, 1), (1, 3), (2, 4)]);
        "_TabFilterWithKey" TestValue::Jet("_Mod"), tab(&[(3, 2), (4, 2)]) => tab(&[(3, 2)]);
        "_TabFilterWithKey" N(0), two() => tab(&[]);
    }
}

#[test]
fn values_of_tables_stay_unevaluated() {
    let table = || Tab(vec![(N(1), Crash(9)), (N(2), N(4))]);
    let mut harness = JetHarness::new();
    let calls: [(&str, Vec<TestValue>); 10] = [
        ("tabIns", vec![N(5), Crash(8), table()]),
        ("tabDel", vec![N(2), table()]),
        ("tabPop", vec![table()]),
        ("tabMap", vec![Crash(8), table()]),
        ("tabMapWithKey", vec![Crash(8), table()]),
        ("tabUnionWith", vec![Crash(8), table(), table()]),
        ("tabWeld", vec![table(), table()]),
        ("tabToPairs", vec![table()]),
        ("_TabVals", vec![table()]),
        ("tabSplitAt", vec![N(1), table()]),
    ];
    for (jet, args) in calls {
        assert!(harness.head(jet, &args).is_ok(), "{jet} evaluates values");
    }
}
