//! Sets, tables, rows and bars that were edited over and over, against those made at once.

use super::bench::{Bench, N, Row, Set, Tab, V, nats};
use plan::Val;
use std::collections::{BTreeMap, BTreeSet};

/// Sizes around those at which something becomes a tree, or one level deeper.
const SIZES: &[u64] = &[0, 1, 2, 63, 64, 65, 200, 255, 256, 257, 700, 5000];

/// A number that has little in common with the one before.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

type Model = BTreeMap<u64, u64>;

fn table(model: &Model) -> V {
    Tab(model.iter().map(|(&key, &value)| (N(key), N(value))).collect())
}

fn set<'a>(keys: impl IntoIterator<Item = &'a u64>) -> V {
    Set(nats(keys.into_iter().copied()))
}

impl Bench {
    fn nat(&mut self, nat: u64) -> Val {
        self.vm.nat(nat)
    }

    /// The value is the one that is made at once.
    fn same(&mut self, value: &Val, made: &V) {
        let made = self.make(made);
        let made = self.vm.force(&made).expect("a normal form");
        let (left, right) = (self.vm.look(value), self.vm.look(&made));
        assert!(left.is_equal(right) && left.compare(right).is_eq());
        assert_eq!(self.vm.hash(value).expect("small"), self.vm.hash(&made).expect("small"));
    }

    /// A table of so many entries, made one by one, and what is in it.
    fn grown(&mut self, size: u64, salt: u64) -> (Val, Model) {
        let mut model = Model::new();
        let empty = self.make(&Tab(vec![]));
        let mut table = empty;
        for number in 0..size {
            let key = scattered(number * 2 + salt) % (3 * size);
            let (key_val, value) = (self.nat(key), self.nat(number));
            table = self.call("tabIns", &[&key_val, &value, &table]);
            model.insert(key, number);
        }
        (table, model)
    }
}

/// A law of one argument that gives a nat, which tells `tabAlter` to leave an entry out.
fn nothing() -> V {
    V::LawOf(77, 1, Box::new(N(5)))
}

fn each_size(most: u64, mut check: impl FnMut(&mut Bench, u64)) {
    for &size in SIZES.iter().filter(|size| **size <= most) {
        check(&mut Bench::new(), size);
    }
    for &size in SIZES.iter().filter(|size| **size <= most.min(257)) {
        check(&mut Bench::stressed(), size);
    }
}

#[test]
fn tables_grow_and_shrink() {
    each_size(5000, |bench, size| {
        let (mut tab, mut model) = bench.grown(size, 0);
        bench.same(&tab, &table(&model));
        let nothing = bench.make(&nothing());
        let keys: Vec<u64> = model.keys().copied().collect();
        for number in 0..size + 3 {
            let key = keys.get(scattered(number) as usize % keys.len().max(1)).copied();
            let key = if number % 5 == 0 { number } else { key.unwrap_or(number) };
            let key_val = bench.nat(key);
            let found = bench.call("tabIdx", &[&key_val, &tab]);
            assert_eq!(bench.vm.look(&found).as_u64(), Some(model.get(&key).copied().unwrap_or(0)));
            let has = bench.call("_TabHas", &[&key_val, &tab]);
            assert_eq!(bench.vm.look(&has).as_u64(), Some(u64::from(model.contains_key(&key))));
            tab = bench.call("tabAlter", &[&nothing, &key_val, &tab]);
            model.remove(&key);
        }
        bench.same(&tab, &table(&model));
    });
}

#[test]
fn parts_and_unions_of_tables() {
    each_size(5000, |bench, size| {
        let (tab, model) = bench.grown(size, 0);
        let shown = |bench: &mut Bench, jet, made: V| {
            let value = bench.call(jet, &[&tab]);
            bench.same(&value, &made);
        };
        shown(bench, "_TabKeys", set(model.keys()));
        shown(bench, "_TabVals", Row(nats(model.values().copied())));
        shown(bench, "_TabKeysRow", Row(nats(model.keys().copied())));
        shown(bench, "_TabLen", N(model.len() as u64));
        let pairs = model.iter().map(|(&key, &value)| Row(nats([key, value]))).collect();
        shown(bench, "tabToPairs", Row(pairs));
        for at in [0, 1, size / 2, size, size * 2] {
            let at_val = bench.nat(at);
            let below: Model = model.range(..at).map(|(k, v)| (*k, *v)).collect();
            let above: Model = model.range(at..).map(|(k, v)| (*k, *v)).collect();
            let halves = bench.call("tabSplitLT", &[&at_val, &tab]);
            bench.same(&halves, &Row(vec![table(&below), table(&above)]));
            let first: Model = model.iter().take(at as usize).map(|(k, v)| (*k, *v)).collect();
            let rest: Model = model.iter().skip(at as usize).map(|(k, v)| (*k, *v)).collect();
            let halves = bench.call("tabSplitAt", &[&at_val, &tab]);
            bench.same(&halves, &Row(vec![table(&first), table(&rest)]));
        }
        for other in [0, 1, 5, size / 40, size] {
            let (right, right_model) = bench.grown(other, 1);
            for (left, right, a, b) in
                [(&tab, &right, &model, &right_model), (&right, &tab, &right_model, &model)]
            {
                let mut both = b.clone();
                both.extend(a.iter().map(|(k, v)| (*k, *v)));
                let union = bench.call("tabWeld", &[left, right]);
                bench.same(&union, &table(&both));
                let add = bench.make(&V::Jet("_Add"));
                let union = bench.call("tabUnionWith", &[&add, left, right]);
                for (key, value) in &mut both {
                    if let (Some(x), Some(y)) = (a.get(key), b.get(key)) {
                        *value = x + y;
                    }
                }
                bench.same(&union, &table(&both));
            }
        }
    });
}

