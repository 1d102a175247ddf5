//! Sets, tables, rows and bars built by many edits equal those built in one step.

use super::harness::{Apply, JetHarness, N, Row, Set, Tab, TestValue, nats};
use plan::Val;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Sizes around those at which a flat collection becomes a tree, or a tree gets deeper.
const SIZES: &[u64] = &[0, 1, 2, 63, 64, 65, 200, 255, 256, 257, 700, 5000];

type ListModel = BTreeMap<u64, u64>;

fn table(model: &ListModel) -> TestValue {
    Tab(model.iter().map(|(&key, &value)| (N(key), N(value))).collect())
}

fn set<'a>(keys: impl IntoIterator<Item = &'a u64>) -> TestValue {
    Set(nats(keys.into_iter().copied()))
}

impl JetHarness {
    fn nat(&mut self, nat: u64) -> Val {
        self.vm.nat(nat)
    }

    /// Asserts that the value equals `made`, and has the same hash.
    fn assert_same(&mut self, value: &Val, made: &TestValue) {
        let made = self.make(made);
        let made = self.vm.force(&made).expect("a normal form");
        let (left, right) = (self.vm.look(value), self.vm.look(&made));
        assert!(left.is_equal(right) && left.compare(right).is_eq());
        assert_eq!(self.vm.hash(value).expect("small"), self.vm.hash(&made).expect("small"));
    }

    /// A table of `size` random entries inserted one by one, and its model.
    fn grown(&mut self, size: u64, seed: u64) -> (Val, ListModel) {
        let mut model = ListModel::new();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut table = self.make(&Tab(vec![]));
        for number in 0..size {
            let key = random.u64(..3 * size);
            let (key_val, value) = (self.nat(key), self.nat(number));
            table = self.call("tabIns", &[&key_val, &value, &table]);
            model.insert(key, number);
        }
        (table, model)
    }
}

/// A law of one argument that returns a nat, which makes `tabAlter` remove an entry.
fn remove_entry() -> TestValue {
    TestValue::LawOf(77, 1, Box::new(N(5)))
}

fn each_size(most: u64, mut check: impl FnMut(&mut JetHarness, u64)) {
    for &size in SIZES.iter().filter(|size| **size <= most) {
        check(&mut JetHarness::new(), size);
    }
    for &size in SIZES.iter().filter(|size| **size <= most.min(257)) {
        check(&mut JetHarness::stressed(), size);
    }
}

#[test]
fn tables_grow_and_shrink() {
    each_size(5000, |harness, size| {
        let (mut tab, mut model) = harness.grown(size, 0);
        harness.assert_same(&tab, &table(&model));
        let remove = harness.make(&remove_entry());
        let mut random = fastrand::Rng::with_seed(size);
        let keys: Vec<u64> = model.keys().copied().collect();
        for number in 0..size + 3 {
            let known = random.choice(&keys).copied();
            let key = if number % 5 == 0 { number } else { known.unwrap_or(number) };
            let key_val = harness.nat(key);
            let found = harness.call("tabIdx", &[&key_val, &tab]);
            assert_eq!(
                harness.vm.look(&found).as_u64(),
                Some(model.get(&key).copied().unwrap_or(0))
            );
            let has = harness.call("_TabHas", &[&key_val, &tab]);
            assert_eq!(harness.vm.look(&has).as_u64(), Some(u64::from(model.contains_key(&key))));
            tab = harness.call("tabAlter", &[&remove, &key_val, &tab]);
            model.remove(&key);
        }
        harness.assert_same(&tab, &table(&model));
    });
}

#[test]
fn parts_and_unions_of_tables() {
    each_size(5000, |harness, size| {
        let (tab, model) = harness.grown(size, 0);
        let shown = |harness: &mut JetHarness, jet, made: TestValue| {
            let value = harness.call(jet, &[&tab]);
            harness.assert_same(&value, &made);
        };
        shown(harness, "_TabKeys", set(model.keys()));
        shown(harness, "_TabVals", Row(nats(model.values().copied())));
        shown(harness, "_TabKeysRow", Row(nats(model.keys().copied())));
        shown(harness, "_TabLen", N(model.len() as u64));
        let pairs = model.iter().map(|(&key, &value)| Row(nats([key, value]))).collect();
        shown(harness, "tabToPairs", Row(pairs));
        for at in [0, 1, size / 2, size, size * 2] {
            let at_val = harness.nat(at);
            let below: ListModel = model.range(..at).map(|(k, v)| (*k, *v)).collect();
            let above: ListModel = model.range(at..).map(|(k, v)| (*k, *v)).collect();
            let halves = harness.call("tabSplitLT", &[&at_val, &tab]);
            harness.assert_same(&halves, &Row(vec![table(&below), table(&above)]));
            let first: ListModel = model.iter().take(at as usize).map(|(k, v)| (*k, *v)).collect();
            let rest: ListModel = model.iter().skip(at as usize).map(|(k, v)| (*k, *v)).collect();
            let halves = harness.call("tabSplitAt", &[&at_val, &tab]);
            harness.assert_same(&halves, &Row(vec![table(&first), table(&rest)]));
        }
        for other in [0, 1, 5, size / 40, size] {
            let (right, right_model) = harness.grown(other, 1);
            for (left, right, a, b) in
                [(&tab, &right, &model, &right_model), (&right, &tab, &right_model, &model)]
            {
                let mut both = b.clone();
                both.extend(a.iter().map(|(k, v)| (*k, *v)));
                let union = harness.call("tabWeld", &[left, right]);
                harness.assert_same(&union, &table(&both));
                let add = harness.make(&TestValue::Jet("_Add"));
                let union = harness.call("tabUnionWith", &[&add, left, right]);
                for (key, value) in &mut both {
                    if let (Some(x), Some(y)) = (a.get(key), b.get(key)) {
                        *value = x + y;
                    }
                }
                harness.assert_same(&union, &table(&both));
            }
        }
    });
}

