//! Jets on bars (byte strings).
//!
//! The laws compute with the nat in a bar's body, so they also return something for laws that are
//! not bars. These jets answer [`JetAnswer::Law`] for such arguments.

use crate::args::{
    drop_count, evaluate_arg, evaluate_item, push_law_header, ready, return_bit, return_small,
    row_len, take_count,
};
use crate::bar_list::low_byte;
use crate::declare::{Jet, JetResult, native};
use crate::tree::leaves;
use plan::{EvalError, Items, NatRef, Ref, limbs};
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::CheapCondition::Always;
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Bar, Bit, Nat, Small};
use vm::jet::{JetAnswer, JetCall};

/// A bar of at least this many bytes is appended to where that makes most of the result.
const APPENDED_LENGTH: usize = 256;

/// The number of bytes whose applications are made together: a function that computes them cheaply
/// then makes no thunks.
const GENERATED_AT_ONCE: usize = 512;

pub(crate) const JETS: &[Jet] = &[
    native("isBar", &[Head], is_bar).total(Bit).cheap(Always),
    native("_Bar", &[Lazy], make),
    native("natBar", &[Head], from_nat).total(Bar),
    native("barNat", &[Head], to_nat).returns(Nat),
    native("barLen", &[Head], len).operation(JetOperation::ByteCount).returns(Nat).cheap(Always),
    native("barIsEmpty", &[Head], is_empty)
        .returns(Bit)
        .operation(JetOperation::BarIsEmpty)
        .cheap(Always),
    native("_NatToSizedBar", &[Head, Head], sized).order(&[1, 0]).operation(JetOperation::SizedBar),
    native("barIdx", &[Head, Head], idx).operation(JetOperation::Byte).returns(Small).cheap(Always),
    native("barWeld", &[Head, Head], weld).order(&[1, 0]),
    native("barCat", &[Head], cat).operation(JetOperation::ConcatenateBars),
    native("barFlat", &[Head], flat).returns(Bar),
    native("barGen", &[Head, Lazy], generate).returns(Bar),
    native("barTake", &[Head, Head], take),
    native("barDrop", &[Head, Head], drop),
    native("barSlice", &[Head, Head, Head], slice)
        .order(&[1, 0, 2])
        .operation(JetOperation::BarSlice),
    native("_BarSliceToNat", &[Head, Head, Head], slice_to_nat).order(&[1, 0, 2]).returns(Nat),
    native("barElemIndexEnd", &[Lazy, Head], last_index),
    native("barElemIndexOff", &[Lazy, Head, Head], index_from).returns(Nat),
    native("barSpanOff", &[Lazy, Head, Head], span_from).order(&[2, 1]).returns(Nat),
    native("barFind", &[Lazy, Head, Head], find).order(&[2, 1]).returns(Nat),
];

/// The bytes of an argument that is a bar; answers [`JetAnswer::Law`] for anything else.
macro_rules! bar {
    ($call:expr, $index:expr) => {
        match $call.arg($index).as_bar() {
            Some(bytes) => bytes,
            None => return Ok(JetAnswer::Law),
        }
    };
}

/// Fails if the heap cannot hold a bar of `bytes` bytes.
fn check_result_bytes(call: &JetCall<'_>, bytes: u64) -> Result<(), EvalError> {
    call.check_result_words(bytes / 8 + 4)
}

fn is_bar(call: &mut JetCall<'_>) -> JetResult {
    let answer = call.arg(0).as_bar().is_some();
    return_bit(call, answer)
}

/// Returns the law `{1 1 pad}`. It is a bar if the pad ends one bit after a whole byte.
fn make(call: &mut JetCall<'_>) -> JetResult {
    push_law_header(call, 1, 1);
    call.push_at(0);
    Ok(JetAnswer::Call(3))
}

