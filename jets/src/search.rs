//! Binary search for a key that may not be evaluated throughout.
//!
//! The laws that look for a key among those of a set go from the first to the last and compare the
//! key with each. Searching in halves evaluates as much of the key, no more and no less: comparing
//! is lexical, and of all keys in ascending order, those next to where the key belongs have the
//! most in common with it. The search meets them too.

use crate::args::ready;
use crate::declare::{Jet, JetResult, native};
use crate::order::compare;
use plan::{EvalError, Items, Ref, Shape};
use std::cmp::Ordering;
use vm::jet::Demand::{Head, Lazy};
use vm::jet::ResultShape::Nat;
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Jet] = &[native("bsearch", &[Lazy, Head], bsearch).gives(Nat)];

/// Where a key is among others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyPosition {
    /// At this index.
    Found(usize),
    /// Nowhere; it would come before the key at this index.
    Missing(usize),
}

/// Searches the row or set at height `keys` for the value at height `key`. Nothing, if a value must
/// be evaluated first: it is on top then.
pub(crate) fn search(
    call: &mut Call<'_>,
    key: usize,
    keys: usize,
) -> Result<Option<KeyPosition>, EvalError> {
    if let (key, Shape::Set(keys)) = (call.at(key), call.at(keys).shape())
        && key.is_normal()
    {
        return Ok(Some(keys.search(key)?.map_or_else(KeyPosition::Missing, KeyPosition::Found)));
    }
    let Some(items) = items(call.at(keys)) else { unreachable!("only rows and sets are searched") };
    let (mut low, mut end) = (0, items.len());
    while low < end {
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

fn compare_item(
    call: &mut Call<'_>,
    key: usize,
    keys: usize,
    item: usize,
) -> Result<Option<Ordering>, EvalError> {
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

/// Twice the place, and one more if the key is there. The row should be sorted, but need not be.
fn bsearch(call: &mut Call<'_>) -> JetResult {
    if call.at(1).as_row().is_none() {
        return Ok(Answer::Law);
    }
    let place = ready!(search(call, 0, 1));
    call.push_small(match place {
        KeyPosition::Found(index) => 2 * index as u64 + 1,
        KeyPosition::Missing(index) => 2 * index as u64,
    });
    Ok(Answer::Done)
}
