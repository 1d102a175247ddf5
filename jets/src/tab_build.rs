//! Jets that construct tables from keys and values, and from other tables.
//!
//! Values in a table are passed on unevaluated.

use crate::args::{
    evaluate_arg, evaluate_item, is_true, push_law_header, ready, return_value, row_len,
    take_count, thunk_words,
};
use crate::declare::{Jet, JetResult, native};
use crate::merge::{MergedKey, merge, merge_sort};
use crate::search::KeyPosition;
use crate::set::{self, is_much_shorter, split};
use crate::tab::{as_table, find, find_key, push_keys, push_value, push_values, table};
use plan::{EvalError, Shape};
use std::cmp::Ordering;
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy, Normal};
use vm::jet::CheapCondition::OnShortKey;
use vm::jet::ResultShape::{Row, Tab};
use vm::jet::{JetAnswer, JetCall, JetOperation};

pub(crate) const JETS: &[Jet] = &[
    native("_MkTab", &[Lazy, Lazy], make),
    native("tabSing", &[Normal, Lazy], singleton).total(Tab),
    native("tabIns", &[Normal, Lazy, Head], insert)
        .order(&[2, 0])
        .operation(JetOperation::TableInsert)
        .cheap(OnShortKey),
    native("tabInsWith", &[Lazy, Normal, Lazy, Head], insert_with)
        .order(&[3, 1])
        .operation(JetOperation::TableInsertWith),
    native("tabAlter", &[Lazy, Lazy, Head], alter),
    native("tabDel", &[Lazy, Head], delete).operation(JetOperation::TableDelete).cheap(OnShortKey),
    native("tabPop", &[Lazy], pop).returns(Row),
    native("tabFromPairs", &[Head], from_pairs),
    native("tabFromAscPairs", &[Head], from_ascending_pairs),
    native("tabSplitAt", &[Lazy, Lazy], split_at).returns(Row),
    native("tabSplitLT", &[Lazy, Lazy], split_below).returns(Row),
    native("tabMap", &[Lazy, Head], map),
    native("tabMapWithKey", &[Lazy, Head], map_with_key),
    native("tabUnionWith", &[Lazy, Head, Head], union_with),
    native("tabWeld", &[Head, Head], weld),
    native("_TabFilterWithKey", &[Lazy, Head], filter),
];

/// Pushes the table of the given entries of the table at index `tab`.
fn push_entry_range(
    call: &mut JetCall<'_>,
    tab: usize,
    items: Range<usize>,
) -> Result<(), EvalError> {
    let count = items.len();
    call.room_for(count + 8)?;
    let keys = push_keys(call, tab);
    set::push_key_range(call, keys, items.clone())?;
    call.remove(keys);
    let values = push_values(call, tab);
    call.push_items(values, items);
    call.remove(values);
    call.row(count)?;
    call.tab()
}

/// Returns the law `{1 2 keys}` applied to the values. It is a table if the keys are a row in
/// ascending order.
fn make(call: &mut JetCall<'_>) -> JetResult {
    push_law_header(call, 1, 2);
    call.push_at(0);
    call.push_at(1);
    Ok(JetAnswer::Call(4))
}

