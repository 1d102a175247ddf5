//! Jets on sets (distinct keys in ascending order).
//!
//! The laws work on the row of keys in the body of a set's law, so they also accept values that are
//! not sets. For such values these jets mostly answer [`JetAnswer::Law`].

use crate::args::{
    INSERTION_RATIO, drop_count, evaluate_arg, push_law_header, ready, return_bit, return_lazy,
    return_small, return_value, set_len, take_count,
};
use crate::declare::{Jet, JetResult, native};
use crate::merge::{MergedKey, merge};
use crate::search::{KeyPosition, search};
use plan::{EvalError, Items, Shape};
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy, Normal};
use vm::jet::CheapCondition::{Always, OnShortKey};
use vm::jet::ResultShape::{Bit, Row, Set, Small};
use vm::jet::{JetAnswer, JetCall, JetOperation};

pub(crate) const JETS: &[Jet] = &[
    native("_MkSet", &[Lazy], make),
    native("_SetToRow", &[Head], to_row).operation(JetOperation::SetKeysRow),
    native("setSing", &[Normal], singleton).total(Set).operation(JetOperation::SetSingleton),
    native("setIsEmpty", &[Head], is_empty)
        .returns(Bit)
        .operation(JetOperation::SetIsEmpty)
        .cheap(Always),
    native("setLen", &[Head], len).returns(Small).operation(JetOperation::SetLength).cheap(Always),
    native("setHas", &[Lazy, Head], has)
        .returns(Bit)
        .operation(JetOperation::SetHasKey)
        .cheap(OnShortKey),
    native("setMin", &[Head], min).operation(JetOperation::SetLeastKey).cheap(Always),
    native("setIns", &[Normal, Head], insert)
        .order(&[1, 0])
        .operation(JetOperation::SetInsert)
        .cheap(OnShortKey),
    native("setDel", &[Lazy, Head], delete).operation(JetOperation::SetDelete).cheap(OnShortKey),
    native("setWeld", &[Head, Head], weld).order(&[1, 0]).operation(JetOperation::SetUnion),
    native("setCatRowAsc", &[Head], cat_ascending),
    native("isSet", &[Head], is_set).total(Bit).cheap(Always),
    native("setDrop", &[Head, Head], drop),
    native("setTake", &[Head, Head], take),
    native("setPop", &[Lazy], pop).returns(Row),
    native("setSplitAt", &[Lazy, Lazy], split_at).returns(Row),
    native("setSplitLT", &[Lazy, Lazy], split_below).returns(Row),
    native("setIntersect", &[Lazy, Head], intersect),
    native("setSub", &[Lazy, Head], subtract).operation(JetOperation::SetDifference),
];

/// Pushes the set of the given keys of the set at index `set`.
pub(crate) fn push_key_range(
    call: &mut JetCall<'_>,
    set: usize,
    keys: Range<usize>,
) -> Result<(), EvalError> {
    let count = keys.len();
    call.room_for(count + 4)?;
    call.push_items(set, keys);
    call.set_of_ascending(count)
}

/// The keys of the first two arguments, if both are sets.
fn both_key_lists<'c>(call: &'c JetCall<'_>) -> Option<(Items<'c>, Items<'c>)> {
    match (call.arg(0).shape(), call.arg(1).shape()) {
        (Shape::Set(left), Shape::Set(right)) => Some((left, right)),
        _ => None,
    }
}

/// Sets of at most this many keys, all nats below 2^63, are merged without a list of the merged keys.
const SHORT_SET: usize = 16;

/// Keys that are nats below 2^63.
struct SmallKeys {
    nats: [u64; SHORT_SET],
    count: usize,
}

impl SmallKeys {
    /// The keys of a set, if there are few and all are nats below 2^63.
    fn of(keys: Items<'_>) -> Option<SmallKeys> {
        let mut small = SmallKeys { nats: [0; SHORT_SET], count: 0 };
        // A set with more keys than a leaf may have is not read to its end.
        for word in keys.chunks().flatten() {
            *small.nats.get_mut(small.count)? = word.as_direct()?;
            small.count += 1;
        }
        Some(small)
    }

