//! Edits in place of an owned table, row or set: no other value changes, and each version is what the
//! same edits of copies would make it.

use super::Numbers;
use crate::Vm;
use plan::HeapOptions;
use plan::raw::tree::edit::{self, EditMode};
use plan::raw::{HeapFull, RawHeap, Word, equal};
use plan::{Items, Shape, Val};
use std::collections::BTreeMap;

/// A runtime that collects at every allocation, or now and then, or (with a nursery of 4 MB) hardly.
fn vm(stress: bool, nursery: usize) -> Vm {
    let options = HeapOptions { nursery, stress, ..HeapOptions::default() };
    Vm::new(options, Default::default()).expect("a small stack can be reserved")
}

/// The nursery of a test with that number.
fn nursery(seed: u64) -> usize {
    if seed.is_multiple_of(3) { 1 << 15 } else { 4 << 20 }
}

fn row(vm: &mut Vm, items: &[Val]) -> Val {
    vm.row(items).unwrap()
}

fn set(vm: &mut Vm, keys: &[Val]) -> Val {
    let keys = row(vm, keys);
    vm.build(|b| {
        b.push_nat(1)?;
        b.push_nat(2)?;
        b.push(&keys);
        b.law()
    })
    .unwrap()
}

/// The table that is made at once.
fn table(vm: &mut Vm, entries: &BTreeMap<u64, Val>) -> Val {
    let keys: Vec<Val> = entries.keys().map(|key| vm.nat(*key)).collect();
    let values: Vec<Val> = entries.values().cloned().collect();
    let (keys, values) = (set(vm, &keys), row(vm, &values));
    vm.build(|b| {
        b.push(&keys);
        b.push(&values);
        b.tab()
    })
    .unwrap()
}

/// A value: a nat, or a thunk of one.
fn value(vm: &mut Vm, numbers: &mut Numbers) -> Val {
    let nat = vm.nat(numbers.below(1 << 20) as u64);
    let increment = vm.nat(3);
    if numbers.below(3) == 0 { vm.app(&increment, &[nat]).unwrap() } else { nat }
}

/// The chain of one owner: the newest version, and whether it may be changed in place.
struct Owner {
    newest: Val,
    mode: EditMode,
}

impl Owner {
    /// The owner of a value from elsewhere.
    fn of(vm: &mut Vm, newest: Val) -> Owner {
        let word = vm.heap.word(&newest);
        vm.heap.disown(word);
        Owner { newest, mode: EditMode::Reuse }
    }

    /// Makes the next version by an edit of the value with operands.
    fn edit<const N: usize>(
        &mut self,
        vm: &mut Vm,
        operands: [&Val; N],
        edit: impl FnOnce(&mut RawHeap, Word, [Word; N], EditMode) -> Result<Word, HeapFull>,
    ) {
        let (newest, operands) =
            (vm.heap.word(&self.newest), operands.map(|val| vm.heap.word(val)));
        let word = edit(&mut vm.heap, newest, operands, self.mode).unwrap();
        self.newest = vm.heap.handle(word);
    }

    /// A reference that others keep from now on.
    fn share(&mut self, vm: &mut Vm) -> Val {
        let word = vm.heap.word(&self.newest);
        vm.heap.disown(word);
        self.newest.clone()
    }
}

/// Checks that two values are equal, before and after they are in normal form, and have one hash.
fn assert_same(vm: &mut Vm, left: &Val, right: &Val) {
    let (left, right) = (vm.force(left).unwrap(), vm.force(right).unwrap());
    assert!(vm.look(&left).is_normal());
    assert!(equal(vm.look(&left), vm.look(&right)));
    plan::raw::tree::check(&vm.heap, vm.heap.word(&left));
    assert_eq!(vm.hash(&left).unwrap(), vm.hash(&right).unwrap());
}

fn position_in_table(vm: &Vm, table: &Val, key: u64) -> Result<usize, usize> {
    match vm.look(table).shape() {
        Shape::Tab(keys, _) => keys.search_nat(key),
        _ => panic!("a table"),
    }
}

fn insert_entry(
    vm: &mut Vm,
    owner: &mut Owner,
    position: Result<usize, usize>,
    key: u64,
    item: &Val,
) {
    let key = vm.nat(key);
    owner.edit(vm, [&key, item], |heap, table, [key, item], mode| {
        edit::insert_in_table(heap, (table, key, item), position, mode)
    });
}

fn remove_entry(vm: &mut Vm, owner: &mut Owner, at: usize) {
    owner.edit(vm, [], |heap, table, [], mode| edit::remove_from_table(heap, table, at, mode));
}

/// Whether entries are only removed in that turn.
fn is_shrinking(turn: usize) -> bool {
    turn % 1000 >= 700
}

