//! Jets that read tables. A table is a set of keys applied to the row of as many values. The jets
//! that construct tables are in [`crate::tab_build`].
//!
//! An app of a set to an unevaluated row does not become a table when the row is evaluated later;
//! these jets accept such an app as the table that it equals. For other values the laws run. Values
//! in a table are passed on unevaluated.

use crate::args::{Suspendable, evaluate_arg, ready, return_bit, return_lazy, return_small};
use crate::declare::{Jet, JetResult, native};
use crate::search::{KeyPosition, search};
use plan::{EvalError, Shape};
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::{Always, OnShortKey};
use vm::jet::ResultShape::{Bit, Small};
use vm::jet::{JetAnswer, JetCall, JetOperation};

pub(crate) const JETS: &[Jet] = &[
    native("isTab", &[Head], is_tab).returns(Bit).cheap(Always),
    native("_TabKeys", &[Head], keys),
    native("_TabVals", &[Head], values).operation(JetOperation::TableValues),
    native("_TabKeysRow", &[Head], keys_row).operation(JetOperation::TableKeysRow),
    native("_TabKeysList", &[Head], keys_list),
    native("_TabLen", &[Head], len)
        .returns(Small)
        .operation(JetOperation::TableLength)
        .cheap(Always),
    native("_TabIsEmpty", &[Head], is_empty)
        .returns(Bit)
        .operation(JetOperation::TableIsEmpty)
        .cheap(Always),
    native("tabIdx", &[Lazy, Head], idx).operation(JetOperation::TableItem).cheap(OnShortKey),
    native("_TabHas", &[Lazy, Head], has)
        .returns(Bit)
        .operation(JetOperation::TableHasKey)
        .cheap(OnShortKey),
    native("_TabLookup", &[Lazy, Head], lookup)
        .operation(JetOperation::OptionalTableItem)
        .cheap(OnShortKey),
    native("tabSwitch", &[Lazy, Lazy, Head], switch)
        .operation(JetOperation::SwitchTable)
        .cheap(OnShortKey),
    native("tabElemIdx", &[Head, Head], element),
    native("tabMinKey", &[Head], min_key).operation(JetOperation::TableLeastKey).cheap(Always),
    native("tabToPairs", &[Head], to_pairs),
    native("tabToPairList", &[Head], to_pair_list),
    native("tabFoldlWithKey", &[Lazy, Lazy, Head], fold),
];

/// The number of keys of an argument that is a table; answers [`JetAnswer::Law`] for anything else.
macro_rules! table {
    ($call:expr, $index:expr) => {
        match as_table($call, $index)? {
            Some(count) => count,
            None => return Ok(JetAnswer::Law),
        }
    };
}
pub(crate) use table;

/// The number of keys of the table at `index`; `None` if the value is not a table. Replaces an app
/// of a set to an evaluated row of the right length by the table.
pub(crate) fn as_table(call: &mut JetCall<'_>, index: usize) -> Result<Option<usize>, EvalError> {
    let app = match call.arg(index).shape() {
        Shape::Tab(keys, _) => return Ok(Some(keys.len())),
        Shape::App(app) => app,
        _ => return Ok(None),
    };
    let Shape::Set(keys) = app.head().shape() else { return Ok(None) };
    let count = keys.len();
    if app.args().next().and_then(|values| Some(values.as_row()?.len())) != Some(count) {
        return Ok(None);
    }
    call.push_at(index);
    call.split()?;
    call.app(1)?;
    call.put(index);
    Ok(Some(count))
}

/// Pushes the key set of the table at index `tab`, and returns its index.
pub(crate) fn push_keys(call: &mut JetCall<'_>, tab: usize) -> usize {
    call.push_item(tab, 0);
    call.height() - 1
}

/// Pushes the row of values of the table at index `tab`, and returns its index.
pub(crate) fn push_values(call: &mut JetCall<'_>, tab: usize) -> usize {
    call.push_item(tab, 1);
    call.height() - 1
}

/// Pushes value `item` of the table at index `tab`.
pub(crate) fn push_value(call: &mut JetCall<'_>, tab: usize, item: usize) {
    call.push_entry_value(tab, item);
}

/// Searches the keys of the table at index `tab` for the value at index `key`.
pub(crate) fn find(call: &mut JetCall<'_>, key: usize, tab: usize) -> Suspendable<KeyPosition> {
    if let Some(position) = call.find_entry(key, tab) {
        return Ok(Some(position.into()));
    }
    let keys = push_keys(call, tab);
    let position = search(call, key, keys)?;
    if position.is_some() {
        call.drop_to(keys);
    }
    Ok(position)
}

/// Returns whether a value is a set applied to a row of as many values. The law evaluates what the
/// set is applied to.
fn is_tab(call: &mut JetCall<'_>) -> JetResult {
    let app = match call.arg(0).shape() {
        Shape::Tab(..) => return return_bit(call, true),
        Shape::App(app) => app,
        _ => return return_bit(call, false),
    };
    match app.head().shape() {
        Shape::Set(_) => Ok(JetAnswer::Law),
        _ => return_bit(call, false),
    }
}