    fn get(&self, index: usize) -> Option<u64> {
        self.nats[..self.count].get(index).copied()
    }
}

/// Returns the set of those merged keys that satisfy `wanted`.
fn return_small_merged(
    call: &mut JetCall<'_>,
    (left, right): (&SmallKeys, &SmallKeys),
    wanted: fn(MergedKey) -> bool,
) -> JetResult {
    call.room_for(2 * SHORT_SET + 4)?;
    let (mut l, mut r, mut count) = (0, 0, 0);
    loop {
        let (key, merged) = match (left.get(l), right.get(r)) {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => (a, MergedKey::Both(l, r)),
            (Some(a), b) if b.is_none_or(|b| a < b) => (a, MergedKey::Left(l)),
            (_, Some(b)) => (b, MergedKey::Right(r)),
            (Some(_), None) => unreachable!("the key of the left set is taken"),
        };
        l += usize::from(!matches!(merged, MergedKey::Right(_)));
        r += usize::from(!matches!(merged, MergedKey::Left(_)));
        if wanted(merged) {
            call.push_small(key);
            count += 1;
        }
    }
    call.set_of_ascending(count)?;
    Ok(JetAnswer::Done)
}

/// Returns the set of those merged keys of both arguments that satisfy `wanted`.
fn return_merged(call: &mut JetCall<'_>, wanted: fn(MergedKey) -> bool) -> JetResult {
    let Some((left, right)) = both_key_lists(call) else { return Ok(JetAnswer::Law) };
    if let (Some(left), Some(right)) = (SmallKeys::of(left), SmallKeys::of(right)) {
        return return_small_merged(call, (&left, &right), wanted);
    }
    let mut sources = merge(call, left, right)?;
    sources.retain(|source| wanted(*source));
    call.room_for(sources.len() + 4)?;
    for source in &sources {
        match *source {
            MergedKey::Left(key) | MergedKey::Both(key, _) => call.push_item(0, key),
            MergedKey::Right(key) => call.push_item(1, key),
        }
    }
    call.set_of_ascending(sources.len())?;
    Ok(JetAnswer::Done)
}

/// Whether to process the keys of `one` individually instead of merging it with `other`; see
/// [`INSERTION_RATIO`].
pub(crate) fn is_much_shorter(one: Items<'_>, other: Items<'_>) -> bool {
    JetCall::is_long(other.len()) && one.len() < other.len() / INSERTION_RATIO
}

/// Returns the argument `set` with each key of the argument `keys` inserted (if `insert`) or
/// deleted.
fn edit_key_by_key(call: &mut JetCall<'_>, set: usize, keys: usize, insert: bool) -> JetResult {
    let count = set_len(call, keys).unwrap_or(0);
    call.push_at(set);
    let whole = call.height() - 1;
    for item in 0..count {
        call.check()?;
        call.push_item(keys, item);
        match (ready!(search(call, whole + 1, whole)), insert) {
            (KeyPosition::Missing(at), true) => call.push_inserted(whole, at, whole + 1)?,
            (KeyPosition::Found(at), false) => call.push_removed(whole, at)?,
            _ => call.push_at(whole),
        }
        call.put(whole);
        call.drop_to(whole + 1);
    }
    Ok(JetAnswer::Done)
}

/// Returns the law `{1 2 keys}`. It is a set if the keys are a row in ascending order.
fn make(call: &mut JetCall<'_>) -> JetResult {
    push_law_header(call, 1, 2);
    call.push_at(0);
    Ok(JetAnswer::Call(3))
}

fn to_row(call: &mut JetCall<'_>) -> JetResult {
    if set_len(call, 0).is_none() {
        return Ok(JetAnswer::Law);
    }
    call.push_keys(0)?;
    Ok(JetAnswer::Done)
}