fn from_nat(call: &mut JetCall<'_>) -> JetResult {
    if let Some(nat) = call.small(0) {
        call.push_bar_of_number(nat, 8 - nat.leading_zeros() as usize / 8)?;
        return Ok(JetAnswer::Done);
    }
    let bytes = call.cast(0).byte_count();
    call.push_bar_with(bytes, |call, out| limbs::to_bytes(out, call.cast(0).limbs()))?;
    Ok(JetAnswer::Done)
}

/// Returns the bytes `range` of the bar at `index` as a nat.
fn return_bytes_as_nat(call: &mut JetCall<'_>, index: usize, range: Range<usize>) -> JetResult {
    let bytes = bar!(call, index).get(range.clone()).unwrap_or_default().len();
    call.push_nat_with(bytes.div_ceil(8) as u64, |call, out| {
        let part = call.arg(index).as_bar().and_then(|bar| bar.get(range));
        limbs::from_bytes(out, part.unwrap_or_default());
    })?;
    Ok(JetAnswer::Done)
}

fn to_nat(call: &mut JetCall<'_>) -> JetResult {
    let bytes = bar!(call, 0).len();
    return_bytes_as_nat(call, 0, 0..bytes)
}

fn len(call: &mut JetCall<'_>) -> JetResult {
    let len = bar!(call, 0).len() as u64;
    return_small(call, len)
}

fn is_empty(call: &mut JetCall<'_>) -> JetResult {
    let empty = bar!(call, 0).is_empty();
    return_bit(call, empty)
}

/// Returns a nat as a bar of `size` bytes. The law adds the terminating 1 bit at position `8 *
/// size` even if the nat is longer, so a nat that does not fit gives a longer bar, or a law that is
/// no bar.
fn sized(call: &mut JetCall<'_>) -> JetResult {
    if let (Some(size), Some(nat)) = (call.small(0), call.small(1))
        && (size == 8 || size < 8 && nat >> (8 * size) == 0)
    {
        call.push_bar_of_number(nat, size as usize)?;
        return Ok(JetAnswer::Done);
    }
    let size = call.cast(0).saturating_u64();
    check_result_bytes(call, size)?;
    if call.cast(1).byte_count() <= size {
        call.push_bar_with(size, |call, out| limbs::to_bytes(out, call.cast(1).limbs()))?;
        return Ok(JetAnswer::Done);
    }
    push_law_header(call, 1, 1);
    let one = call.height();
    call.push_nat_with(limbs::shifted_left_len(&[1], 8 * size), |_, out| {
        limbs::shift_left(out, &[1], 8 * size);
    })?;
    call.push_nat_with(call.limb_count(1).max(call.limb_count(one)) + 1, |call, out| {
        limbs::add(out, call.cast(1).limbs(), call.cast(one).limbs());
    })?;
    call.put(one);
    Ok(JetAnswer::Call(3))
}

fn idx(call: &mut JetCall<'_>) -> JetResult {
    let index = usize::try_from(call.cast(0).saturating_u64()).unwrap_or(usize::MAX);
    let byte = bar!(call, 1).get(index).copied().unwrap_or(0);
    return_small(call, u64::from(byte))
}

fn weld(call: &mut JetCall<'_>) -> JetResult {
    bar!(call, 0);
    let right = bar!(call, 1).to_vec();
    call.push_appended(0, &right)?;
    Ok(JetAnswer::Done)
}

/// Concatenates a row of bars. The law evaluates them from the last to the first.
fn cat(call: &mut JetCall<'_>) -> JetResult {
    if call.push_short_concatenation(0, APPENDED_LENGTH)? {
        return Ok(JetAnswer::Done);
    }
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    let are_evaluated = |row: Items<'_>| row.iter().all(Ref::is_evaluated);
    if !call.arg(0).as_row().is_some_and(are_evaluated) {
        for item in (0..count).rev() {
            call.check()?;
            ready!(evaluate_item(call, 0, item));
        }
        if call.push_short_concatenation(0, APPENDED_LENGTH)? {
            return Ok(JetAnswer::Done);
        }
    }
    let Some(row) = call.arg(0).as_row() else { return Ok(JetAnswer::Law) };
    let (mut first, mut total) = (None, 0);
    for item in row.iter() {
        call.check()?;
        let Some(bytes) = item.as_bar() else { return Ok(JetAnswer::Law) };
        first.get_or_insert(bytes.len());
        total += bytes.len();
    }
    check_result_bytes(call, total as u64)?;
    match first {
        // Appending to a long bar does not copy it each time.
        Some(first) if first >= APPENDED_LENGTH && first > total / 2 => {
            let mut more = vec![0; total - first];
            copy_bars(call, 1, &mut more);
            call.push_item(0, 0);
            call.push_appended(call.height() - 1, &more)?;
        }
        _ => call.push_bar_with(total as u64, |call, bytes| copy_bars(call, 0, bytes))?,
    }
    Ok(JetAnswer::Done)
}

