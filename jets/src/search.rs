//! Binary search for a key whose parts may be unevaluated.
//!
//! The laws compare the key with all keys of a set, from the first to the last. Binary search
//! evaluates exactly the same parts of the key: comparison is lexicographic, so among ascending
//! keys the neighbours of the key's position share the longest prefix with it, and both searches
//! compare the key with these neighbours. An empty set is searched without evaluating the key.

use crate::args::{Suspendable, evaluate, ready};
use crate::declare::{Jet, JetResult, native};
use crate::order::{EVALUATED_PARTS, compare};
use plan::{EvalError, Items, Ref, Shape};
use std::cmp::Ordering;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::ResultShape::Nat;
use vm::jet::{JetAnswer, JetCall, PartialComparison};

pub(crate) const JETS: &[Jet] = &[native("bsearch", &[Lazy, Head], bsearch).returns(Nat)];

/// A key with no more parts than this that are all evaluated is normalised before it is compared:
/// values in normal form are compared without the evaluator.
const KEY_PARTS: usize = 64;

/// The position of a key in an ascending list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyPosition {
    /// The key is at this index.
    Found(usize),
    /// The key is missing; inserting it at this index keeps the order.
    Missing(usize),
}

impl From<Result<usize, usize>> for KeyPosition {
    fn from(position: Result<usize, usize>) -> KeyPosition {
        position.map_or_else(KeyPosition::Missing, KeyPosition::Found)
    }
}

/// Searches the row or set at index `keys` for the value at index `key`.
pub(crate) fn search(call: &mut JetCall<'_>, key: usize, keys: usize) -> Suspendable<KeyPosition> {
    let is_set = matches!(call.at(keys).shape(), Shape::Set(_));
    if call.at(key).is_normal()
        && let Some(position) = search_set(call, key, keys)?
    {
        return Ok(Some(position));
    }
    for _ in 0..if is_set { EVALUATED_PARTS } else { 0 } {
        let height = call.height();
        match call.search_evaluated(key, keys)? {
            PartialComparison::Known(position) => return Ok(Some(position.into())),
            PartialComparison::Unsupported => break,
            PartialComparison::Unevaluated if evaluate(call, height)?.is_none() => return Ok(None),
            PartialComparison::Unevaluated => call.drop_to(height),
        }
    }
    let Some(items) = items(call.at(keys)) else { unreachable!("only rows and sets are searched") };
    let (mut low, mut end) = (0, items.len());
    while low < end {
        // A comparison may have evaluated the key.
        if call.normalise_evaluated(key, KEY_PARTS)?
            && let Some(position) = search_set(call, key, keys)?
        {
            return Ok(Some(position));
        }
        let middle = usize::midpoint(low, end);
        let Some(order) = compare_item(call, key, keys, middle)? else { return Ok(None) };
        match order {
            Ordering::Less => end = middle,
            Ordering::Equal => return Ok(Some(KeyPosition::Found(middle))),
            Ordering::Greater => low = middle + 1,
        }
    }
    Ok(Some(KeyPosition::Missing(low)))
}

/// Searches for a key in normal form, if the value at index `keys` is a set.
fn search_set(
    call: &JetCall<'_>,
    key: usize,
    keys: usize,
) -> Result<Option<KeyPosition>, EvalError> {
    let Shape::Set(keys) = call.at(keys).shape() else { return Ok(None) };
    Ok(Some(keys.search(call.at(key))?.into()))
}

fn compare_item(
    call: &mut JetCall<'_>,
    key: usize,
    keys: usize,
    item: usize,
) -> Suspendable<Ordering> {
    let (left, right) = (call.at(key), items(call.at(keys)).and_then(|items| items.get(item)));
    if let Some(right) = right
        && left.is_normal()
        && right.is_normal()
    {
        return left.try_compare(right).map(Some);
    }
    let height = call.height();
    call.room_for(8)?;
    call.push_item(keys, item);
    let order = compare(call, key, height)?;
    if order.is_some() {
        call.drop_to(height);
    }
    Ok(order)
}

fn items(value: Ref<'_>) -> Option<Items<'_>> {
    match value.shape() {
        Shape::Row(items) | Shape::Set(items) => Some(items),
        _ => None,
    }
}

/// Returns twice the position, plus one if the key is found. The row should be sorted, but the law
/// does not require it.
fn bsearch(call: &mut JetCall<'_>) -> JetResult {
    if call.at(1).as_row().is_none() {
        return Ok(JetAnswer::Law);
    }
    let position = ready!(search(call, 0, 1));
    call.push_small(match position {
        KeyPosition::Found(index) => 2 * index as u64 + 1,
        KeyPosition::Missing(index) => 2 * index as u64,
    });
    Ok(JetAnswer::Done)
}
