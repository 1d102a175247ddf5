//! The jets that sort lists and rows.
//!
//! The laws are a merge sort of a list that makes all comparisons before it returns. They evaluate first the
//! spine of the list, and then what the comparisons evaluate. These implementations make the same
//! comparisons in the same order, so they evaluate the same values, in the same order, and crash
//! where the laws crash. A comparison of values whose evaluated parts decide evaluates nothing, so
//! it may be replaced by one of [`SortKey`]s; and if all values are short rows of nats, so may the
//! whole sort.

use crate::args::{Suspendable, evaluate, is_true, ready, row_len};
use crate::declare::{Jet, JetResult, native};
use crate::order::{compare, equal};
use plan::{EvalError, Ref, Shape};
use std::cmp::{Ordering, Reverse};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("listSort", &[Head], |call| sort(call, Collection::List)),
    native("listSortBy", &[Lazy, Head], |call| sort_by(call, Collection::List)),
    native("listSortOn", &[Lazy, Head], |call| sort_on(call, Collection::List)),
    native("sort", &[Head], |call| sort(call, Collection::Row)),
    native("sortBy", &[Lazy, Head], |call| sort_by(call, Collection::Row)),
    native("sortOn", &[Lazy, Head], |call| sort_on(call, Collection::Row)),
    native("sortUniq", &[Head], sort_row_uniquely),
];

/// The most items of a row that is sorted by words.
const WORDS_MAX: usize = 4;

/// The most items that are sorted by words, which is not interrupted.
const SORTED_BY_WORDS_MAX: usize = 1 << 20;

/// Words whose order is that of the values: first 0 for a nat and 1 plus the number of items for a
/// row, then the nat, or the items from the last to the first.
type ValueWords = [u64; 1 + WORDS_MAX];

/// What is sorted, and returned.
#[derive(Clone, Copy)]
enum Collection {
    List,
    Row,
}

impl Collection {
    /// Pushes the items of the argument at that index. `None` if the call is left to the law.
    fn push(
        self,
        call: &mut JetCall<'_>,
        argument: usize,
    ) -> Result<Option<StackValues>, EvalError> {
        match self {
            Collection::List => push_list(call, argument),
            Collection::Row => Ok(push_row(call, argument)),
        }
    }

    /// Returns the items from stack index `first` on, in that order.
    fn return_items(self, call: &mut JetCall<'_>, first: usize, sorted: &[u32]) -> JetResult {
        match self {
            Collection::List => return_list(call, first, sorted),
            Collection::Row => return_row(call, first, sorted),
        }
    }
}

/// `sort items`.
fn sort(call: &mut JetCall<'_>, collection: Collection) -> JetResult {
    let Some(items) = collection.push(call, 0)? else { return Ok(JetAnswer::Law) };
    let sorted = ready!(sorted_values(call, items));
    collection.return_items(call, items.first, &sorted)
}

/// `sortBy comparison items`.
fn sort_by(call: &mut JetCall<'_>, collection: Collection) -> JetResult {
    let Some(items) = collection.push(call, 1)? else { return Ok(JetAnswer::Law) };
    let sorted = ready!(sorted_by_function(call, items));
    collection.return_items(call, items.first, &sorted)
}

/// `sortOn f items`.
fn sort_on(call: &mut JetCall<'_>, collection: Collection) -> JetResult {
    let Some(items) = collection.push(call, 1)? else { return Ok(JetAnswer::Law) };
    let Some(keys) = push_keys(call, items)? else { return Ok(JetAnswer::Law) };
    let sorted = ready!(sorted_values(call, keys));
    collection.return_items(call, items.first, &sorted)
}

