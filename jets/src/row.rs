//! Jets on rows: access to items, and construction of new rows.
//!
//! The laws treat any app as a row: its items are its arguments, the last one first. A value that
//! is not an app has no items. Items are passed on unevaluated unless the law evaluates them.

use crate::args::{
    INSERTION_RATIO, drop_count, evaluate_arg, evaluate_item, natural, ready, return_lazy,
    return_natural, return_small, return_u64, return_value, row_len, take_count, thunk_words,
};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, Natural};
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::Always;
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Nat, Row, Small};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_Len", &[Head], len).primitive(JetOperation::Length, Small).cheap(Always),
    native("_Get", &[Head, Lazy], get).operation(JetOperation::Get).cheap(Always),
    native("_Idx", &[Lazy, Head], idx).operation(JetOperation::Index).cheap(Always),
    native("_Last", &[Head], last),
    native("_Put", &[Head, Lazy, Lazy], put),
    native("_Mut", &[Lazy, Lazy, Head], mutate),
    native("_Switch", &[Head, Lazy, Head], switch).operation(JetOperation::SwitchRow),
    native("_Gen", &[Head, Lazy], generate).total(Row).operation(JetOperation::Generate),
    native("_Weld", &[Head, Head], weld).order(&[1, 0]).total(Row),
    native("_Map", &[Lazy, Head], map).total(Row).operation(JetOperation::Map),
    native("_Rev", &[Head], rev).total(Row),
    native("rowCons", &[Lazy, Head], cons).total(Row).operation(JetOperation::Cons),
    native("rowSnoc", &[Head, Lazy], snoc).total(Row).operation(JetOperation::Snoc),
    native("take", &[Head, Head], take).total(Row),
    native("drop", &[Head, Head], drop).total(Row).operation(JetOperation::Drop),
    native("cat", &[Head], cat).returns(Row),
    native("zip", &[Head, Head], zip).total(Row).operation(JetOperation::Zip),
    native("sum", &[Head], sum).returns(Nat).operation(JetOperation::Sum),
    native("sumOf", &[Lazy, Head], sum_of).returns(Nat).operation(JetOperation::SumOf),
];

/// Fails if the heap cannot hold a row of `count` items of `words` words each, or the stack the
/// items.
fn check_result_row(call: &JetCall<'_>, count: usize, words: u64) -> Result<(), EvalError> {
    call.check_result_words((count as u64).saturating_mul(1 + words))?;
    call.room_for(count + 16)
}

/// Pushes item `item` of the app at index `row`, which has `count` items.
fn push_nth(
    call: &mut JetCall<'_>,
    row: usize,
    item: usize,
    count: usize,
) -> Result<(), EvalError> {
    if row_len(call, row).is_some() {
        call.push_item(row, item);
        return Ok(());
    }
    call.push_arg(row, count - 1 - item)
}

/// Pushes the given items of the app at index `row`, which has `count` items.
fn push_range(
    call: &mut JetCall<'_>,
    row: usize,
    items: Range<usize>,
    count: usize,
) -> Result<(), EvalError> {
    check_result_row(call, items.len(), 0)?;
    if row_len(call, row).is_some() {
        call.push_items(row, items);
        return Ok(());
    }
    items.into_iter().try_for_each(|item| {
        call.check()?;
        push_nth(call, row, item, count)
    })
}

fn len(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(0) as u64;
    return_small(call, count)
}

/// Returns the item of `row` at the position that the argument `index` holds; 0 if there is none.
fn return_item(call: &mut JetCall<'_>, row: usize, index: usize) -> JetResult {
    if call.push_flat_item(row, index) {
        return Ok(JetAnswer::Eval);
    }
    let count = call.arg_count(row);
    if count == 0 {
        return return_small(call, 0);
    }
    evaluate_arg!(call, index);
    match call.cast(index).to_u64() {
        Some(item) if item < count as u64 => {
            push_nth(call, row, item as usize, count)?;
            Ok(JetAnswer::Eval)
        }
        _ => return_small(call, 0),
    }
}

fn get(call: &mut JetCall<'_>) -> JetResult {
    return_item(call, 0, 1)
}

fn idx(call: &mut JetCall<'_>) -> JetResult {
    return_item(call, 1, 0)
}