fn singleton(call: &mut JetCall<'_>) -> JetResult {
    call.push_at(0);
    call.set_of_ascending(1)?;
    call.push_at(1);
    call.row(1)?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// Pushes the table at index `tab` with the value of entry `at` replaced by the value on top.
fn push_with_value(call: &mut JetCall<'_>, tab: usize, at: usize) -> Result<(), EvalError> {
    let value = call.height() - 1;
    push_keys(call, tab);
    let values = push_values(call, tab);
    call.push_replaced(values, at, value)?;
    call.remove(values);
    call.tab()
}

/// Pushes the table at index `tab` with an entry inserted before entry `at`: the key at index `key`
/// and the value on top.
fn push_with_entry(
    call: &mut JetCall<'_>,
    tab: usize,
    at: usize,
    key: usize,
) -> Result<(), EvalError> {
    let value = call.height() - 1;
    let keys = push_keys(call, tab);
    call.push_inserted(keys, at, key)?;
    let values = push_values(call, tab);
    call.push_inserted(values, at, value)?;
    call.remove(values);
    call.tab()
}

fn insert(call: &mut JetCall<'_>) -> JetResult {
    if let Some(position) = call.find_entry(0, 2) {
        call.push_at(2);
        call.push_at(0);
        call.push_at(1);
        call.insert_entry(position)?;
        return Ok(JetAnswer::Done);
    }
    table!(call, 2);
    let position = ready!(find(call, 0, 2));
    call.push_at(1);
    match position {
        KeyPosition::Found(at) => push_with_value(call, 2, at)?,
        KeyPosition::Missing(at) => push_with_entry(call, 2, at, 0)?,
    }
    Ok(JetAnswer::Done)
}

/// `tabInsWith f key x tab`: the value of a key that the table has becomes `f x old`. It stays
/// unevaluated unless it is cheap.
fn insert_with(call: &mut JetCall<'_>) -> JetResult {
    if let Some(position) = call.find_entry(1, 3) {
        call.push_at(3);
        call.push_at(1);
        if let Ok(entry) = position {
            let function = call.cheap_function(0, 2);
            call.push_at(0);
            call.push_at(2);
            call.push_entry_value(3, entry);
            call.apply(function, 2)?;
        } else {
            call.push_at(2);
        }
        call.insert_entry(position)?;
        return Ok(JetAnswer::Done);
    }
    table!(call, 3);
    match ready!(find(call, 1, 3)) {
        KeyPosition::Found(at) => {
            let function = call.cheap_function(0, 2);
            call.push_at(0);
            call.push_at(2);
            push_value(call, 3, at);
            call.apply(function, 2)?;
            push_with_value(call, 3, at)?;
        }
        KeyPosition::Missing(at) => {
            call.push_at(2);
            push_with_entry(call, 3, at, 1)?;
        }
    }
    Ok(JetAnswer::Done)
}

/// `tabAlter f key tab`: `f` gets `(0 value)`, or 0 if the key is missing, and returns the new
/// state of the entry in the same form. The key is normalised only if it is inserted.
fn alter(call: &mut JetCall<'_>) -> JetResult {
    let position = find_key!(call, 1, 2);
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let result = call.height();
    call.push_at(0);
    call.push_small(0);
    if let KeyPosition::Found(at) = position {
        push_value(call, 2, at);
        call.app(1)?;
    }
    call.run(1)?;
    if call.nat(result).is_some() {
        return match position {
            KeyPosition::Missing(_) => return_value(call, 2),
            KeyPosition::Found(at) => remove_entry(call, 2, at),
        };
    }
    let arg_count = call.arg_count(result);
    if arg_count == 0 {
        return Ok(JetAnswer::Law);
    }
    call.push_arg(result, arg_count - 1)?;
    match position {
        KeyPosition::Found(at) => push_with_value(call, 2, at)?,
        KeyPosition::Missing(at) => {
            call.push_at(1);
            call.normalise()?;
            call.put(1);
            push_with_entry(call, 2, at, 1)?;
        }
    }
    Ok(JetAnswer::Done)
}

/// `tabDel key tab`: the table without the entry of the key, if it has one.
fn delete(call: &mut JetCall<'_>) -> JetResult {
    match find_key!(call, 0, 1) {
        KeyPosition::Missing(_) => return_value(call, 1),
        KeyPosition::Found(at) => remove_entry(call, 1, at),
    }
}

/// Returns the row of the least key, its value, and the table of the other entries. The law makes
/// the row before it evaluates the table, so it runs if the table is unevaluated, and also if it is
/// empty.
fn pop(call: &mut JetCall<'_>) -> JetResult {
    if !call.is_evaluated_at(0) {
        return Ok(JetAnswer::Law);
    }
    if table!(call, 0) == 0 {
        return Ok(JetAnswer::Law);
    }
    let keys = push_keys(call, 0);
    call.push_item(keys, 0);
    push_value(call, 0, 0);
    // The table comes with the keys that it is made of below it.
    let below = call.height();
    remove_entry(call, 0, 0)?;
    call.remove(below);
    call.row(3)?;
    Ok(JetAnswer::Done)
}

/// Returns the table at index `tab` without entry `at`.
fn remove_entry(call: &mut JetCall<'_>, tab: usize, at: usize) -> JetResult {
    let keys = push_keys(call, tab);
    call.push_removed(keys, at)?;
    let values = push_values(call, tab);
    call.push_removed(values, at)?;
    call.remove(values);
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// Returns the table of a row of pairs. Keys are normalised from the first to the last; of equal
/// keys the last pair counts.
fn from_pairs(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    call.room_for(count.saturating_mul(4).saturating_add(8))?;
    let first = call.height();
    for item in 0..count {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
        if !push_key(call, item)? {
            return Ok(JetAnswer::Law);
        }
        push_pair_field(call, item, 1)?;
    }
    let key = |entry: &usize| first + 2 * entry;
    let entries = merge_sort(count, |a, b| {
        call.check()?;
        call.at(key(&a)).try_compare(call.at(key(&b)))
    })?;
    entries.iter().for_each(|entry| call.push_at(key(entry)));
    call.set_of_ascending(entries.len())?;
    entries.iter().for_each(|entry| call.push_at(key(entry) + 1));
    call.row(entries.len())?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// Returns the table of a row of pairs whose keys ascend. The law normalises the keys from the last to
/// the first. It runs if the keys do not ascend: its result is then no table.
///
/// The law applies the set of the keys to an unevaluated row. Later calls that get such an app run
/// their laws until something evaluates the row, so this makes the table at once.
fn from_ascending_pairs(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    call.room_for(count.saturating_add(8))?;
    let keys = call.height();
    for item in (0..count).rev() {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
        if !push_key(call, item)? {
            return Ok(JetAnswer::Law);
        }
    }
    call.reverse(count);
    for next in keys + 1..keys + count {
        if call.at(next - 1).try_compare(call.at(next))? != Ordering::Less {
            return Ok(JetAnswer::Law);
        }
    }
    call.set_of_ascending(count)?;
    for item in 0..count {
        push_pair_field(call, item, 1)?;
    }
    call.row(count)?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// Pushes the key of the evaluated pair that is an item of argument 0, and normalises it. Returns
/// false if it is not normal and the jet may not evaluate: the law runs.
fn push_key(call: &mut JetCall<'_>, item: usize) -> Result<bool, EvalError> {
    push_pair_field(call, item, 0)?;
    let key = call.height() - 1;
    if !call.at(key).is_normal() {
        if !call.may_nest() {
            return Ok(false);
        }
        call.normalise()?;
    }
    Ok(true)
}

/// Pushes a field of the evaluated pair that is an item of argument 0.
fn push_pair_field(call: &mut JetCall<'_>, item: usize, field: usize) -> Result<(), EvalError> {
    let pair = call.height();
    call.push_item(0, item);
    call.is_evaluated_at(pair);
    call.push_field(pair, field)?;
    call.remove(pair);
    Ok(())
}

/// The law evaluates its arguments only when a part of the result is demanded, so it runs if either
/// is unevaluated. It also runs if the first argument is not a nat: both parts are then the whole
/// table.
fn split_at(call: &mut JetCall<'_>) -> JetResult {
    if !(call.is_evaluated_at(0) && call.is_evaluated_at(1)) || call.nat(0).is_none() {
        return Ok(JetAnswer::Law);
    }
    let count = table!(call, 1);
    let at = take_count(call, count);
    split(call, push_entry_range, at, count)
}

/// Returns the pair of the entries with keys below the first argument and the other entries; as
/// lazy as [`split_at`].
fn split_below(call: &mut JetCall<'_>) -> JetResult {
    if !(call.is_evaluated_at(0) && call.is_evaluated_at(1) && call.arg(0).is_normal()) {
        return Ok(JetAnswer::Law);
    }
    let count = table!(call, 1);
    let (KeyPosition::Found(at) | KeyPosition::Missing(at)) = ready!(find(call, 0, 1));
    split(call, push_entry_range, at, count)
}

fn map(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 1);
    call.check_result_words(count as u64 * thunk_words(2))?;
    call.room_for(count + 8)?;
    push_keys(call, 1);
    for item in 0..count {
        call.check()?;
        call.push_at(0);
        push_value(call, 1, item);
        call.app(1)?;
    }
    call.row(count)?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

fn map_with_key(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 1);
    call.check_result_words(count as u64 * thunk_words(2))?;
    call.room_for(count + 8)?;
    let keys = push_keys(call, 1);
    for item in 0..count {
        call.check()?;
        call.push_at(0);
        call.push_item(keys, item);
        push_value(call, 1, item);
        call.app(2)?;
    }
    call.row(count)?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// Returns the union of the tables at indices `left` and `left + 1`. A key of both gets the left
/// value, or the argument `with` applied to both values.
fn union(call: &mut JetCall<'_>, left: usize, with: Option<usize>) -> JetResult {
    let right = left + 1;
    table!(call, left);
    table!(call, right);
    let sources = match (call.arg(left).shape(), call.arg(right).shape()) {
        (Shape::Tab(a, _), Shape::Tab(b, _)) if is_much_shorter(b, a) => {
            return union_by_insertion(call, left, right, left, with);
        }
        (Shape::Tab(a, _), Shape::Tab(b, _)) if is_much_shorter(a, b) => {
            return union_by_insertion(call, right, left, left, with);
        }
        (Shape::Tab(a, _), Shape::Tab(b, _)) => merge(call, a, b)?,
        _ => return Ok(JetAnswer::Law),
    };
    call.room_for(sources.len() + 8)?;
    let left_keys = push_keys(call, left);
    let right_keys = push_keys(call, right);
    for source in &sources {
        match *source {
            MergedKey::Left(key) | MergedKey::Both(key, _) => call.push_item(left_keys, key),
            MergedKey::Right(key) => call.push_item(right_keys, key),
        }
    }
    call.set_of_ascending(sources.len())?;
    for source in &sources {
        call.check()?;
        match (*source, with) {
            (MergedKey::Both(a, b), Some(function)) => {
                call.push_at(function);
                push_value(call, left, a);
                push_value(call, right, b);
                call.app(2)?;
            }
            (MergedKey::Left(a) | MergedKey::Both(a, _), _) => push_value(call, left, a),
            (MergedKey::Right(b), _) => push_value(call, right, b),
        }
    }
    call.row(sources.len())?;
    call.tab()?;
    Ok(JetAnswer::Done)
}

/// [`union`] by inserting the entries of the argument `small` into the argument `large` one by one;
/// `left` is the index of the left table.
fn union_by_insertion(
    call: &mut JetCall<'_>,
    large: usize,
    small: usize,
    left: usize,
    with: Option<usize>,
) -> JetResult {
    let count = table!(call, small);
    let small_keys = push_keys(call, small);
    call.push_at(large);
    let whole = call.height() - 1;
    for item in 0..count {
        call.check()?;
        call.push_item(small_keys, item);
        let key = whole + 1;
        match (ready!(find(call, key, whole)), with) {
            (KeyPosition::Missing(at), _) => {
                push_value(call, small, item);
                push_with_entry(call, whole, at, key)?;
            }
            (KeyPosition::Found(at), Some(function)) => {
                call.push_at(function);
                let (first, second) = if large == left { (whole, small) } else { (small, whole) };
                push_value(call, first, if first == whole { at } else { item });
                push_value(call, second, if second == whole { at } else { item });
                call.app(2)?;
                push_with_value(call, whole, at)?;
            }
            (KeyPosition::Found(at), None) if small == left => {
                push_value(call, small, item);
                push_with_value(call, whole, at)?;
            }
            (KeyPosition::Found(_), None) => call.push_at(whole),
        }
        call.put(whole);
        call.drop_to(whole + 1);
    }
    Ok(JetAnswer::Done)
}

fn union_with(call: &mut JetCall<'_>) -> JetResult {
    union(call, 1, Some(0))
}

fn weld(call: &mut JetCall<'_>) -> JetResult {
    union(call, 0, None)
}

/// Pushes the items with these ascending indices of the row or set at an index. The stack has room.
fn push_items_of(call: &mut JetCall<'_>, from: usize, indices: &[usize]) {
    for run in indices.chunk_by(|a, b| a + 1 == *b) {
        call.push_items(from, run[0]..run[0] + run.len());
    }
}

/// Returns the entries for which a function of key and value returns a true value.
fn filter(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 1);
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    call.room_for(2 * count + 16)?;
    let mut walk = call.walk_entries(1);
    let mut kept = Vec::new();
    for item in 0..count {
        call.check()?;
        let result = call.height();
        call.push_at(0);
        call.push_entry(&mut walk, item);
        call.run(2)?;
        if is_true(call.at(result)) {
            kept.push(item);
        }
        call.drop_to(result);
    }
    let keys = push_keys(call, 1);
    push_items_of(call, keys, &kept);
    call.set_of_ascending(kept.len())?;
    let values = push_values(call, 1);
    push_items_of(call, values, &kept);
    call.row(kept.len())?;
    call.remove(values);
    call.tab()?;
    Ok(JetAnswer::Done)
}