fn singleton(call: &mut JetCall<'_>) -> JetResult {
    call.push_at(0);
    call.set_of_ascending(1)?;
    Ok(JetAnswer::Done)
}

fn is_empty(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = set_len(call, 0) else { return Ok(JetAnswer::Law) };
    return_bit(call, count == 0)
}

fn len(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = set_len(call, 0) else { return Ok(JetAnswer::Law) };
    return_small(call, count as u64)
}

fn has(call: &mut JetCall<'_>) -> JetResult {
    match set_len(call, 1) {
        None => Ok(JetAnswer::Law),
        Some(0) => return_bit(call, false),
        Some(_) => {
            evaluate_arg!(call, 0);
            let position = ready!(search(call, 0, 1));
            return_bit(call, matches!(position, KeyPosition::Found(_)))
        }
    }
}

fn min(call: &mut JetCall<'_>) -> JetResult {
    match set_len(call, 0) {
        None => return Ok(JetAnswer::Law),
        Some(0) => call.push_small(0),
        Some(_) => call.push_item(0, 0),
    }
    Ok(JetAnswer::Done)
}

fn insert(call: &mut JetCall<'_>) -> JetResult {
    if set_len(call, 1).is_none() {
        return Ok(JetAnswer::Law);
    }
    match ready!(search(call, 0, 1)) {
        KeyPosition::Found(_) => return_value(call, 1),
        KeyPosition::Missing(at) => {
            call.push_inserted(1, at, 0)?;
            Ok(JetAnswer::Done)
        }
    }
}

/// The law compares the key with all keys of the set, so it evaluates the key unless the set is
/// empty.
fn delete(call: &mut JetCall<'_>) -> JetResult {
    match set_len(call, 1) {
        None => return Ok(JetAnswer::Law),
        Some(0) => return return_value(call, 1),
        Some(_) => evaluate_arg!(call, 0),
    }
    match ready!(search(call, 0, 1)) {
        KeyPosition::Missing(_) => return_value(call, 1),
        KeyPosition::Found(at) => {
            call.push_removed(1, at)?;
            Ok(JetAnswer::Done)
        }
    }
}

fn weld(call: &mut JetCall<'_>) -> JetResult {
    let Some((left, right)) = both_key_lists(call) else { return Ok(JetAnswer::Law) };
    match (left.is_empty(), right.is_empty()) {
        (_, true) => return return_value(call, 0),
        (true, _) => return return_value(call, 1),
        _ => {}
    }
    if is_much_shorter(right, left) {
        return edit_key_by_key(call, 0, 1, true);
    }
    if is_much_shorter(left, right) {
        return edit_key_by_key(call, 1, 0, true);
    }
    return_merged(call, |_| true)
}

/// Intersection. The law evaluates its first argument only if the second has keys.
fn intersect(call: &mut JetCall<'_>) -> JetResult {
    match set_len(call, 1) {
        None => return Ok(JetAnswer::Law),
        Some(0) => return return_value(call, 1),
        Some(_) => evaluate_arg!(call, 0),
    }
    return_merged(call, |source| matches!(source, MergedKey::Both(..)))
}

/// Difference. The law deletes the keys of the second argument one by one, so it does not evaluate
/// the first if there are none.
fn subtract(call: &mut JetCall<'_>) -> JetResult {
    match set_len(call, 1) {
        None => return Ok(JetAnswer::Law),
        Some(0) => return return_lazy(call, 0),
        Some(_) => evaluate_arg!(call, 0),
    }
    match both_key_lists(call) {
        Some((left, _)) if left.is_empty() => return_value(call, 0),
        Some((left, right)) if is_much_shorter(right, left) => edit_key_by_key(call, 0, 1, false),
        _ => return_merged(call, |source| matches!(source, MergedKey::Left(_))),
    }
}

