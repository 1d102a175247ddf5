//! Jets that convert rows and lists to bars, and bars to rows.
//!
//! The laws make a row of the whole list before they evaluate its items, from the last to the first.
//! These jets take each item when its cell is evaluated, and drop the cell, so a list that nothing
//! else refers to takes constant space. If several parts of a list crash, another crash than that of
//! the law can be the result.

use crate::args::{evaluate_item, ready, return_lazy, row_len};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, NatRef};
use std::ops::ControlFlow;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Bar, Row};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("rowToBar", &[Head], of_row).operation(JetOperation::RowToBar).returns(Bar),
    native("barToRow", &[Head], to_row).returns(Row).operation(JetOperation::BarToRow),
    native("_BarListOff", &[Head, Head, Lazy], list_part).order(&[1, 0]),
    native("barFromList", &[Head], of_list).returns(Bar),
    native("barFromListRev", &[Head], of_reversed_list).returns(Bar),
    native("barCatList", &[Head], concatenated),
];

/// Fails if the heap cannot hold a bar of `bytes` bytes.
fn check_result_bytes(call: &JetCall<'_>, bytes: usize) -> Result<(), EvalError> {
    call.check_result_words(bytes as u64 / 8 + 4)
}

/// The low 8 bits of a nat, which the law takes as a byte.
#[inline(always)]
pub(crate) fn low_byte(nat: NatRef<'_>) -> u8 {
    match nat {
        NatRef::Small(nat) => nat as u8,
        NatRef::Limbs(limbs) => limbs.first().map_or(0, |limb| *limb as u8),
    }
}

/// Converts a row of bytes to a bar. The law evaluates the items from the last to the first.
fn of_row(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    check_result_bytes(call, count)?;
    let mut bytes = vec![0; count];
    let mut left = count;
    while left > 0 {
        call.check()?;
        // Items that are small nats are read without a look at the row for each.
        if let Some(row) = call.arg(0).as_row() {
            for nat in row.small_nats_before(left) {
                left -= 1;
                bytes[left] = nat as u8;
            }
        }
        let Some(item) = left.checked_sub(1) else { break };
        ready!(evaluate_item(call, 0, item));
        let value = call.arg(0).as_row().and_then(|row| row.get(item));
        bytes[item] = value.and_then(|value| value.as_nat()).map_or(0, low_byte);
        left = item;
    }
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}

/// Returns the row of a bar's bytes.
fn to_row(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar() else { return Ok(JetAnswer::Law) };
    call.check_result_words(bytes.len() as u64 + 1)?;
    call.push_row_of_bytes(0)?;
    Ok(JetAnswer::Done)
}

/// The most bytes in the list that `_BarListOff` makes.
const LISTED_BYTES: usize = 64;

/// `_BarListOff from bar rest`: the list of at most 64 bytes from an index on, and `rest` behind them.
fn list_part(call: &mut JetCall<'_>) -> JetResult {
    let (Some(from), Some(bytes)) = (call.nat(0), call.arg(1).as_bar()) else {
        return Ok(JetAnswer::Law);
    };
    let length = bytes.len();
    let from = from.saturating_u64().min(length as u64) as usize;
    let part = from..length.min(from + LISTED_BYTES);
    if part.is_empty() {
        return return_lazy(call, 2);
    }
    call.push_at(2);
    call.prepend_bytes(1, part)?;
    Ok(JetAnswer::Done)
}

/// The most items of a list that are evaluated together.
const ITEMS_AT_ONCE: usize = 64;

/// Returns the bytes of the list at index 0, which is dropped. If an item is not a byte, puts the
/// list back and returns `None`: the laws of the two libraries differ there.
fn list_bytes(call: &mut JetCall<'_>) -> Result<Option<Vec<u8>>, EvalError> {
    let mut bytes = Vec::new();
    let refused = consume_items(call, |call, item| {
        let Some(byte) = call.small(item).and_then(|nat| u8::try_from(nat).ok()) else {
            return Ok(ControlFlow::Break(item));
        };
        check_result_bytes(call, bytes.len() + 1)?;
        bytes.push(byte);
        Ok(ControlFlow::Continue(()))
    })?;
    let Some(item) = refused else { return Ok(Some(bytes)) };
    restore_bytes(call, item, &bytes)?;
    Ok(None)
}

/// Evaluates the items of the list at index 0, some at once, and passes their indices to `take`. If that
/// breaks, returns what it breaks with: that item and the evaluated ones behind it are on the stack
/// then, and the list has been advanced past them.
pub(crate) fn consume_items<B>(
    call: &mut JetCall<'_>,
    mut take: impl FnMut(&mut JetCall<'_>, usize) -> Result<ControlFlow<B>, EvalError>,
) -> Result<Option<B>, EvalError> {
    let first = call.height();
    loop {
        let count = call.push_next_items(0, ITEMS_AT_ONCE)?;
        if count == 0 {
            return Ok(None);
        }
        for item in first..first + count {
            if let ControlFlow::Break(value) = take(call, item)? {
                return Ok(Some(value));
            }
        }
        call.drop_to(first);
    }
}

/// Puts the items from index `from` on, and bytes in front of them, back into the list at index 0.
fn restore_bytes(call: &mut JetCall<'_>, from: usize, bytes: &[u8]) -> Result<(), EvalError> {
    push_items_back(call, from)?;
    for byte in bytes.iter().rev() {
        call.check()?;
        call.push_small(u64::from(*byte));
        push_cell_back(call)?;
    }
    Ok(())
}

/// Pops the items from index `from` on, and puts them in front of the list at index 0.
fn push_items_back(call: &mut JetCall<'_>, from: usize) -> Result<(), EvalError> {
    while call.height() > from {
        push_cell_back(call)?;
    }
    Ok(())
}

/// Pops an item, and puts it in front of the list at index 0.
fn push_cell_back(call: &mut JetCall<'_>) -> Result<(), EvalError> {
    call.room_for(8)?;
    let item = call.height() - 1;
    call.push_at(0);
    call.push_at(item);
    call.cons()?;
    call.put(0);
    call.drop_to(item);
    Ok(())
}

fn of_list(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let Some(bytes) = list_bytes(call)? else { return Ok(JetAnswer::Law) };
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}

fn of_reversed_list(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let Some(mut bytes) = list_bytes(call)? else { return Ok(JetAnswer::Law) };
    bytes.reverse();
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}

/// Concatenates a list of bars. If an item is not a bar, the law gets the list again.
fn concatenated(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let mut whole = Vec::new();
    let mut ends = Vec::new();
    let refused = consume_items(call, |call, item| {
        let Some(bytes) = call.at(item).as_bar() else { return Ok(ControlFlow::Break(item)) };
        check_result_bytes(call, whole.len() + bytes.len())?;
        whole.extend_from_slice(bytes);
        ends.push(whole.len());
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(item) = refused {
        restore_list(call, item, &whole, &ends)?;
        return Ok(JetAnswer::Law);
    }
    call.push_bar(&whole)?;
    Ok(JetAnswer::Done)
}

/// Puts the items from index `from` on, and bars in front of them, back into the list at index 0. The bars are
/// the bytes `whole`, divided at `ends`.
fn restore_list(
    call: &mut JetCall<'_>,
    from: usize,
    whole: &[u8],
    ends: &[usize],
) -> Result<(), EvalError> {
    push_items_back(call, from)?;
    for (number, &end) in ends.iter().enumerate().rev() {
        call.check()?;
        let start = if number == 0 { 0 } else { ends[number - 1] };
        call.push_bar(&whole[start..end])?;
        push_cell_back(call)?;
    }
    Ok(())
}
