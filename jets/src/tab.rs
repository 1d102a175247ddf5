//! Tables: a set of keys applied to the row of as many values. Looking into them; new ones are
//! made in [`crate::tab_build`].
//!
//! The jets take what has the shape of a table, and an app of a set to a row that is one but for
//! having been made before its row was evaluated. The rest is left to the laws. Values are never
//! evaluated, only passed on.

use crate::args::{evaluate_arg, ready, return_bit, return_lazy, return_small};
use crate::declare::{Jet, JetResult, native};
use crate::search::{KeyPosition, search};
use plan::{EvalError, Shape};
use vm::jet::Cheap::Always;
use vm::jet::Demand::{Head, Lazy};
use vm::jet::ResultShape::{Bit, Small};
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Jet] = &[
    native("isTab", &[Head], is_tab).gives(Bit).cheap(Always),
    native("_TabKeys", &[Head], keys),
    native("_TabVals", &[Head], values),
    native("_TabKeysRow", &[Head], keys_row),
    native("_TabKeysList", &[Head], keys_list),
    native("_TabLen", &[Head], len).gives(Small).cheap(Always),
    native("_TabIsEmpty", &[Head], is_empty).gives(Bit).cheap(Always),
    native("tabIdx", &[Lazy, Head], idx),
    native("_TabHas", &[Lazy, Head], has).gives(Bit),
    native("_TabLookup", &[Lazy, Head], lookup),
    native("tabSwitch", &[Lazy, Lazy, Head], switch),
    native("tabElemIdx", &[Head, Head], element),
    native("tabMinKey", &[Head], min_key),
    native("tabToPairs", &[Head], to_pairs),
    native("tabToPairList", &[Head], to_pair_list),
    native("tabFoldlWithKey", &[Lazy, Lazy, Head], fold),
];

/// Goes on with the number of keys of the table that an argument is; leaves anything else to the
/// law.
macro_rules! table {
    ($call:expr, $index:expr) => {
        match as_table($call, $index)? {
            Some(count) => count,
            None => return Ok(Answer::Law),
        }
    };
}
pub(crate) use table;

/// How many keys the table that an argument is has; nothing if it is none. An app of a set to an
/// evaluated row that fits becomes the table it is.
pub(crate) fn as_table(call: &mut Call<'_>, index: usize) -> Result<Option<usize>, EvalError> {
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

/// Pushes the key set of the table at that height, and says at which height it is.
pub(crate) fn push_keys(call: &mut Call<'_>, tab: usize) -> usize {
    call.push_item(tab, 0);
    call.height() - 1
}

/// Pushes the row of the values of the table at that height, and says at which height it is.
pub(crate) fn push_values(call: &mut Call<'_>, tab: usize) -> usize {
    call.push_item(tab, 1);
    call.height() - 1
}

/// Pushes a value of the table at that height.
pub(crate) fn push_value(call: &mut Call<'_>, tab: usize, item: usize) {
    let values = push_values(call, tab);
    call.push_item(values, item);
    call.remove(values);
}

/// Searches the keys of a table. Nothing, if a value must be evaluated first: it is on top then.
pub(crate) fn find(
    call: &mut Call<'_>,
    key: usize,
    tab: usize,
) -> Result<Option<KeyPosition>, EvalError> {
    let keys = push_keys(call, tab);
    let place = search(call, key, keys)?;
    if place.is_some() {
        call.drop_to(keys);
    }
    Ok(place)
}

/// A set applied to a row of as many values. The law evaluates what the set is applied to.
fn is_tab(call: &mut Call<'_>) -> JetResult {
    let app = match call.arg(0).shape() {
        Shape::Tab(..) => return return_bit(call, true),
        Shape::App(app) => app,
        _ => return return_bit(call, false),
    };
    match app.head().shape() {
        Shape::Set(_) => Ok(Answer::Law),
        _ => return_bit(call, false),
    }
}

fn keys(call: &mut Call<'_>) -> JetResult {
    table!(call, 0);
    push_keys(call, 0);
    Ok(Answer::Done)
}

fn values(call: &mut Call<'_>) -> JetResult {
    table!(call, 0);
    push_values(call, 0);
    Ok(Answer::Done)
}

fn keys_row(call: &mut Call<'_>) -> JetResult {
    table!(call, 0);
    let keys = push_keys(call, 0);
    call.push_keys(keys)?;
    Ok(Answer::Done)
}

fn keys_list(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 0);
    call.afford(3 * count as u64)?;
    let keys = push_keys(call, 0);
    call.push_small(0);
    for key in (0..count).rev() {
        call.check()?;
        call.push_item(keys, key);
        call.reverse(2);
        call.row(2)?;
    }
    Ok(Answer::Done)
}