#[test]
fn sets_grow_shrink_and_meet() {
    each_size(5000, |harness, size| {
        let mut sets = Vec::new();
        for (size, seed) in [(size, 0), (size, 1), (size / 30, 3)] {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut model = BTreeSet::new();
            let mut val = harness.make(&Set(vec![]));
            for number in 0..size {
                let key = random.u64(..2 * size);
                let key_val = harness.nat(key);
                val = harness.call("setIns", &[&key_val, &val]);
                model.insert(key);
                if number % 7 == 0 {
                    let gone = random.u64(..2 * size);
                    let gone_val = harness.nat(gone);
                    val = harness.call("setDel", &[&gone_val, &val]);
                    model.remove(&gone);
                }
            }
            harness.assert_same(&val, &set(&model));
            sets.push((val, model));
        }
        for (left, a) in &sets {
            for (right, b) in &sets {
                let union = harness.call("setWeld", &[left, right]);
                harness.assert_same(&union, &set(a.union(b)));
                let common = harness.call("setIntersect", &[left, right]);
                harness.assert_same(&common, &set(a.intersection(b)));
                let rest = harness.call("setSub", &[left, right]);
                harness.assert_same(&rest, &set(a.difference(b)));
                let order = harness.vm.look(left).compare(harness.vm.look(right));
                let last_first =
                    |set: &BTreeSet<u64>| set.iter().rev().copied().collect::<Vec<_>>();
                let sizes = a.len().cmp(&b.len());
                assert_eq!(order, sizes.then_with(|| last_first(a).cmp(&last_first(b))));
            }
        }
    });
}

#[test]
fn short_sets_merge_as_sets_do() {
    for mut harness in [JetHarness::new(), JetHarness::stressed()] {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..40 {
            // Up to two keys more than a short set has, and keys that are no small nats.
            let limit = if round % 3 == 0 { u64::MAX } else { 24 };
            let mut keys = || -> BTreeSet<u64> {
                (0..random.usize(..19)).map(|_| random.u64(..limit)).collect()
            };
            let (a, b) = (keys(), keys());
            let [left, right] = [&a, &b].map(|keys| harness.make(&set(keys)));
            let union = harness.call("setWeld", &[&left, &right]);
            harness.assert_same(&union, &set(a.union(&b)));
            let common = harness.call("setIntersect", &[&left, &right]);
            harness.assert_same(&common, &set(a.intersection(&b)));
            let rest = harness.call("setSub", &[&left, &right]);
            harness.assert_same(&rest, &set(a.difference(&b)));
        }
    }
}

#[test]
fn rows_grow_at_both_ends() {
    each_size(700, |harness, size| {
        let mut model = std::collections::VecDeque::new();
        let mut row = harness.make(&Row(vec![]));
        let mut versions = Vec::new();
        for number in 0..size {
            let item = harness.nat(number);
            let single = harness.make(&Row(nats([number])));
            row = match number % 5 {
                0 => harness.call("rowCons", &[&item, &row]),
                1 => harness.call("_Weld", &[&single, &row]),
                2 => harness.call("_Weld", &[&row, &single]),
                _ => harness.call("rowSnoc", &[&row, &item]),
            };
            if number % 5 < 2 {
                model.push_front(number)
            } else {
                model.push_back(number)
            }
            if number % 50 == 0 {
                let (at, item) = (harness.nat(number / 3), harness.nat(9));
                row = harness.call("_Put", &[&row, &at, &item]);
                model[number as usize / 3] = 9;
                versions.push((row.clone(), model.clone()));
            }
        }
        versions.push((row, model));
        for (row, model) in versions {
            harness.assert_same(&row, &Row(nats(model.iter().copied())));
            let back = harness.call("_Rev", &[&row]);
            harness.assert_same(&back, &Row(nats(model.iter().rev().copied())));
            for (index, item) in model.iter().enumerate().step_by(37) {
                let index = harness.nat(index as u64);
                let found = harness.call("_Idx", &[&index, &row]);
                assert_eq!(harness.vm.look(&found).as_u64(), Some(*item));
            }
        }
    });
}