/// `sortUniq row`: of equal items, which are neighbours after the sort, only the first stays. The sort
/// has compared neighbours, so this evaluates nothing.
fn sort_row_uniquely(call: &mut JetCall<'_>) -> JetResult {
    let Some(items) = push_row(call, 0) else { return Ok(JetAnswer::Law) };
    let sorted = ready!(sorted_values(call, items));
    let mut unique: Vec<u32> = Vec::with_capacity(sorted.len());
    for item in sorted {
        call.check()?;
        let is_repeated = match unique.last() {
            Some(last) => ready!(equal(call, items.index(*last), items.index(item))),
            None => false,
        };
        if !is_repeated {
            unique.push(item);
        }
    }
    return_row(call, items.first, &unique)
}

/// Values on the call's stack.
#[derive(Clone, Copy)]
struct StackValues {
    /// The index of the first.
    first: usize,
    count: usize,
}

impl StackValues {
    /// The index of the value with that number.
    fn index(self, number: u32) -> usize {
        self.first + number as usize
    }
}

/// The numbers of the values in PLAN's order.
fn sorted_values(call: &mut JetCall<'_>, values: StackValues) -> Suspendable<Vec<u32>> {
    match sorted_by_words(call, values) {
        Some(sorted) => Ok(Some(sorted)),
        None => merge_sort(call, Comparison::OfValues, values),
    }
}

/// The numbers of the values in the order of the function at index 0.
fn sorted_by_function(call: &mut JetCall<'_>, values: StackValues) -> Suspendable<Vec<u32>> {
    merge_sort(call, Comparison::ByFunction, values)
}

/// Pushes the items of the row at that index. `None` if it is none, if there are too many items for the
/// stack, or if the call may not evaluate (see [`push_list`]).
fn push_row(call: &mut JetCall<'_>, row: usize) -> Option<StackValues> {
    let count = row_len(call, row).filter(|_| call.may_nest())?;
    call.room_for(count + 16).ok()?;
    let first = call.height();
    call.push_items(row, 0..count);
    Some(StackValues { first, count })
}

/// Pushes the application of the function at index 0 to each of the values. That to a single value, which
/// is not compared, stays unevaluated. `None` if there are too many for the stack.
fn push_keys(
    call: &mut JetCall<'_>,
    values: StackValues,
) -> Result<Option<StackValues>, EvalError> {
    if values.count < 2 {
        return Ok(Some(values));
    }
    if call.room_for(values.count + 16).is_err() {
        return Ok(None);
    }
    let first = call.height();
    (0..values.count as u32).for_each(|number| call.push_at(values.index(number)));
    call.apply_to_each(0, values.count)?;
    Ok(Some(StackValues { first, count: values.count }))
}

/// Pushes the rest of the list at that index, which is 0 in the end, and above it the items. `None` if
/// there are too many for the stack, or if the call may not evaluate: suspended for each item, it would
/// begin its work again each time.
fn push_list(call: &mut JetCall<'_>, list: usize) -> Result<Option<StackValues>, EvalError> {
    if !call.may_nest() {
        return Ok(None);
    }
    let rest = call.height();
    call.push_at(list);
    for count in 0..u32::MAX as usize {
        call.check()?;
        if evaluate(call, rest)?.is_none() || call.room_for(16).is_err() {
            return Ok(None);
        }
        if call.nat(rest).is_some() {
            return Ok(Some(StackValues { first: rest + 1, count }));
        }
        call.push_cell(rest)?;
    }
    Ok(None)
}

/// Returns the row of the values from index `first` on, in that order.
fn return_row(call: &mut JetCall<'_>, first: usize, sorted: &[u32]) -> JetResult {
    call.check_result_words(1 + sorted.len() as u64)?;
    call.room_for(sorted.len() + 16)?;
    sorted.iter().for_each(|item| call.push_at(first + *item as usize));
    call.row(sorted.len())?;
    Ok(JetAnswer::Done)
}

/// Returns the list of the values from index `first` on, in that order.
fn return_list(call: &mut JetCall<'_>, first: usize, sorted: &[u32]) -> JetResult {
    call.check_result_words(3 * sorted.len() as u64)?;
    call.room_for(16)?;
    call.push_small(0);
    for item in sorted.iter().rev() {
        call.push_at(first + *item as usize);
        call.reverse(2);
        call.row(2)?;
    }
    Ok(JetAnswer::Done)
}