fn keys(call: &mut JetCall<'_>) -> JetResult {
    table!(call, 0);
    push_keys(call, 0);
    Ok(JetAnswer::Done)
}

fn values(call: &mut JetCall<'_>) -> JetResult {
    table!(call, 0);
    push_values(call, 0);
    Ok(JetAnswer::Done)
}

fn keys_row(call: &mut JetCall<'_>) -> JetResult {
    table!(call, 0);
    let keys = push_keys(call, 0);
    call.push_keys(keys)?;
    Ok(JetAnswer::Done)
}

fn keys_list(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 0);
    call.check_result_words(3 * count as u64)?;
    let keys = push_keys(call, 0);
    call.push_small(0);
    for key in (0..count).rev() {
        call.check()?;
        call.push_item(keys, key);
        call.reverse(2);
        call.row(2)?;
    }
    Ok(JetAnswer::Done)
}

fn len(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 0);
    return_small(call, count as u64)
}

fn is_empty(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 0);
    return_bit(call, count == 0)
}

/// The position of the argument `key` among the keys of the argument `tab`. The laws do not
/// evaluate the key if the table is empty.
macro_rules! find_key {
    ($call:expr, $key:expr, $tab:expr) => {
        if table!($call, $tab) == 0 {
            KeyPosition::Missing(0)
        } else {
            evaluate_arg!($call, $key);
            ready!(find($call, $key, $tab))
        }
    };
}
pub(crate) use find_key;

fn idx(call: &mut JetCall<'_>) -> JetResult {
    match find_key!(call, 0, 1) {
        KeyPosition::Missing(_) => return_small(call, 0),
        KeyPosition::Found(at) => {
            push_value(call, 1, at);
            Ok(JetAnswer::Eval)
        }
    }
}

fn has(call: &mut JetCall<'_>) -> JetResult {
    let position = find_key!(call, 0, 1);
    return_bit(call, matches!(position, KeyPosition::Found(_)))
}

/// Returns `(0 value)`, or 0 if the key is missing.
fn lookup(call: &mut JetCall<'_>) -> JetResult {
    match find_key!(call, 0, 1) {
        KeyPosition::Missing(_) => call.push_small(0),
        KeyPosition::Found(at) => {
            call.push_small(0);
            push_value(call, 1, at);
            call.app(1)?;
        }
    }
    Ok(JetAnswer::Done)
}

fn switch(call: &mut JetCall<'_>) -> JetResult {
    match find_key!(call, 0, 2) {
        KeyPosition::Missing(_) => return_lazy(call, 1),
        KeyPosition::Found(at) => {
            push_value(call, 2, at);
            Ok(JetAnswer::Eval)
        }
    }
}

/// Pushes the pair of key and value of entry `item` of the table at index `tab`, whose key set is
/// at index `keys`.
fn push_pair(
    call: &mut JetCall<'_>,
    keys: usize,
    tab: usize,
    item: usize,
) -> Result<(), EvalError> {
    call.push_item(keys, item);
    push_value(call, tab, item);
    call.row(2)
}

/// Returns the pair of entry `n`; 0 if there is no such entry.
fn element(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 1);
    match call.nat(0).and_then(|nat| nat.to_u64()) {
        Some(item) if item < count as u64 => {
            let keys = push_keys(call, 1);
            push_pair(call, keys, 1, item as usize)?;
            Ok(JetAnswer::Done)
        }
        _ => return_small(call, 0),
    }
}

fn min_key(call: &mut JetCall<'_>) -> JetResult {
    if table!(call, 0) == 0 {
        return return_small(call, 0);
    }
    let keys = push_keys(call, 0);
    call.push_item(keys, 0);
    Ok(JetAnswer::Done)
}

fn to_pairs(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 0);
    call.room_for(count + 8)?;
    let keys = push_keys(call, 0);
    for item in 0..count {
        call.check()?;
        push_pair(call, keys, 0, item)?;
    }
    call.row(count)?;
    Ok(JetAnswer::Done)
}

fn to_pair_list(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 0);
    let keys = push_keys(call, 0);
    call.push_small(0);
    for item in (0..count).rev() {
        call.check()?;
        push_pair(call, keys, 0, item)?;
        call.reverse(2);
        call.row(2)?;
    }
    Ok(JetAnswer::Done)
}

/// `tabFoldlWithKey f start tab`: folds `f accumulator key value` over the entries, evaluating the
/// accumulator after each but the last, which is a tail call.
fn fold(call: &mut JetCall<'_>) -> JetResult {
    let count = table!(call, 2);
    if count == 0 {
        return return_lazy(call, 1);
    }
    if count > 1 && !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    call.room_for(16)?;
    let mut walk = call.walk_entries(2);
    let total = call.height();
    call.push_at(1);
    for item in 0..count {
        call.check()?;
        call.push_at(0);
        call.push_at(total);
        call.push_entry(&mut walk, item);
        if item + 1 == count {
            return Ok(JetAnswer::Call(3));
        }
        call.run(3)?;
        call.put(total);
    }
    unreachable!("the last iteration returns")
}
