//! A row or set that was edited repeatedly equals the value that is built directly from the same
//! items.

use super::{Numbers, vm};
use crate::Vm;
use plan::raw::tree::edit::{self, EditMode};
use plan::raw::tree::{self, LEAF_CAPACITY, TREE_THRESHOLD};
use plan::raw::{HeapFull, RawHeap, Word, compare, equal};
use plan::{EvalError, Items, Ref, Shape, Val, plain, seed};
use std::cmp::Ordering;

fn row(vm: &mut Vm, items: &[u64]) -> Val {
    let items: Vec<Val> = items.iter().map(|&item| vm.nat(item)).collect();
    vm.row(&items).unwrap()
}

fn set(vm: &mut Vm, keys: &[u64]) -> Val {
    let keys = row(vm, keys);
    vm.build(|b| {
        b.push_nat(1)?;
        b.push_nat(2)?;
        b.push(&keys);
        b.law()
    })
    .unwrap()
}

fn tab(vm: &mut Vm, keys: &Val, values: &Val) -> Val {
    vm.build(|b| {
        b.push(keys);
        b.push(values);
        b.tab()
    })
    .unwrap()
}

/// The result of an edit of a value, with another value as operand if there is one.
fn edited(
    vm: &mut Vm,
    val: &Val,
    item: Option<&Val>,
    edit: impl FnOnce(&mut RawHeap, Word, Word) -> Result<Word, HeapFull>,
) -> Val {
    let [val, item] = [val, item.unwrap_or(val)].map(|val| vm.heap.word(val));
    let word = edit(&mut vm.heap, val, item).unwrap();
    vm.heap.handle(word)
}

fn insert(vm: &mut Vm, val: &Val, at: usize, item: u64) -> Val {
    let item = vm.nat(item);
    edited(vm, val, Some(&item), |heap, place, item| {
        edit::insert(heap, place, at, item, EditMode::Copy)
    })
}

fn replace(vm: &mut Vm, val: &Val, at: usize, item: u64) -> Val {
    let item = vm.nat(item);
    edited(vm, val, Some(&item), |heap, place, item| {
        edit::replace(heap, place, at, item, EditMode::Copy)
    })
}

fn remove(vm: &mut Vm, val: &Val, at: usize) -> Val {
    edited(vm, val, None, |heap, place, _| edit::remove(heap, place, at, EditMode::Copy))
}

fn items(value: Ref<'_>) -> Items<'_> {
    match value.shape() {
        Shape::Row(items) | Shape::Set(items) => items,
        _ => panic!("neither row nor set"),
    }
}

fn nats<'h>(items: impl Iterator<Item = Ref<'h>>) -> Vec<u64> {
    items.map(|item| item.as_u64().unwrap()).collect()
}

/// The hash of the value of a call.
fn outcome(vm: &mut Vm, function: &Val, args: &[Val]) -> plan::Hash {
    let call = vm.app(function, args).unwrap();
    let value = vm.force(&call).unwrap();
    vm.hash(&value).expect("small")
}

