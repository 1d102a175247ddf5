//! Jets that split bars, and that search them for a byte that satisfies a test. The laws make the
//! list of the parts lazily; these jets make the whole list in one pass.
//!
//! Nothing but the parts is evaluated early: a test of bytes that could crash, or take long, is left
//! to the law.

use crate::args::{evaluate_arg, is_true, return_small};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, NatRef};
use std::ops::Range;
use vm::jet::ArgDemand::{Head, Lazy};
use vm::jet::{CheapFunction, JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("barSplitWith", &[Lazy, Head], split_with),
    native("barLinesList", &[Head], lines),
    native("barFindIndex", &[Lazy, Head], find_index),
    native("barFindIndexOff", &[Lazy, Head, Head], find_index_from),
];

/// What is known of the result of a test for a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TestResult {
    Unknown,
    Rejected,
    Accepted,
}

use TestResult::{Accepted, Rejected, Unknown};

/// The results of a test, by byte.
type TestResults = [TestResult; 256];

/// The result of the argument `test`, a cheap function, for a byte; `None` if it is unevaluated.
fn test_byte(
    call: &mut JetCall<'_>,
    function: CheapFunction,
    test: usize,
    byte: u8,
) -> Result<Option<bool>, EvalError> {
    if let Some(value) = function.of_small(byte.into()) {
        return Ok(Some(value != 0));
    }
    let result = call.height();
    call.push_at(test);
    call.push_small(byte.into());
    call.apply(Some(function), 1)?;
    let is_accepted = call.is_evaluated_at(result).then(|| is_true(call.at(result)));
    call.drop_to(result);
    Ok(is_accepted)
}

/// The ranges of the bar at index `bar` between the bytes that the argument `test` accepts, at least one.
/// `None` if the argument is not a cheap jet that lacks its last argument.
fn parts_between_accepted(
    call: &mut JetCall<'_>,
    test: usize,
    bar: usize,
) -> Result<Option<Vec<Range<usize>>>, EvalError> {
    let Some(function) = call.cheap_function(test, 1) else { return Ok(None) };
    let mut parts = Parts::new([Unknown; 256]);
    while let Some(byte) = parts.pass_known(call.arg(bar).as_bar().unwrap_or_default()) {
        let Some(is_accepted) = test_byte(call, function, test, byte)? else { return Ok(None) };
        parts.results[usize::from(byte)] = if is_accepted { Accepted } else { Rejected };
    }
    Ok(Some(parts.ranges))
}

/// The ranges of a bar between separators, as far as the bar has been read.
struct Parts {
    results: TestResults,
    ranges: Vec<Range<usize>>,
    /// The beginning of the part that is read.
    start: usize,
    /// The index of the next byte.
    next: usize,
}

impl Parts {
    fn new(results: TestResults) -> Parts {
        Parts { results, ranges: Vec::new(), start: 0, next: 0 }
    }

    /// Reads the bytes up to one whose test result is unknown, which it returns, or up to the end, where
    /// the last part ends.
    fn pass_known(&mut self, bytes: &[u8]) -> Option<u8> {
        for &byte in &bytes[self.next..] {
            match self.results[usize::from(byte)] {
                Unknown => return Some(byte),
                Accepted => {
                    self.ranges.push(self.start..self.next);
                    self.start = self.next + 1;
                }
                Rejected => {}
            }
            self.next += 1;
        }
        self.ranges.push(self.start..self.next);
        None
    }
}

/// Returns the list of parts of the bar at `index`.
fn return_parts(call: &mut JetCall<'_>, index: usize, parts: &[Range<usize>]) -> JetResult {
    call.room_for(8)?;
    call.push_small(0);
    for range in parts.iter().rev() {
        call.check()?;
        call.push_bar_part(index, range.clone())?;
        call.cons()?;
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
    match parts_between_accepted(call, 0, 1)? {
        Some(parts) => return_parts(call, 1, &parts),
        None => Ok(JetAnswer::Law),
    }
}

/// Returns the list of lines. Each ends with a newline, which is optional for the last line.
fn lines(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar() else { return Ok(JetAnswer::Law) };
    let mut results = [Rejected; 256];
    results[usize::from(b'\n')] = Accepted;
    let mut parts = Parts::new(results);
    parts.pass_known(bytes);
    let mut parts = parts.ranges;
    if parts.last().is_some_and(Range::is_empty) {
        parts.pop();
    }
    return_parts(call, 0, &parts)
}

/// The index of the first byte at or after `from` of the bar at index `bar` for which the argument 0
/// returns a true value, or the bar's length; `None` if the argument is not a cheap function.
fn first_accepted(
    call: &mut JetCall<'_>,
    bar: usize,
    from: usize,
) -> Result<Option<usize>, EvalError> {
    let Some(function) = call.cheap_function(0, 1) else { return Ok(None) };
    let mut rejected = [false; 256];
    let mut at = from;
    loop {
        let bytes = call.arg(bar).as_bar().unwrap_or_default();
        let is_new = |byte: &u8| !rejected[usize::from(*byte)];
        let Some(distance) = bytes[at..].iter().position(is_new) else {
            return Ok(Some(bytes.len()));
        };
        at += distance;
        let byte = bytes[at];
        match test_byte(call, function, 0, byte)? {
            Some(true) => return Ok(Some(at)),
            Some(false) => rejected[usize::from(byte)] = true,
            None => return Ok(None),
        }
    }
}

/// `barFindIndexOff test from bar`: the index of the first byte at or after the offset that
/// satisfies a test, or the bar's length. The law does not evaluate the test if the offset is past
/// the end.
fn find_index_from(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(2).as_bar() else { return Ok(JetAnswer::Law) };
    let len = bytes.len();
    let from = match call.nat(1).and_then(NatRef::to_u64) {
        Some(from) if from < len as u64 => from as usize,
        _ => return return_small(call, len as u64),
    };
    evaluate_arg!(call, 0);
    match first_accepted(call, 2, from)? {
        Some(index) => return_small(call, index as u64),
        None => Ok(JetAnswer::Law),
    }
}

/// `barFindIndex test bar`: `(0 index)` for the first byte that satisfies a test, or 0.
fn find_index(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(1).as_bar() else { return Ok(JetAnswer::Law) };
    let len = bytes.len();
    if len == 0 {
        return return_small(call, 0);
    }
    evaluate_arg!(call, 0);
    match first_accepted(call, 1, 0)? {
        None => Ok(JetAnswer::Law),
        Some(index) if index == len => return_small(call, 0),
        Some(index) => {
            call.push_small(0);
            call.push_small(index as u64);
            call.app(1)?;
            Ok(JetAnswer::Done)
        }
    }
}