/// Union of a row of sets, where all keys of a set are below those of the next.
fn cat_ascending(call: &mut JetCall<'_>) -> JetResult {
    let Some(sets) = ascending_sets(call)? else { return Ok(JetAnswer::Law) };
    let mut total = 0;
    for set in 0..sets {
        call.check()?;
        let at = call.height();
        call.push_item(0, set);
        call.is_evaluated_at(at);
        let count = set_len(call, at).unwrap_or(0);
        call.room_for(count + 4)?;
        call.push_items(at, 0..count);
        call.remove(at);
        total += count;
    }
    call.set_of_ascending(total)?;
    Ok(JetAnswer::Done)
}

/// The length of the argument, if it is a row of evaluated sets in ascending order.
fn ascending_sets(call: &JetCall<'_>) -> Result<Option<usize>, EvalError> {
    let Some(row) = call.arg(0).as_row() else { return Ok(None) };
    let mut last = None;
    for item in row.iter() {
        call.check()?;
        let Shape::Set(keys) = item.shape() else { return Ok(None) };
        let Some(first) = keys.get(0) else { continue };
        if let Some(last) = last
            && first.try_compare(last)?.is_le()
        {
            return Ok(None);
        }
        last = keys.get(keys.len() - 1);
    }
    Ok(Some(row.len()))
}

fn is_set(call: &mut JetCall<'_>) -> JetResult {
    let answer = set_len(call, 0).is_some();
    return_bit(call, answer)
}

fn drop(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = set_len(call, 1) else { return Ok(JetAnswer::Law) };
    match drop_count(call, count) {
        0 => return return_value(call, 1),
        // A long set without one key shares most of the original.
        1 => call.push_removed(1, 0)?,
        dropped => push_key_range(call, 1, dropped..count)?,
    }
    Ok(JetAnswer::Done)
}

/// Returns the pair of the least key and the set of the others. The law makes the pair before it
/// evaluates the set, so it runs if the set is unevaluated, and also if it is empty.
fn pop(call: &mut JetCall<'_>) -> JetResult {
    if !call.is_evaluated_at(0) || set_len(call, 0).is_none_or(|count| count == 0) {
        return Ok(JetAnswer::Law);
    }
    call.push_item(0, 0);
    call.push_removed(0, 0)?;
    call.row(2)?;
    Ok(JetAnswer::Done)
}

fn take(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = set_len(call, 1) else { return Ok(JetAnswer::Law) };
    let taken = take_count(call, count);
    push_key_range(call, 1, 0..taken)?;
    Ok(JetAnswer::Done)
}

/// Returns the pair of the entries before `at` and those from `at` on. The second argument is a set
/// or table of `count` entries.
pub(crate) fn split(call: &mut JetCall<'_>, push: PushRange, at: usize, count: usize) -> JetResult {
    push(call, 1, 0..at)?;
    push(call, 1, at..count)?;
    call.row(2)?;
    Ok(JetAnswer::Done)
}

/// Pushes a range of the entries of the collection at an index.
type PushRange = fn(&mut JetCall<'_>, usize, Range<usize>) -> Result<(), EvalError>;

/// The law evaluates its arguments only when a part of the result is demanded, so it runs if either
/// is unevaluated.
fn split_at(call: &mut JetCall<'_>) -> JetResult {
    if !(call.is_evaluated_at(0) && call.is_evaluated_at(1)) {
        return Ok(JetAnswer::Law);
    }
    match (call.nat(0).is_some(), set_len(call, 1)) {
        (true, Some(count)) => {
            let at = take_count(call, count);
            split(call, push_key_range, at, count)
        }
        _ => Ok(JetAnswer::Law),
    }
}

/// Returns the pair of the keys below the first argument and the other keys; as lazy as
/// [`split_at`].
fn split_below(call: &mut JetCall<'_>) -> JetResult {
    if !(call.is_evaluated_at(0) && call.is_evaluated_at(1) && call.arg(0).is_normal()) {
        return Ok(JetAnswer::Law);
    }
    let Some(count) = set_len(call, 1) else { return Ok(JetAnswer::Law) };
    let (KeyPosition::Found(at) | KeyPosition::Missing(at)) = ready!(search(call, 0, 1));
    split(call, push_key_range, at, count)
}