fn len(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 0);
    return_small(call, count as u64)
}

fn is_empty(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 0);
    return_bit(call, count == 0)
}

/// Where the argument `key` is among the keys of the table that the argument `tab` is. The laws do
/// not look at the key if there are none.
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

fn idx(call: &mut Call<'_>) -> JetResult {
    match find_key!(call, 0, 1) {
        KeyPosition::Missing(_) => return_small(call, 0),
        KeyPosition::Found(at) => {
            push_value(call, 1, at);
            Ok(Answer::Eval)
        }
    }
}

fn has(call: &mut Call<'_>) -> JetResult {
    let place = find_key!(call, 0, 1);
    return_bit(call, matches!(place, KeyPosition::Found(_)))
}

/// `(0 value)`, or 0.
fn lookup(call: &mut Call<'_>) -> JetResult {
    match find_key!(call, 0, 1) {
        KeyPosition::Missing(_) => call.push_small(0),
        KeyPosition::Found(at) => {
            call.push_small(0);
            push_value(call, 1, at);
            call.app(1)?;
        }
    }
    Ok(Answer::Done)
}

fn switch(call: &mut Call<'_>) -> JetResult {
    match find_key!(call, 0, 2) {
        KeyPosition::Missing(_) => return_lazy(call, 1),
        KeyPosition::Found(at) => {
            push_value(call, 2, at);
            Ok(Answer::Eval)
        }
    }
}

/// Pushes the row of a key and its value: entry `item` of the table at that height, whose key set
/// is at height `keys`.
fn push_pair(call: &mut Call<'_>, keys: usize, tab: usize, item: usize) -> Result<(), EvalError> {
    call.push_item(keys, item);
    push_value(call, tab, item);
    call.row(2)
}

/// The entry of that number; 0 beyond the last.
fn element(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 1);
    match call.nat(0).and_then(|nat| nat.to_u64()) {
        Some(item) if item < count as u64 => {
            let keys = push_keys(call, 1);
            push_pair(call, keys, 1, item as usize)?;
            Ok(Answer::Done)
        }
        _ => return_small(call, 0),
    }
}

fn min_key(call: &mut Call<'_>) -> JetResult {
    if table!(call, 0) == 0 {
        return return_small(call, 0);
    }
    let keys = push_keys(call, 0);
    call.push_item(keys, 0);
    Ok(Answer::Done)
}

fn to_pairs(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 0);
    call.room_for(count + 8)?;
    let keys = push_keys(call, 0);
    for item in 0..count {
        call.check()?;
        push_pair(call, keys, 0, item)?;
    }
    call.row(count)?;
    Ok(Answer::Done)
}

fn to_pair_list(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 0);
    let keys = push_keys(call, 0);
    call.push_small(0);
    for item in (0..count).rev() {
        call.check()?;
        push_pair(call, keys, 0, item)?;
        call.reverse(2);
        call.row(2)?;
    }
    Ok(Answer::Done)
}

/// `tabFoldlWithKey f start tab`: `f (f start key value) key value` and so on, evaluated from the
/// inside out.
fn fold(call: &mut Call<'_>) -> JetResult {
    let count = table!(call, 2);
    if count == 0 {
        return return_lazy(call, 1);
    }
    if count > 1 && !call.may_nest() {
        return Ok(Answer::Law);
    }
    let keys = push_keys(call, 2);
    let total = call.height();
    call.push_at(1);
    for item in 0..count {
        call.check()?;
        call.push_at(0);
        call.push_at(total);
        call.push_item(keys, item);
        push_value(call, 2, item);
        if item + 1 == count {
            return Ok(Answer::Call(3));
        }
        call.run(3)?;
        call.put(total);
    }
    unreachable!("the last round returns")
}
