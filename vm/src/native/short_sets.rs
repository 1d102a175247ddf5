//! The helpers of compiled code for unions and differences of short sets of nats. The table of helpers
//! in [`helpers`](super::helpers) says what each takes and returns.

use super::UNDECIDED;
use super::helper_result::HelperResult;
use crate::vm::Vm;
use plan::raw::{ObjectLayout, Word};
use std::cmp::Ordering;

/// The most keys of a short set.
const SHORT_SET: usize = 16;

/// The keys of a flat set of few nats below 2^63.
fn short_keys(vm: &Vm, set: Word) -> Option<&[Word]> {
    let keys = vm.heap.words(set, 0);
    let is_short = vm.heap.header(set).layout() == ObjectLayout::Set && keys.len() <= SHORT_SET;
    (is_short && keys.iter().all(|key| key.is_direct())).then_some(keys)
}

/// Whether a set has no keys.
fn is_empty(vm: &Vm, set: Word) -> bool {
    vm.heap.words(set, 0).is_empty()
}

/// Keys of two short sets, ascending.
struct MergedKeys {
    keys: [Word; 2 * SHORT_SET],
    count: usize,
}

impl MergedKeys {
    fn push(&mut self, key: Word) {
        self.keys[self.count] = key;
        self.count += 1;
    }

    /// The set of the keys; one of `known`, sets with these numbers of keys, if it has as many, since all
    /// of its keys or no others are among them.
    fn set(&self, vm: &mut Vm, known: &[(usize, u64)]) -> HelperResult {
        if let Some((_, set)) = known.iter().find(|(count, _)| *count == self.count) {
            return Ok(*set);
        }
        vm.heap.reserve(1 + self.count)?;
        let keys = &self.keys[..self.count];
        Ok(vm.heap.allocate_words(ObjectLayout::Set, 0, keys).raw())
    }
}

pub(super) fn set_union(vm: &mut Vm, left: u64, right: u64) -> HelperResult {
    let (left_set, right_set) = (Word::from_bits(left), Word::from_bits(right));
    if is_empty(vm, right_set) {
        return Ok(left);
    }
    if is_empty(vm, left_set) {
        return Ok(right);
    }
    let (Some(mut a), Some(mut b)) = (short_keys(vm, left_set), short_keys(vm, right_set)) else {
        return Ok(UNDECIDED);
    };
    let known = [(a.len(), left), (b.len(), right)];
    let mut merged = MergedKeys { keys: [Word::ZERO; 2 * SHORT_SET], count: 0 };
    while let (&[x, ref after_x @ ..], &[y, ref after_y @ ..]) = (a, b) {
        merged.push(if x.raw() <= y.raw() { x } else { y });
        (a, b) = match x.raw().cmp(&y.raw()) {
            Ordering::Less => (after_x, b),
            Ordering::Equal => (after_x, after_y),
            Ordering::Greater => (a, after_y),
        };
    }
    a.iter().chain(b).for_each(|key| merged.push(*key));
    merged.set(vm, &known)
}

pub(super) fn set_difference(vm: &mut Vm, left: u64, right: u64) -> HelperResult {
    let (left_set, right_set) = (Word::from_bits(left), Word::from_bits(right));
    if is_empty(vm, right_set) || is_empty(vm, left_set) {
        return Ok(left);
    }
    let (Some(mut a), Some(mut b)) = (short_keys(vm, left_set), short_keys(vm, right_set)) else {
        return Ok(UNDECIDED);
    };
    let known = [(a.len(), left)];
    let mut merged = MergedKeys { keys: [Word::ZERO; 2 * SHORT_SET], count: 0 };
    while let (&[x, ref after_x @ ..], &[y, ref after_y @ ..]) = (a, b) {
        if x.raw() < y.raw() {
            merged.push(x);
        }
        a = if x.raw() <= y.raw() { after_x } else { a };
        b = if x.raw() >= y.raw() { after_y } else { b };
    }
    a.iter().for_each(|key| merged.push(*key));
    merged.set(vm, &known)
}