#[test]
fn bars_grow_and_older_versions_stay() {
    for mut harness in [JetHarness::new(), JetHarness::stressed()] {
        let mut bar = harness.vm.bar(b"").expect("a bar");
        let mut model = Vec::new();
        let mut versions = Vec::new();
        for number in 0..900_u32 {
            let piece = vec![number as u8; (number % 4) as usize];
            let piece_val = harness.vm.bar(&piece).expect("a bar");
            if number % 9 == 0 {
                // A second append to the same bar must not change the first.
                let other = harness.vm.bar(b"other").expect("a bar");
                let other = harness.call("barWeld", &[&bar, &other]);
                versions.push((other, [model.as_slice(), b"other"].concat()));
            }
            bar = match number % 3 {
                0 => harness.call("barWeld", &[&bar, &piece_val]),
                _ => {
                    let parts = harness.vm.row(&[bar, piece_val]).expect("a row");
                    harness.call("barCat", &[&parts])
                }
            };
            model.extend_from_slice(&piece);
            versions.push((bar.clone(), model.clone()));
        }
        for (bar, model) in versions {
            assert_eq!(harness.vm.look(&bar).as_bar(), Some(model.as_slice()));
            let flat = harness.vm.bar(&model).expect("a bar");
            assert!(harness.vm.look(&bar).is_equal(harness.vm.look(&flat)));
            assert_eq!(
                harness.vm.hash(&bar).expect("small"),
                harness.vm.hash(&flat).expect("small")
            );
        }
    }
}

/// A random range of a bar of that length.
fn random_range(random: &mut fastrand::Rng, length: usize) -> Range<usize> {
    let from = random.usize(..=length);
    from..random.usize(from..=length)
}

#[test]
fn parts_of_long_bars_are_bars_like_any_other() {
    for (mut harness, rounds) in [(JetHarness::new(), 600), (JetHarness::stressed(), 60)] {
        let mut random = fastrand::Rng::with_seed(7);
        let all: Vec<u8> = (0..2000_u32).map(|at| (at % 251) as u8).collect();
        let mut bar = harness.vm.bar(&all).expect("a bar");
        let mut model = all.clone();
        for round in 0..rounds {
            if model.len() < 100 {
                bar = harness.vm.bar(&all).expect("a bar");
                model = all.clone();
            }
            let range = random_range(&mut random, model.len());
            let [from, width] = [range.start, range.len()].map(|nat| harness.nat(nat as u64));
            match random.u8(..4) {
                0 => {
                    bar = harness.call("barDrop", &[&from, &bar]);
                    model.drain(..range.start);
                }
                1 => {
                    bar = harness.call("barTake", &[&width, &bar]);
                    model.truncate(range.len());
                }
                2 => {
                    bar = harness.call("barSlice", &[&from, &width, &bar]);
                    model = model[range].to_vec();
                }
                _ => {
                    let part = harness.call("barSlice", &[&from, &width, &bar]);
                    bar = harness.call("barWeld", &[&bar, &part]);
                    model.extend_from_within(range);
                    model.truncate(3000);
                    let limit = harness.nat(3000);
                    bar = harness.call("barTake", &[&limit, &bar]);
                }
            }
            assert_eq!(harness.vm.look(&bar).as_bar(), Some(model.as_slice()), "round {round}");
            check_readers(&mut harness, &bar, &model);
        }
    }
}

/// Compares what jets read of a bar with the same of a flat bar.
fn check_readers(harness: &mut JetHarness, bar: &Val, model: &[u8]) {
    let flat = harness.vm.bar(model).expect("a bar");
    assert!(harness.vm.look(bar).is_equal(harness.vm.look(&flat)));
    assert_eq!(harness.vm.hash(bar).expect("small"), harness.vm.hash(&flat).expect("small"));
    let [a, b] = [bar, &flat].map(|bar| plan::seed::save(&harness.vm, bar).expect("small"));
    assert_eq!(a, b);
    let (byte, from) = (harness.nat(250), harness.nat(model.len() as u64 / 3));
    let separator = harness.make(&Apply(vec![TestValue::Jet("_Eql"), N(200)]));
    let calls: [(&str, &[&Val]); 8] = [
        ("barLen", &[]),
        ("barNat", &[]),
        ("barToRow", &[]),
        ("barIdx", &[&from]),
        ("_BarSliceToNat", &[&from, &byte]),
        ("barElemIndexOff", &[&byte, &from]),
        ("barElemIndexEnd", &[&byte]),
        ("barSplitWith", &[&separator]),
    ];
    for (jet, args) in calls {
        let [a, b] = [bar, &flat].map(|bar| {
            let args = [args, &[bar]].concat();
            let result = harness.call(jet, &args);
            harness.vm.force(&result).expect("it does not crash")
        });
        assert!(harness.vm.look(&a).is_equal(harness.vm.look(&b)), "{jet}");
    }
}