/// The numbers of the values in ascending order, if all are nats or short rows of nats below 2^64. Of
/// equal values the last comes first, as in the law.
fn sorted_by_words(call: &JetCall<'_>, values: StackValues) -> Option<Vec<u32>> {
    if values.count > SORTED_BY_WORDS_MAX {
        return None;
    }
    let numbered = |number: u32| Some((words_of(call.at(values.index(number)))?, Reverse(number)));
    let items = (0..values.count as u32).map(numbered).collect::<Option<Vec<_>>>();
    let mut items: Vec<(ValueWords, Reverse<u32>)> = items?;
    items.sort_unstable();
    Some(items.into_iter().map(|(_, Reverse(item))| item).collect())
}

fn words_of(value: Ref<'_>) -> Option<ValueWords> {
    let mut words = [0; 1 + WORDS_MAX];
    match value.shape() {
        Shape::Nat(nat) => words[1] = nat.to_u64()?,
        Shape::Row(items) if (1..=WORDS_MAX).contains(&items.len()) => {
            words[0] = 1 + items.len() as u64;
            for (word, item) in words[1..].iter_mut().zip(items.iter().rev()) {
                *word = item.as_u64()?;
            }
        }
        _ => return None,
    }
    Some(words)
}

/// How two values are compared.
#[derive(Clone, Copy)]
enum Comparison {
    /// In PLAN's order.
    OfValues,
    /// By the function at index 0, which says whether its second argument goes first.
    ByFunction,
}

/// A sort in progress.
#[derive(Clone, Copy)]
struct MergeSort {
    values: StackValues,
    comparison: Comparison,
}

/// What decides most comparisons of a value: its kind, and two words.
#[derive(Clone, Copy)]
struct SortKey {
    /// 0 for a nat, 1 for a bar, 2 plus the number of items for a row: in the order of the kinds.
    kind: u32,
    /// Whether the second word is known too.
    is_long: bool,
    /// Whether values with equal words are equal.
    is_whole: bool,
    /// Of a nat the number of limbs and the highest one; of a bar the number of bytes, and the last
    /// eight as a number, the last one highest; of a row of nats the items from the last to the first,
    /// and zeroes.
    words: [u64; 2],
}

impl SortKey {
    /// The key of a value. `None` if it is another one, or if its words are no nats below 2^64.
    fn of(value: Ref<'_>) -> Option<SortKey> {
        match value.shape() {
            Shape::Nat(nat) => {
                let limbs = nat.limbs();
                let words = [limbs.len() as u64, limbs.last().copied().unwrap_or(0)];
                Some(SortKey { kind: 0, is_long: true, is_whole: limbs.len() <= 1, words })
            }
            Shape::Row(items) => {
                let kind = u32::try_from(2 + items.len()).ok()?;
                let word = |from_last: usize| match items.len().checked_sub(from_last) {
                    Some(index) => items.get(index)?.as_u64(),
                    None => Some(0),
                };
                let (last, before) = (word(1)?, word(2));
                let words = [last, before.unwrap_or(0)];
                Some(SortKey { kind, is_long: before.is_some(), is_whole: items.len() <= 2, words })
            }
            _ => SortKey::of_bar(value.as_bar()?),
        }
    }

    fn of_bar(bytes: &[u8]) -> Option<SortKey> {
        let mut last = [0; 8];
        let tail = &bytes[bytes.len().saturating_sub(last.len())..];
        last[..tail.len()].copy_from_slice(tail);
        let words = [bytes.len() as u64, u64::from_le_bytes(last)];
        Some(SortKey { kind: 1, is_long: true, is_whole: bytes.len() <= last.len(), words })
    }