/// Checks that the value cannot be distinguished from the one that was built directly.
fn check(vm: &mut Vm, val: &Val, made_at_once: &Val, model: &[u64]) {
    let all = items(vm.look(val));
    assert_eq!((all.len(), all.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(nats(all.iter()), model);
    assert!(nats(all.iter().rev()).iter().eq(model.iter().rev()));
    for index in [0, 1, model.len() / 2, model.len().wrapping_sub(1), model.len()] {
        assert_eq!(all.get(index).and_then(Ref::as_u64), model.get(index).copied());
    }
    tree::check(&vm.heap, vm.heap.word(val));
    let (left, right) = (vm.look(val), vm.look(made_at_once));
    assert_eq!(compare(left, right), Ordering::Equal);
    assert!(equal(left, right) && equal(right, left));
    assert_eq!(
        show::value_text(left, show::PrintLimit::DEFAULT),
        show::value_text(right, show::PrintLimit::DEFAULT)
    );
    assert_eq!(vm.hash(val).expect("small"), vm.hash(made_at_once).expect("small"));
    let bytes = seed::save(vm, val).unwrap();
    assert_eq!(bytes, seed::save(vm, made_at_once).unwrap());
    let loaded = seed::load(vm, &bytes).unwrap();
    assert!(equal(vm.look(&loaded), vm.look(val)));
    assert!(plain::to_term(vm.look(val)) == plain::to_term(vm.look(made_at_once)));
    // By evaluation: reflected (as `(0 function argument)`, or a law's parts), and called.
    let (reflect, zero) = (vm.nat(1), vm.nat(0));
    let seen = [val, made_at_once].map(|value| {
        let args = [&zero, &zero, &zero, &zero, value].map(Clone::clone);
        (outcome(vm, &reflect, &args), outcome(vm, value, &[zero.clone(), zero.clone()]))
    });
    assert_eq!(seen[0], seen[1]);
}

/// The position of the next edit: often the first or last.
fn somewhere(numbers: &mut Numbers, len: usize) -> usize {
    match numbers.below(4) {
        0 => 0,
        1 => len.saturating_sub(1),
        _ => numbers.below(len),
    }
}

#[test]
fn a_row_is_normalised_whichever_items_were_replaced_by_thunks() {
    for stress in [false, true] {
        let vm = &mut vm(stress);
        let mut numbers = Numbers(9);
        let items: Vec<u64> = (0..100).collect();
        let original = row(vm, &items);
        let original = vm.force(&original).unwrap();
        let pin = vm.nat(4);
        for _ in 0..200 {
            let (mut value, mut at, mut replaced) = (original.clone(), 0, Vec::new());
            for _ in 0..numbers.below(4) {
                // Often the item that was replaced before.
                at = if numbers.below(2) == 0 { at } else { numbers.below(100) };
                let number = vm.nat(7);
                let item = match numbers.below(3) {
                    0 => number,
                    _ => vm.app(&pin, &[number]).unwrap(),
                };
                value = edited(vm, &value, Some(&item), |heap, place, item| {
                    edit::replace(heap, place, at, item, EditMode::Copy)
                });
                replaced.push(at);
            }
            let value = vm.force(&value).unwrap();
            assert!(vm.look(&value).is_normal());
            for (index, item) in self::items(vm.look(&value)).iter().enumerate() {
                assert!(item.is_normal() && !matches!(item.shape(), Shape::Thunk));
                assert!(replaced.contains(&index) || item.as_u64() == Some(index as u64));
            }
        }
    }
}

fn edit_rows(stress: bool, most: usize, checks: usize) {
    let vm = &mut vm(stress);
    let mut numbers = Numbers(7);
    let mut model: Vec<u64> = Vec::new();
    let mut val = row(vm, &[]);
    let versions = &mut Vec::new();
    for turn in 0..2 * most {
        let grow = if turn < most { 9 } else { 1 };
        let at = somewhere(&mut numbers, model.len());
        if numbers.below(10) < grow || model.is_empty() {
            let at = if numbers.below(2) == 0 { model.len() } else { at };
            model.insert(at, turn as u64);
            val = insert(vm, &val, at, turn as u64);
        } else {
            model.remove(at);
            val = remove(vm, &val, at);
        }
        if !model.is_empty() && numbers.below(4) == 0 {
            let at = somewhere(&mut numbers, model.len());
            model[at] = 1 << 20;
            val = replace(vm, &val, at, 1 << 20);
        }
        if turn % (2 * most / checks) == 0 {
            versions.push((val.clone(), model.clone()));
        }
    }
    for (val, model) in versions {
        let flat = row(vm, model);
        vm.force(&flat).unwrap();
        vm.force(val).unwrap();
        check(vm, val, &flat, model);
    }
}

#[test]
fn edited_rows_are_the_rows_of_their_items() {
    edit_rows(false, 3000, 40);
}

#[test]
fn edited_rows_are_the_rows_of_their_items_under_stress() {
    edit_rows(true, 330, 6);
}

#[test]
fn a_row_in_parts_is_made_flat() {
    for stress in [false, true] {
        let vm = &mut vm(stress);
        for count in [0, 1, TREE_THRESHOLD - 1, TREE_THRESHOLD, 1000] {
            let model: Vec<u64> = (0..count as u64).collect();
            let original = row(vm, &model);
            let original = vm.force(&original).unwrap();
            let grown = insert(vm, &original, count, count as u64);
            let grown = vm.force(&grown).unwrap();
            for (index, leaf) in (0..=count).map(|at| (at, leaf_of(vm, &grown, at))) {
                assert_eq!(leaf, Some(index as u64), "item {index} of {count}");
            }
            assert_eq!(leaf_of(vm, &grown, count + 1), None);
            assert_eq!(leaf_of(vm, &grown, usize::MAX), None);
            let flat = edited(vm, &grown, None, |heap, row, _| {
                heap.stack.push(row);
                let at = heap.stack.top() - 1;
                let flat = tree::flattened(heap, at);
                heap.stack.pop();
                flat
            });
            let [flat_ref, grown_ref] = [&flat, &grown].map(|val| vm.look(val));
            assert!(equal(flat_ref, grown_ref) && flat_ref.is_normal());
            let is_flat = (0..=count).all(|at| items(flat_ref).flat_word(at).is_some());
            assert!(is_flat, "{count} items and one more");
        }
    }
}

/// The item at an index, read from the leaf that has it.
fn leaf_of(vm: &Vm, row: &Val, at: usize) -> Option<u64> {
    let (leaf, start) = tree::leaf_of(&vm.heap, vm.heap.word(row), at)?;
    items(Ref::new(leaf, &vm.heap)).get(at - start)?.as_u64()
}

fn edit_sets(stress: bool, most: usize, checks: usize) {
    let vm = &mut vm(stress);
    let mut numbers = Numbers(11);
    let mut model = std::collections::BTreeSet::new();
    let mut val = set(vm, &[]);
    let versions = &mut Vec::new();
    for turn in 0..2 * most {
        let grow = if turn < most { 9 } else { 1 };
        let key = numbers.below(3 * most) as u64;
        let searched = {
            let key = vm.nat(key);
            items(vm.look(&val)).search(vm.look(&key)).expect("no interrupt is requested")
        };
        assert_eq!(searched.is_ok(), model.contains(&key));
        let (Ok(place) | Err(place)) = searched;
        let among = items(vm.look(&val)).binary_search_by(|other| other.as_u64().cmp(&Some(key)));
        assert_eq!(among, searched);
        assert_eq!(place, model.range(..key).count());
        if numbers.below(10) < grow {
            if model.insert(key) {
                val = insert(vm, &val, place, key);
            }
        } else if !model.is_empty() {
            let at = somewhere(&mut numbers, model.len());
            let key = *model.iter().nth(at).unwrap();
            model.remove(&key);
            val = remove(vm, &val, at);
        }
        if turn % (2 * most / checks) == 0 {
            versions.push((val.clone(), model.iter().copied().collect::<Vec<u64>>()));
        }
    }
    for (val, model) in versions {
        let made = set(vm, model);
        check(vm, val, &made, model);
    }
}

#[test]
fn edited_sets_are_the_sets_of_their_keys() {
    edit_sets(false, 2000, 40);
}

#[test]
fn edited_sets_are_the_sets_of_their_keys_under_stress() {
    edit_sets(true, 250, 6);
}

#[test]
fn sizes_around_the_limits() {
    let vm = &mut vm(false);
    for size in [
        0,
        1,
        LEAF_CAPACITY - 1,
        LEAF_CAPACITY,
        LEAF_CAPACITY + 1,
        2 * LEAF_CAPACITY,
        TREE_THRESHOLD - 1,
        TREE_THRESHOLD,
        TREE_THRESHOLD + 1,
        5000,
    ] {
        let model: Vec<u64> = (0..size as u64).map(|item| 2 * item + 1).collect();
        let (keys, values, at) = (set(vm, &model), row(vm, &model), size / 2);
        let (more, longer) = (insert(vm, &keys, at, 2 * at as u64), insert(vm, &values, at, 1));
        let (more, longer) = (remove(vm, &more, at), remove(vm, &longer, at));
        let (values, longer) = (vm.force(&values).unwrap(), vm.force(&longer).unwrap());
        check(vm, &longer, &values, &model);
        check(vm, &more, &keys, &model);
        let (left, right) = (tab(vm, &keys, &values), tab(vm, &more, &longer));
        let (left, right) = (vm.force(&left).unwrap(), vm.force(&right).unwrap());
        assert!(equal(vm.look(&left), vm.look(&right)));
        assert_eq!(vm.hash(&left).expect("small"), vm.hash(&right).expect("small"));
        assert_eq!(seed::save(vm, &left).unwrap(), seed::save(vm, &right).unwrap());
        assert_eq!(
            show::value_text(vm.look(&left), show::PrintLimit::DEFAULT),
            show::value_text(vm.look(&right), show::PrintLimit::DEFAULT)
        );
    }
}

#[test]
fn tables_are_built_entry_by_entry() {
    for (stress, size) in [(false, 2000), (true, 300)] {
        let vm = &mut vm(stress);
        let mut numbers = Numbers(5);
        let mut model = std::collections::BTreeMap::new();
        let (keys, values) = (set(vm, &[]), row(vm, &[]));
        let mut table = tab(vm, &keys, &values);
        for value in 0..size {
            let key = numbers.below(size as usize) as u64;
            let (key_val, value_val) = (vm.nat(key), vm.nat(value));
            let insert = |b: &mut plan::ValueBuilder<'_>| {
                [&table, &key_val, &value_val].into_iter().for_each(|val| b.push(val));
                b.tab_insert()
            };
            table = vm.build(insert).unwrap();
            model.insert(key, value);
        }
        let keys: Vec<u64> = model.keys().copied().collect();
        let values: Vec<u64> = model.values().copied().collect();
        let (keys, values) = (set(vm, &keys), row(vm, &values));
        let made = tab(vm, &keys, &values);
        let (table, made) = (vm.force(&table).unwrap(), vm.force(&made).unwrap());
        assert!(equal(vm.look(&table), vm.look(&made)));
        assert_eq!(vm.hash(&table).expect("small"), vm.hash(&made).expect("small"));
    }
}

#[test]
fn trees_that_differ_compare_as_flat_ones_do() {
    let vm = &mut vm(false);
    let mut numbers = Numbers(3);
    let model: Vec<u64> = (0..700).collect();
    let base = row(vm, &model);
    let base = insert(vm, &base, 0, 5);
    let base = remove(vm, &base, 0);
    for _ in 0..200 {
        let mut versions = Vec::new();
        for _ in 0..2 {
            let (at, item) = (numbers.below(700), numbers.below(700) as u64);
            let mut other = model.clone();
            other[at] = item;
            let flat = row(vm, &other);
            versions.push((replace(vm, &base, at, item), vm.force(&flat).unwrap()));
        }
        let [(a, flat_a), (b, flat_b)] = &versions[..] else { unreachable!() };
        let order = compare(vm.look(flat_a), vm.look(flat_b));
        for left in [a, flat_a] {
            for right in [b, flat_b] {
                assert_eq!(compare(vm.look(left), vm.look(right)), order);
                assert_eq!(equal(vm.look(left), vm.look(right)), order.is_eq());
            }
        }
    }
}

#[test]
fn normal_nodes_are_not_visited_again() {
    let vm = &mut vm(false);
    let model: Vec<u64> = (0..20_000).collect();
    let flat = row(vm, &model);
    let base = vm.force(&flat).unwrap();
    let val = insert(vm, &base, 10_000, 7);
    let word = vm.heap.word(&val);
    assert!(vm.heap.is_normal(word), "all its items are normal");

    let zero = vm.nat(0);
    let late = vm.app(&zero, &[base.clone(), base.clone(), base.clone()]).unwrap();
    let val = edited(vm, &base, Some(&late), |heap, place, item| {
        edit::insert(heap, place, 10_000, item, EditMode::Copy)
    });
    assert!(!vm.heap.is_normal(vm.heap.word(&val)));
    assert!(
        matches!(vm.force(&val), Err(EvalError::Crash { .. })),
        "the inserted item is evaluated"
    );
    let node = vm.heap.word(&val);
    let fresh = vm.heap.words(node, 0).iter().filter(|part| !vm.heap.is_normal(**part)).count();
    assert_eq!(fresh, 1, "only one node has to be normalised");
}