/// Writes the bytes of the bars in the row at index 0, from that item on, one after the other.
fn copy_bars(call: &JetCall<'_>, from: usize, mut bytes: &mut [u8]) {
    let row = call.arg(0).as_row();
    for bar in row.iter().flat_map(|row| row.iter()).skip(from).filter_map(|item| item.as_bar()) {
        let (part, rest) = bytes.split_at_mut(bar.len());
        part.copy_from_slice(bar);
        bytes = rest;
    }
}

/// `barGen n f`: the bar of the bytes `f i` for all `i` below `n`. The law evaluates them from the
/// last to the first.
fn generate(call: &mut JetCall<'_>) -> JetResult {
    let count = call.cast(0).saturating_u64();
    check_result_bytes(call, count)?;
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let mut bytes = vec![0; count as usize];
    let height = call.height();
    let mut end = bytes.len();
    for part in bytes.rchunks_mut(GENERATED_AT_ONCE) {
        let start = end - part.len();
        call.room_for(part.len() + 16)?;
        (start..end).for_each(|index| call.push_small(index as u64));
        call.apply_to_each(1, part.len())?;
        for (index, byte) in part.iter_mut().enumerate().rev() {
            let item = height + index;
            if let Some(nat) = call.small(item) {
                *byte = nat as u8;
                continue;
            }
            call.check()?;
            call.drop_to(item + 1);
            if !call.is_evaluated_at(item) {
                call.head()?;
            }
            *byte = low_byte(call.cast(item));
        }
        call.drop_to(height);
        end = start;
    }
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}

/// Concatenates the bars among the leaves of a tree.
fn flat(call: &mut JetCall<'_>) -> JetResult {
    let mut whole = Vec::new();
    ready!(leaves(call, 0, |call, leaf| {
        if let Some(bytes) = leaf.as_bar() {
            check_result_bytes(call, (whole.len() + bytes.len()) as u64)?;
            whole.extend_from_slice(bytes);
        }
        Ok(())
    }));
    call.push_bar(&whole)?;
    Ok(JetAnswer::Done)
}

fn take(call: &mut JetCall<'_>) -> JetResult {
    let taken = take_count(call, bar!(call, 1).len());
    call.push_bar_part(1, 0..taken)?;
    Ok(JetAnswer::Done)
}

fn drop(call: &mut JetCall<'_>) -> JetResult {
    let count = bar!(call, 1).len();
    let dropped = drop_count(call, count);
    call.push_bar_part(1, dropped..count)?;
    Ok(JetAnswer::Done)
}

/// The bytes of the bar at index 2 that an offset and a width select, the arguments 0 and 1. An
/// offset that is not a nat counts as 0, a width that is not a nat as unlimited. `None` if the
/// argument is not a bar.
fn selected_range(call: &JetCall<'_>) -> Option<Range<usize>> {
    let bytes = call.arg(2).as_bar()?;
    let from = drop_count(call, bytes.len());
    let rest = bytes.len() - from;
    let width = match call.nat(1) {
        Some(nat) => nat.saturating_u64().min(rest as u64) as usize,
        None => rest,
    };
    Some(from..from + width)
}