fn edit_tables(stress: bool, seed: u64, turns: usize, keys: usize) {
    let vm = &mut vm(stress, nursery(seed));
    let mut numbers = Numbers(seed);
    let mut model: BTreeMap<u64, Val> = BTreeMap::new();
    let empty = table(vm, &model);
    let mut owner = Owner::of(vm, empty);
    let mut shared = Vec::new();
    for turn in 0..turns {
        let key = match numbers.below(3) {
            0 => turn as u64,
            _ => numbers.below(keys) as u64,
        };
        let item = value(vm, &mut numbers);
        let position = position_in_table(vm, &owner.newest, key);
        assert_eq!(position.is_ok(), model.contains_key(&key));
        if let Ok(at) = position
            && (numbers.below(3) > 0 || is_shrinking(turn))
        {
            remove_entry(vm, &mut owner, at);
            model.remove(&key);
        } else if is_shrinking(turn) {
            if let Some(key) = model.keys().nth(numbers.below(model.len().max(1))).copied() {
                let at = position_in_table(vm, &owner.newest, key).expect("the model has the key");
                remove_entry(vm, &mut owner, at);
                model.remove(&key);
            }
        } else {
            insert_entry(vm, &mut owner, position, key, &item);
            model.insert(key, item);
        }
        if numbers.below(60) == 0 {
            let version = owner.share(vm);
            shared.push((version.clone(), model.clone()));
            // Another owner edits the same version, and its own versions are not seen here.
            let mut other = Owner::of(vm, version);
            let zero = vm.nat(0);
            for key in 0..numbers.below(20) as u64 {
                match position_in_table(vm, &other.newest, key) {
                    Ok(at) if key % 2 == 0 => remove_entry(vm, &mut other, at),
                    position => insert_entry(vm, &mut other, position, key, &zero),
                }
            }
        }
        if numbers.below(200) == 0 {
            // In normal form, a version that is shared stays so.
            let version = owner.share(vm);
            let forced = vm.force(&version).unwrap();
            owner = Owner::of(vm, forced);
        }
        if numbers.below(300) == 0 {
            vm.collect();
        }
    }
    shared.push((owner.share(vm), model));
    for (version, model) in shared {
        let made = table(vm, &model);
        assert_same(vm, &version, &made);
    }
}

#[test]
fn owned_tables_have_the_entries_of_copies() {
    for seed in 0..12 {
        edit_tables(false, seed, 1500, [20, 90, 300, 5000][seed as usize % 4]);
    }
    edit_tables(true, 5, 300, 100);
}

/// A table whose values are a long flat row gets a tree of them with the first edit.
#[test]
fn tables_with_long_flat_rows_are_edited() {
    for stress in [false, true] {
        let vm = &mut vm(stress, 1 << 15);
        let entries: Vec<(u64, Val)> = (0..300).map(|key| (2 * key, vm.nat(key))).collect();
        let model: BTreeMap<u64, Val> = entries.into_iter().collect();
        let first = table(vm, &model);
        let item = vm.nat(7);
        for (key, removes) in [(5, false), (6, false), (6, true)] {
            let mut owner = Owner::of(vm, first.clone());
            let mut expected = model.clone();
            match position_in_table(vm, &first, key) {
                Ok(at) if removes => {
                    remove_entry(vm, &mut owner, at);
                    expected.remove(&key);
                }
                position => {
                    insert_entry(vm, &mut owner, position, key, &item);
                    expected.insert(key, item.clone());
                }
            }
            let (version, made) = (owner.share(vm), table(vm, &expected));
            assert_same(vm, &version, &made);
        }
        let again = table(vm, &model);
        assert_same(vm, &first, &again);
    }
}

fn remove_key(vm: &mut Vm, owner: &mut Owner, at: usize) {
    owner.edit(vm, [], |heap, set, [], mode| edit::remove(heap, set, at, mode));
}

fn edit_sets(stress: bool, seed: u64, turns: usize) {
    let vm = &mut vm(stress, nursery(seed));
    let mut numbers = Numbers(seed);
    let mut model = std::collections::BTreeSet::new();
    let empty = set(vm, &[]);
    let mut owner = Owner::of(vm, empty);
    let mut shared = Vec::new();
    for turn in 0..turns {
        let key = if seed.is_multiple_of(2) { numbers.below(4 * turns) } else { turn } as u64;
        let word = vm.heap.word(&owner.newest);
        let position = Items::of(word, &vm.heap).search_nat(key);
        assert_eq!(position.is_ok(), model.contains(&key));
        match position {
            Ok(at) => {
                remove_key(vm, &mut owner, at);
                model.remove(&key);
            }
            Err(_) if is_shrinking(turn) && !model.is_empty() => {
                let at = numbers.below(model.len());
                let key = *model.iter().nth(at).unwrap();
                remove_key(vm, &mut owner, at);
                model.remove(&key);
            }
            Err(at) => {
                let key_value = vm.nat(key);
                owner.edit(vm, [&key_value], |heap, set, [key], mode| {
                    edit::insert(heap, set, at, key, mode)
                });
                model.insert(key);
            }
        }
        if numbers.below(40) == 0 {
            shared.push((owner.share(vm), model.clone()));
        }
        if numbers.below(300) == 0 {
            vm.collect();
        }
    }
    shared.push((owner.share(vm), model));
    for (version, model) in shared {
        let keys: Vec<Val> = model.iter().map(|key| vm.nat(*key)).collect();
        let made = set(vm, &keys);
        assert_same(vm, &version, &made);
    }
}

