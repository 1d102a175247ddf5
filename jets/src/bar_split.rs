//! Jets that split bars. The laws make the list of the parts lazily, and copy the rest of the bar
//! for each part; these jets make the whole list in one pass.
//!
//! Nothing but the parts is evaluated early: a test of bytes that could crash, or take long, is left
//! to the law.

use crate::args::{is_true, return_small};
use crate::declare::{Jet, JetResult, native};
use plan::EvalError;
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] =
    &[native("barSplitWith", &[Lazy, Head], split_with), native("barLinesList", &[Head], lines)];

/// For each byte whether a test holds for it.
type ByteSet = [bool; 256];

/// The bytes of a bar for which the argument `test` returns a true value, if that is a cheap jet
/// that lacks its last argument.
fn accepted_bytes(
    call: &mut JetCall<'_>,
    test: usize,
    bar: usize,
) -> Result<Option<ByteSet>, EvalError> {
    let Some(function) = call.cheap_function(test, 1) else { return Ok(None) };
    let mut occurring: ByteSet = [false; 256];
    call.arg(bar)
        .as_bar()
        .unwrap_or_default()
        .iter()
        .for_each(|b| occurring[usize::from(*b)] = true);
    let mut accepted = [false; 256];
    for byte in (0..=u8::MAX).filter(|byte| occurring[usize::from(*byte)]) {
        let result = call.height();
        call.push_at(test);
        call.push_small(byte.into());
        call.apply(Some(function), 1)?;
        if !call.is_evaluated_at(result) {
            return Ok(None);
        }
        accepted[usize::from(byte)] = is_true(call.at(result));
        call.drop_to(result);
    }
    Ok(Some(accepted))
}

/// The ranges of a bar between the bytes of a set, at least one.
fn parts(bytes: &[u8], separators: &ByteSet) -> Vec<Range<usize>> {
    let is_separator = |byte: &u8| separators[usize::from(*byte)];
    let mut start = 0;
    let mut parts = Vec::new();
    for part in bytes.split(is_separator) {
        parts.push(start..start + part.len());
        start += part.len() + 1;
    }
    parts
}

/// Returns the list of parts of the bar at `index`.
fn return_parts(call: &mut JetCall<'_>, index: usize, parts: &[Range<usize>]) -> JetResult {
    call.room_for(8)?;
    call.push_small(0);
    for range in parts.iter().rev() {
        call.check()?;
        call.push_bar_part(index, range.clone())?;
        call.reverse(2);
        call.row(2)?;
    }
    Ok(JetAnswer::Done)
}

/// `barSplitWith f bar`: the list of the parts between bytes for which `f` returns a true value; the
/// empty list for an empty bar.
fn split_with(call: &mut JetCall<'_>) -> JetResult {
    match call.arg(1).as_bar() {
        None => return Ok(JetAnswer::Law),
        Some([]) => return return_small(call, 0),
        Some(_) => {}
    }
    let Some(separators) = accepted_bytes(call, 0, 1)? else { return Ok(JetAnswer::Law) };
    let parts = parts(call.arg(1).as_bar().unwrap_or_default(), &separators);
    return_parts(call, 1, &parts)
}

/// Returns the list of lines. Each ends with a newline, which is optional for the last line.
fn lines(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar() else { return Ok(JetAnswer::Law) };
    let mut newline = [false; 256];
    newline[usize::from(b'\n')] = true;
    let mut parts = parts(bytes, &newline);
    if parts.last().is_some_and(Range::is_empty) {
        parts.pop();
    }
    return_parts(call, 0, &parts)
}