fn last(call: &mut JetCall<'_>) -> JetResult {
    match call.arg_count(0) {
        0 => return_small(call, 0),
        count => {
            push_nth(call, 0, count - 1, count)?;
            Ok(JetAnswer::Eval)
        }
    }
}

/// Returns `row` with the item at the position that the argument `index` holds replaced by the
/// argument `value`; `row` itself if there is no such item.
fn replace(call: &mut JetCall<'_>, row: usize, index: usize, value: usize) -> JetResult {
    let count = call.arg_count(row);
    if count == 0 {
        return return_value(call, row);
    }
    evaluate_arg!(call, index);
    let item = match call.cast(index).to_u64() {
        Some(item) if item < count as u64 => item as usize,
        _ => return return_value(call, row),
    };
    if row_len(call, row).is_some() {
        call.push_replaced(row, item, value)?;
        return Ok(JetAnswer::Done);
    }
    check_result_row(call, count, 0)?;
    call.push_function(row);
    for arg in 0..count {
        call.check()?;
        if arg == count - 1 - item {
            call.push_at(value);
        } else {
            call.push_arg(row, arg)?;
        }
    }
    call.app(count)?;
    Ok(JetAnswer::Done)
}

fn put(call: &mut JetCall<'_>) -> JetResult {
    replace(call, 0, 1, 2)
}

fn mutate(call: &mut JetCall<'_>) -> JetResult {
    replace(call, 2, 0, 1)
}

/// Returns the branch that the first argument selects, or the fallback.
fn switch(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(2);
    match call.nat(0).and_then(|nat| nat.to_u64()) {
        Some(branch) if branch < count as u64 => {
            push_nth(call, 2, branch as usize, count)?;
            Ok(JetAnswer::Eval)
        }
        _ => return_lazy(call, 1),
    }
}

/// Returns the row of `f 0`, `f 1`, ...; an application is evaluated immediately only if it is
/// cheap.
fn generate(call: &mut JetCall<'_>) -> JetResult {
    let count = usize::try_from(call.cast(0).saturating_u64()).unwrap_or(usize::MAX);
    check_result_row(call, count, thunk_words(1))?;
    (0..count as u64).for_each(|item| call.push_small(item));
    call.apply_to_each(1, count)?;
    call.row(count)?;
    Ok(JetAnswer::Done)
}

/// Whether inserting `items` items into the row at index `row` is cheaper than copying everything.
fn should_insert(call: &JetCall<'_>, row: usize, count: usize, items: usize) -> bool {
    JetCall::is_long(count) && items < count / INSERTION_RATIO && row_len(call, row).is_some()
}

/// Returns the argument `row` with the `items` items of the argument `other` inserted before item
/// `at`.
fn insert_items(
    call: &mut JetCall<'_>,
    row: usize,
    at: usize,
    other: usize,
    items: usize,
) -> JetResult {
    call.push_at(row);
    let whole = call.height() - 1;
    for item in 0..items {
        call.check()?;
        push_nth(call, other, item, items)?;
        call.push_inserted(whole, at + item, whole + 1)?;
        call.put(whole);
        call.drop_to(whole + 1);
    }
    Ok(JetAnswer::Done)
}

fn weld(call: &mut JetCall<'_>) -> JetResult {
    let (left, right) = (call.arg_count(0), call.arg_count(1));
    if should_insert(call, 0, left, right) {
        return insert_items(call, 0, left, 1, right);
    }
    if should_insert(call, 1, right, left) {
        return insert_items(call, 1, 0, 0, left);
    }
    push_range(call, 0, 0..left, left)?;
    push_range(call, 1, 0..right, right)?;
    call.row(left + right)?;
    Ok(JetAnswer::Done)
}

fn map(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(1);
    check_result_row(call, count, thunk_words(1))?;
    push_range(call, 1, 0..count, count)?;
    call.apply_to_each(0, count)?;
    call.row(count)?;
    Ok(JetAnswer::Done)
}

fn rev(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(0);
    push_range(call, 0, 0..count, count)?;
    call.reverse(count);
    call.row(count)?;
    Ok(JetAnswer::Done)
}

fn cons(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(1);
    if should_insert(call, 1, count, 1) {
        call.push_inserted(1, 0, 0)?;
        return Ok(JetAnswer::Done);
    }
    call.push_at(0);
    push_range(call, 1, 0..count, count)?;
    call.row(1 + count)?;
    Ok(JetAnswer::Done)
}