#[test]
fn owned_sets_have_the_keys_of_copies() {
    for seed in 0..6 {
        edit_sets(false, seed, 1200);
    }
    edit_sets(true, 2, 250);
}

fn edit_rows(stress: bool, seed: u64, length: usize) {
    let vm = &mut vm(stress, nursery(seed));
    let mut numbers = Numbers(seed);
    let mut model: Vec<Val> = (0..length).map(|_| value(vm, &mut numbers)).collect();
    let first = row(vm, &model);
    let mut shared = vec![(first.clone(), model.clone())];
    let mut owner = Owner::of(vm, first);
    for _ in 0..600 {
        let (at, item) = (numbers.below(length), value(vm, &mut numbers));
        owner.edit(vm, [&item], |heap, row, [item], mode| edit::replace(heap, row, at, item, mode));
        model[at] = item;
        if numbers.below(40) == 0 {
            let version = owner.share(vm);
            if numbers.below(2) == 0 {
                vm.force(&version).unwrap();
            }
            shared.push((version, model.clone()));
        }
    }
    shared.push((owner.share(vm), model));
    for (version, model) in shared {
        let made = row(vm, &model);
        assert_same(vm, &version, &made);
    }
}

#[test]
fn owned_rows_have_the_items_of_copies() {
    for (seed, length) in [1, 3, 17, 100, 255, 256, 2000].into_iter().enumerate() {
        edit_rows(false, seed as u64, length);
        edit_rows(true, seed as u64, length.min(300));
    }
}

/// An edit after a young collection changes the nodes that edits before it have made, and one after a full
/// collection, or of a version that is shared, copies them.
#[test]
fn owners_keep_their_nodes_over_young_collections() {
    let vm = &mut vm(false, 4 << 20);
    for length in [100, 2000] {
        let items: Vec<Val> = (0..length).map(|nat| vm.nat(nat)).collect();
        let first = row(vm, &items);
        let mut owner = Owner::of(vm, first);
        let put = |vm: &mut Vm, owner: &mut Owner| {
            let before = vm.heap.word(&owner.newest);
            let item = vm.nat(7);
            owner.edit(vm, [&item], |heap, row, [item], mode| {
                edit::replace(heap, row, 5, item, mode)
            });
            vm.heap.word(&owner.newest) == before
        };
        assert!(!put(vm, &mut owner), "the first version is copied");
        assert!(put(vm, &mut owner));
        for _ in 0..3 {
            vm.heap.collect_young();
            assert!(put(vm, &mut owner), "{length}");
        }
        let version = owner.share(vm);
        assert!(!put(vm, &mut owner), "a shared version is copied");
        assert!(put(vm, &mut owner));
        vm.heap.collect_all();
        assert!(!put(vm, &mut owner), "a full collection removes the marks");
        assert_eq!(vm.look(&version).as_row().map(|row| row.len()), Some(length as usize));
    }
}

/// What is known of the only value that may not be normal does not hold after an entry before it is
/// inserted or removed in place.
#[test]
fn a_value_that_an_edit_in_place_moves_is_still_normalised() {
    for removes in [false, true] {
        let vm = &mut vm(false, 4 << 20);
        let nat = vm.nat(1);
        let model: BTreeMap<u64, Val> = (1..8).map(|key| (key, nat.clone())).collect();
        let first = table(vm, &model);
        let first = vm.force(&first).unwrap();
        let mut owner = Owner::of(vm, first);
        let increment = vm.nat(3);
        let late = vm.app(&increment, std::slice::from_ref(&nat)).unwrap();
        insert_entry(vm, &mut owner, Ok(4), 5, &late);
        let before = vm.heap.word(&owner.newest);
        if removes {
            remove_entry(vm, &mut owner, 0);
        } else {
            insert_entry(vm, &mut owner, Err(0), 0, &nat);
        }
        assert_eq!(vm.heap.word(&owner.newest), before, "the table is changed in place");
        let version = owner.share(vm);
        let version = vm.force(&version).unwrap();
        let Shape::Tab(_, values) = vm.look(&version).shape() else { panic!("a table") };
        assert!(values.iter().all(|value| value.is_normal()));
    }
}