/// `barSlice offset width bar`: a part of a bar.
fn slice(call: &mut JetCall<'_>) -> JetResult {
    let Some(range) = selected_range(call) else { return Ok(JetAnswer::Law) };
    call.push_bar_part(2, range)?;
    Ok(JetAnswer::Done)
}

/// `_BarSliceToNat offset width bar`: a part of a bar as a nat.
fn slice_to_nat(call: &mut JetCall<'_>) -> JetResult {
    match selected_range(call) {
        Some(range) => return_bytes_as_nat(call, 2, range),
        None => Ok(JetAnswer::Law),
    }
}

/// The first argument as a byte; `None` if it is not a nat below 256.
fn byte_argument(call: &JetCall<'_>) -> Option<u8> {
    call.nat(0).and_then(NatRef::to_u64).and_then(|byte| u8::try_from(byte).ok())
}

/// Returns `(0 index)` for the last occurrence of a byte, 0 if there is none. The law does not
/// evaluate the byte if the bar is empty.
fn last_index(call: &mut JetCall<'_>) -> JetResult {
    if bar!(call, 1).is_empty() {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 0);
    let byte = byte_argument(call);
    let bytes = bar!(call, 1);
    let found = byte.and_then(|byte| bytes.iter().rposition(|b| *b == byte));
    match found {
        None => call.push_small(0),
        Some(index) => {
            call.push_small(0);
            call.push_small(index as u64);
            call.app(1)?;
        }
    }
    Ok(JetAnswer::Done)
}

/// Returns the length of the bar at index 2 if the offset at index 1 is past its end; otherwise
/// the offset.
macro_rules! offset_in_bar {
    ($call:expr) => {{
        let len = bar!($call, 2).len();
        match $call.nat(1).and_then(NatRef::to_u64) {
            Some(from) if from < len as u64 => from as usize,
            _ => return return_small($call, len as u64),
        }
    }};
}

/// `barElemIndexOff byte offset bar`: the index of the first occurrence of a byte at or after the
/// offset, or the bar's length. The law does not evaluate the byte if the offset is past the end.
fn index_from(call: &mut JetCall<'_>) -> JetResult {
    let from = offset_in_bar!(call);
    evaluate_arg!(call, 0);
    let byte = byte_argument(call);
    let bytes = bar!(call, 2);
    let found = byte.and_then(|byte| memchr::memchr(byte, &bytes[from..]));
    let index = found.map_or(bytes.len(), |found| from + found);
    return_small(call, index as u64)
}

/// The number of limbs of a nat with a bit for each byte.
const CLASS_LIMBS: usize = 4;

/// `barSpanOff class offset bar`: the index of the first byte at or after the offset that is not in
/// the class, or the bar's length. Byte `b` is in the class if bit `b` of the nat is set. The law
/// does not evaluate the class if the offset is past the end.
fn span_from(call: &mut JetCall<'_>) -> JetResult {
    let from = offset_in_bar!(call);
    evaluate_arg!(call, 0);
    let mut class = [0; CLASS_LIMBS];
    match call.cast(0) {
        NatRef::Small(nat) => class[0] = nat,
        NatRef::Limbs(limbs) => {
            class.iter_mut().zip(limbs).for_each(|(word, limb)| *word = *limb);
        }
    }
    let bytes = bar!(call, 2);
    let has = |byte: u8| class[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
    let outside = bytes[from..].iter().position(|&byte| !has(byte));
    let index = outside.map_or(bytes.len(), |outside| from + outside);
    return_small(call, index as u64)
}

/// `barFind part offset bar`: the index of the first occurrence of a bar at or after the offset, or
/// the bar's length. The law does not evaluate the part if the offset is past the end.
fn find(call: &mut JetCall<'_>) -> JetResult {
    let from = offset_in_bar!(call);
    evaluate_arg!(call, 0);
    let part = bar!(call, 0);
    let bytes = bar!(call, 2);
    let found = memchr::memmem::find(&bytes[from..], part);
    let index = found.map_or(bytes.len(), |found| from + found);
    return_small(call, index as u64)
}