#[test]
fn sets_grow_shrink_and_meet() {
    each_size(5000, |bench, size| {
        let mut sets = Vec::new();
        for (size, salt) in [(size, 0), (size, 1), (size / 30, 3)] {
            let mut model = BTreeSet::new();
            let mut val = bench.make(&Set(vec![]));
            for number in 0..size {
                let key = scattered(2 * number + salt) % (2 * size);
                let key_val = bench.nat(key);
                val = bench.call("setIns", &[&key_val, &val]);
                model.insert(key);
                if number % 7 == 0 {
                    let gone = scattered(number) % (2 * size);
                    let gone_val = bench.nat(gone);
                    val = bench.call("setDel", &[&gone_val, &val]);
                    model.remove(&gone);
                }
            }
            bench.same(&val, &set(&model));
            sets.push((val, model));
        }
        for (left, a) in &sets {
            for (right, b) in &sets {
                let union = bench.call("setWeld", &[left, right]);
                bench.same(&union, &set(a.union(b)));
                let common = bench.call("setIntersect", &[left, right]);
                bench.same(&common, &set(a.intersection(b)));
                let rest = bench.call("setSub", &[left, right]);
                bench.same(&rest, &set(a.difference(b)));
                let order = bench.vm.look(left).compare(bench.vm.look(right));
                let last_first =
                    |set: &BTreeSet<u64>| set.iter().rev().copied().collect::<Vec<_>>();
                let sizes = a.len().cmp(&b.len());
                assert_eq!(order, sizes.then_with(|| last_first(a).cmp(&last_first(b))));
            }
        }
    });
}

#[test]
fn rows_grow_at_both_ends() {
    each_size(700, |bench, size| {
        let mut model = std::collections::VecDeque::new();
        let mut row = bench.make(&Row(vec![]));
        let mut versions = Vec::new();
        for number in 0..size {
            let item = bench.nat(number);
            let single = bench.make(&Row(nats([number])));
            row = match number % 5 {
                0 => bench.call("rowCons", &[&item, &row]),
                1 => bench.call("_Weld", &[&single, &row]),
                2 => bench.call("_Weld", &[&row, &single]),
                _ => bench.call("rowSnoc", &[&row, &item]),
            };
            if number % 5 < 2 {
                model.push_front(number)
            } else {
                model.push_back(number)
            }
            if number % 50 == 0 {
                let (at, item) = (bench.nat(number / 3), bench.nat(9));
                row = bench.call("_Put", &[&row, &at, &item]);
                model[number as usize / 3] = 9;
                versions.push((row.clone(), model.clone()));
            }
        }
        versions.push((row, model));
        for (row, model) in versions {
            bench.same(&row, &Row(nats(model.iter().copied())));
            let back = bench.call("_Rev", &[&row]);
            bench.same(&back, &Row(nats(model.iter().rev().copied())));
            for (index, item) in model.iter().enumerate().step_by(37) {
                let index = bench.nat(index as u64);
                let found = bench.call("_Idx", &[&index, &row]);
                assert_eq!(bench.vm.look(&found).as_u64(), Some(*item));
            }
        }
    });
}

#[test]
fn bars_grow_and_older_ones_stay() {
    for mut bench in [Bench::new(), Bench::stressed()] {
        let mut bar = bench.vm.bar(b"").expect("a bar");
        let mut model = Vec::new();
        let mut versions = Vec::new();
        for number in 0..900_u32 {
            let piece = vec![number as u8; (number % 4) as usize];
            let piece_val = bench.vm.bar(&piece).expect("a bar");
            if number % 9 == 0 {
                // Somebody else appends to the same bar.
                let other = bench.vm.bar(b"other").expect("a bar");
                let other = bench.call("barWeld", &[&bar, &other]);
                versions.push((other, [model.as_slice(), b"other"].concat()));
            }
            bar = match number % 3 {
                0 => bench.call("barWeld", &[&bar, &piece_val]),
                _ => {
                    let parts = bench.vm.row(&[bar, piece_val]).expect("a row");
                    bench.call("barCat", &[&parts])
                }
            };
            model.extend_from_slice(&piece);
            versions.push((bar.clone(), model.clone()));
        }
        for (bar, model) in versions {
            assert_eq!(bench.vm.look(&bar).as_bar(), Some(model.as_slice()));
            let flat = bench.vm.bar(&model).expect("a bar");
            assert!(bench.vm.look(&bar).is_equal(bench.vm.look(&flat)));
            assert_eq!(bench.vm.hash(&bar).expect("small"), bench.vm.hash(&flat).expect("small"));
        }
    }
}