fn snoc(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(0);
    if should_insert(call, 0, count, 1) {
        call.push_inserted(0, count, 1)?;
        return Ok(JetAnswer::Done);
    }
    push_range(call, 0, 0..count, count)?;
    call.push_at(1);
    call.row(count + 1)?;
    Ok(JetAnswer::Done)
}

/// Returns the row of the given items of the argument `row`.
fn return_items(call: &mut JetCall<'_>, row: usize, items: Range<usize>) -> JetResult {
    let count = call.arg_count(row);
    if items.len() == count && row_len(call, row).is_some() {
        return return_value(call, row);
    }
    let len = items.len();
    push_range(call, row, items, count)?;
    call.row(len)?;
    Ok(JetAnswer::Done)
}

fn take(call: &mut JetCall<'_>) -> JetResult {
    let taken = take_count(call, call.arg_count(1));
    return_items(call, 1, 0..taken)
}

fn drop(call: &mut JetCall<'_>) -> JetResult {
    let count = call.arg_count(1);
    let dropped = drop_count(call, count);
    return_items(call, 1, dropped..count)
}

/// Concatenates a row of rows. The law evaluates them from the last to the first.
fn cat(call: &mut JetCall<'_>) -> JetResult {
    let Some(rows) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    for row in (0..rows).rev() {
        call.check()?;
        ready!(evaluate_item(call, 0, row));
    }
    let mut total = 0;
    for row in 0..rows {
        call.check()?;
        let at = call.height();
        call.push_item(0, row);
        call.is_evaluated_at(at);
        // The items go above those of earlier rows; the row itself is then removed from below them.
        let count = call.arg_count(at);
        push_range(call, at, 0..count, count)?;
        call.remove(at);
        total += count;
    }
    call.row(total)?;
    Ok(JetAnswer::Done)
}

/// Pairs the items of two rows, up to the length of the shorter one.
fn zip(call: &mut JetCall<'_>) -> JetResult {
    let (left, right) = (call.arg_count(0), call.arg_count(1));
    let count = left.min(right);
    check_result_row(call, count, 3)?;
    for item in 0..count {
        call.check()?;
        push_nth(call, 0, item, left)?;
        push_nth(call, 1, item, right)?;
        call.row(2)?;
    }
    call.row(count)?;
    Ok(JetAnswer::Done)
}

/// Returns the sum of the items. The law evaluates them from the last to the first.
fn sum(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    if let Some(total) = small_sum(call) {
        return return_u64(call, total);
    }
    let mut total = NatSum::default();
    for item in (0..count).rev() {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
        let at = call.height();
        call.push_item(0, item);
        call.is_evaluated_at(at);
        total.add(call, at);
        call.drop_to(at);
    }
    total.finish(call)
}

/// The sum of the items of the row, if they are nats below 2^63 and so is every partial sum below
/// 2^64.
fn small_sum(call: &JetCall<'_>) -> Option<u64> {
    let items = call.at(0).as_row()?;
    let mut words = items.chunks().flatten();
    words.try_fold(0u64, |sum, word| sum.checked_add(word.as_direct()?))
}

/// Returns the sum of a function's results for all items, evaluated from the first to the last.
fn sum_of(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 1) else { return Ok(JetAnswer::Law) };
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let mut total = NatSum::default();
    for item in 0..count {
        call.check()?;
        let at = call.height();
        call.push_at(0);
        call.push_item(1, item);
        call.run(1)?;
        total.add(call, at);
        call.drop_to(at);
    }
    total.finish(call)
}

/// A sum of nats: `low` until it overflows, then `low + rest`.
#[derive(Default)]
struct NatSum {
    low: u64,
    rest: Natural,
}

impl NatSum {
    /// Adds the value at index `at`, as a nat.
    fn add(&mut self, call: &JetCall<'_>, at: usize) {
        match call.small(at).map(|nat| self.low.overflowing_add(nat)) {
            Some((low, false)) => self.low = low,
            _ => self.rest += natural(call, at),
        }
    }

    fn finish(self, call: &mut JetCall<'_>) -> JetResult {
        return_natural(call, &(self.rest + Natural::from(self.low)))
    }
}
