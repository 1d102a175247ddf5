//! The helpers of compiled code for unions and differences of sets of nats, one of which is short. The table of
//! helpers in [`helpers`](super::helpers) says what each takes and returns.

use super::UNDECIDED;
use super::helper_result::{HelperError, HelperResult};
use crate::vm::Vm;
use plan::raw::tree::edit::EditMode;
use plan::raw::tree::{self, LEAF_CAPACITY};
use plan::raw::{ObjectLayout, Word};
use plan::{EvalError, Items};

/// The most keys that are inserted one by one into a long set.
const INSERTED_MAX: usize = 4;

/// Whether a set has no keys.
fn is_empty(vm: &Vm, set: Word) -> bool {
    vm.heap.words(set, 0).is_empty()
}

/// The keys of a set in one object.
#[inline]
fn flat_keys(vm: &Vm, set: Word) -> Option<&[Word]> {
    (vm.heap.header(set).layout() == ObjectLayout::Set).then(|| vm.heap.words(set, 0))
}

/// The keys of a set in one object, if they are nats below 2^63. Such keys come before all others.
#[inline]
fn short_keys(vm: &Vm, set: Word) -> Option<&[Word]> {
    flat_keys(vm, set).filter(|keys| keys.last().is_some_and(|last| last.is_direct()))
}

/// Makes room for a set of `count` keys. Changes the two sets to what they are then.
#[inline(always)]
fn make_room(vm: &mut Vm, sets: &mut [Word; 2], count: usize) -> Result<(), HelperError> {
    if vm.heap.has_room(1 + count) { Ok(()) } else { collect(vm, sets, count) }
}

#[cold]
fn collect(vm: &mut Vm, sets: &mut [Word; 2], count: usize) -> Result<(), HelperError> {
    if !vm.heap.stack.has_room(8) {
        return Err(EvalError::StackOverflow.into());
    }
    sets.iter().for_each(|set| vm.heap.stack.push(*set));
    let reserved = vm.heap.reserve(1 + count);
    sets.iter_mut().rev().for_each(|set| *set = vm.heap.stack.pop());
    Ok(reserved?)
}

pub(super) fn set_union(vm: &mut Vm, left: u64, right: u64) -> HelperResult {
    let (left_set, right_set) = (Word::from_bits(left), Word::from_bits(right));
    if is_empty(vm, right_set) {
        return Ok(left);
    }
    if is_empty(vm, left_set) {
        return Ok(right);
    }
    match (short_keys(vm, left_set), short_keys(vm, right_set)) {
        (Some(a), Some(b)) => {
            let counts = [a.len(), b.len()];
            union_of_short(vm, [left_set, right_set], counts)
        }
        (Some(_), None) => with_short(vm, right_set, left_set),
        (None, Some(_)) => with_short(vm, left_set, right_set),
        (None, None) => Ok(UNDECIDED),
    }
}

/// The union of two short sets of so many keys; one of the two, if it has all keys.
#[inline]
fn union_of_short(vm: &mut Vm, mut sets: [Word; 2], [a, b]: [usize; 2]) -> HelperResult {
    make_room(vm, &mut sets, a + b)?;
    let [left, right] = sets;
    let mut made = vm.heap.allocate(ObjectLayout::Set, 0, a + b);
    let (left_keys, right_keys) = (vm.heap.words(left, 0), vm.heap.words(right, 0));
    let (mut l, mut r, mut count) = (0, 0, 0);
    while let (Some(x), Some(y)) = (left_keys.get(l), right_keys.get(r)) {
        made.set_raw(count, x.raw().min(y.raw()));
        l += usize::from(x.raw() <= y.raw());
        r += usize::from(y.raw() <= x.raw());
        count += 1;
    }
    for rest in [&left_keys[l..], &right_keys[r..]] {
        made.copy_from(count, rest);
        count += rest.len();
    }
    if count == a || count == b {
        vm.heap.discard(made);
        return Ok(if count == a { left } else { right }.raw());
    }
    if count > LEAF_CAPACITY {
        vm.heap.discard(made);
        return Ok(UNDECIDED);
    }
    Ok(vm.heap.shorten(made, count).raw())
}

/// The union of a set with a short one of which it lacks few keys.
#[inline(never)]
fn with_short(vm: &mut Vm, mut set: Word, short: Word) -> HelperResult {
    let mut missing = [0; INSERTED_MAX];
    let mut count = 0;
    let keys = Items::of(set, &vm.heap);
    for nat in vm.heap.words(short, 0).iter().filter_map(|key| key.as_direct()) {
        if keys.search_nat(nat).is_err() {
            let Some(slot) = missing.get_mut(count) else { return Ok(UNDECIDED) };
            *slot = nat;
            count += 1;
        }
    }
    if !vm.heap.stack.has_room(8) {
        return Err(EvalError::StackOverflow.into());
    }
    for nat in &missing[..count] {
        if let Err(at) = Items::of(set, &vm.heap).search_nat(*nat) {
            set = tree::edit::insert(&mut vm.heap, set, at, Word::direct(*nat), EditMode::Copy)?;
        }
    }
    Ok(set.raw())
}

pub(super) fn set_difference(vm: &mut Vm, left: u64, right: u64) -> HelperResult {
    let mut sets = [Word::from_bits(left), Word::from_bits(right)];
    if is_empty(vm, sets[1]) || is_empty(vm, sets[0]) {
        return Ok(left);
    }
    let Some(count) = short_keys(vm, sets[0]).map(<[Word]>::len) else {
        let Some(removed) = short_keys(vm, sets[1]) else { return Ok(UNDECIDED) };
        let keys = Items::of(sets[0], &vm.heap);
        let mut removed = removed.iter().filter_map(|key| key.as_direct());
        let has_any = removed.any(|nat| keys.search_nat(nat).is_ok());
        return Ok(if has_any { UNDECIDED } else { left });
    };
    make_room(vm, &mut sets, count)?;
    let mut made = vm.heap.allocate(ObjectLayout::Set, 0, count);
    let keys = vm.heap.words(sets[0], 0);
    let mut kept = 0;
    match flat_keys(vm, sets[1]) {
        Some(removed) => {
            let mut r = 0;
            for key in keys {
                while removed.get(r).is_some_and(|other| other.raw() < key.raw()) {
                    r += 1;
                }
                made.set(kept, *key);
                kept += usize::from(removed.get(r) != Some(key));
            }
        }
        None => {
            let removed = Items::of(sets[1], &vm.heap);
            for nat in keys.iter().filter_map(|key| key.as_direct()) {
                made.set(kept, Word::direct(nat));
                kept += usize::from(removed.search_nat(nat).is_err());
            }
        }
    }
    if kept == count {
        vm.heap.discard(made);
        return Ok(sets[0].raw());
    }
    Ok(vm.heap.shorten(made, kept).raw())
}