    /// The order of two values, if their keys decide.
    #[inline(always)]
    fn compare(&self, other: &SortKey) -> Option<Ordering> {
        let order = self.kind.cmp(&other.kind).then(self.words[0].cmp(&other.words[0]));
        if order.is_ne() {
            return Some(order);
        }
        let order = self.words[1].cmp(&other.words[1]);
        let is_decided = self.is_long && other.is_long && (order.is_ne() || self.is_whole);
        is_decided.then_some(order)
    }
}

/// The number of a value, and its key if it is known.
#[derive(Clone, Copy)]
struct SortItem {
    key: Option<SortKey>,
    number: u32,
}

/// The numbers of the values in the order of a comparison.
fn merge_sort(
    call: &mut JetCall<'_>,
    comparison: Comparison,
    values: StackValues,
) -> Suspendable<Vec<u32>> {
    call.room_for(16)?;
    let item = |number| SortItem { key: None, number };
    let mut items: Vec<SortItem> = (0..values.count as u32).map(item).collect();
    let mut merged = Vec::with_capacity(values.count);
    let sort = MergeSort { values, comparison };
    if sort_block(call, sort, &mut items, &mut merged)?.is_none() {
        return Ok(None);
    }
    Ok(Some(items.into_iter().map(|item| item.number).collect()))
}

/// Sorts the halves and merges them. The length of the first half is a power of two. `merged` is empty
/// before and after.
fn sort_block(
    call: &mut JetCall<'_>,
    sort: MergeSort,
    items: &mut [SortItem],
    merged: &mut Vec<SortItem>,
) -> Suspendable<()> {
    if items.len() < 2 {
        return Ok(Some(()));
    }
    let (left, right) = items.split_at_mut(items.len().next_power_of_two() / 2);
    if sort_block(call, sort, left, merged)?.is_none()
        || sort_block(call, sort, right, merged)?.is_none()
    {
        return Ok(None);
    }
    let (mut l, mut r) = (0, 0);
    while let (Some(a), Some(b)) = (left.get_mut(l), right.get_mut(r)) {
        call.check()?;
        let Some(is_right_first) = is_right_first(call, sort, a, b)? else {
            return Ok(None);
        };
        if is_right_first {
            merged.push(*b);
            r += 1;
        } else {
            merged.push(*a);
            l += 1;
        }
    }
    // What is left of the right half is in its place.
    let rest = merged.len();
    items.copy_within(l..items.len().next_power_of_two() / 2, rest);
    items[..rest].copy_from_slice(merged);
    merged.clear();
    Ok(Some(()))
}

/// Whether the value of the right half goes first: the law takes it if they are equal.
#[inline]
fn is_right_first(
    call: &mut JetCall<'_>,
    sort: MergeSort,
    left: &mut SortItem,
    right: &mut SortItem,
) -> Suspendable<bool> {
    match sort.comparison {
        Comparison::OfValues => {
            if let (Some(left), Some(right)) = (&left.key, &right.key)
                && let Some(order) = left.compare(right)
            {
                return Ok(Some(order.is_ge()));
            }
            Ok(compare_items(call, sort.values, left, right)?.map(Ordering::is_ge))
        }
        Comparison::ByFunction => {
            let height = call.height();
            call.push_at(0);
            call.push_at(sort.values.index(left.number));
            call.push_at(sort.values.index(right.number));
            call.run(2)?;
            let answer = is_true(call.at(height));
            call.drop_to(height);
            Ok(Some(answer))
        }
    }
}

/// Compares two values, and takes their keys.
fn compare_items(
    call: &mut JetCall<'_>,
    values: StackValues,
    left: &mut SortItem,
    right: &mut SortItem,
) -> Suspendable<Ordering> {
    let (a, b) = (values.index(left.number), values.index(right.number));
    // The law of the comparison evaluates its second argument first.
    if evaluate(call, b)?.is_none() || evaluate(call, a)?.is_none() {
        return Ok(None);
    }
    let order = compare(call, a, b)?;
    for (item, index) in [(left, a), (right, b)] {
        if item.key.is_none_or(|key| !key.is_long) {
            item.key = SortKey::of(call.at(index));
        }
    }
    Ok(order)
}
