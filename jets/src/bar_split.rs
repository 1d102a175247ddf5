//! Jets that split bars, and that search them for a byte that satisfies a test. The laws make the
//! list of the parts lazily; these jets make the whole list in one pass.
//!
//! Nothing but the parts is evaluated early: a test of bytes that could crash, or take long, is left
//! to the law.

use crate::args::{evaluate_arg, is_true, return_small};
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, NatRef};
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

/// What separates the parts of a bar.
enum Separators {
    /// A byte; `None` if no byte is equal to the value that is tested for.
    Equal(Option<u8>),
    /// The bytes that the argument 0 accepts, as far as they have been tested.
    Accepted(CheapFunction, Box<TestResults>),
}

impl Separators {
    /// The separators that the argument 0 accepts, if it is a cheap jet that lacks its last argument.
    fn of_test(call: &JetCall<'_>) -> Option<Separators> {
        let function = call.cheap_function(0, 1)?;
        Some(match function.equal_to() {
            Some(nat) => Separators::Equal(u8::try_from(nat).ok()),
            None => Separators::Accepted(function, Box::new([Unknown; 256])),
        })
    }

    /// The index of the last separator among the first `end` bytes of the bar at index `bar`, or `Err` if
    /// a test is not evaluated.
    fn last_before(
        &mut self,
        call: &mut JetCall<'_>,
        bar: usize,
        end: usize,
    ) -> Result<Result<Option<usize>, Undecided>, EvalError> {
        let (function, results) = match self {
            Separators::Equal(None) => return Ok(Ok(None)),
            Separators::Equal(Some(byte)) => {
                let bytes = call.arg(bar).as_bar().unwrap_or_default();
                return Ok(Ok(memchr::memrchr(*byte, &bytes[..end])));
            }
            Separators::Accepted(function, results) => (*function, results),
        };
        let mut end = end;
        loop {
            let bytes = call.arg(bar).as_bar().unwrap_or_default();
            let is_rejected = |byte: &u8| results[usize::from(*byte)] == Rejected;
            let Some(index) = bytes[..end].iter().rposition(|byte| !is_rejected(byte)) else {
                return Ok(Ok(None));
            };
            let byte = bytes[index];
            if results[usize::from(byte)] == Unknown {
                let Some(is_accepted) = test_byte(call, function, 0, byte)? else {
                    return Ok(Err(Undecided));
                };
                results[usize::from(byte)] = if is_accepted { Accepted } else { Rejected };
            }
            if results[usize::from(byte)] == Accepted {
                return Ok(Ok(Some(index)));
            }
            end = index;
        }
    }
}

/// The result of a test is not evaluated.
struct Undecided;

/// Returns the list of the parts of the first `end` bytes of the bar at index `bar` between separators. The
/// last part comes first, so that the list is made from its end.
fn return_parts(
    call: &mut JetCall<'_>,
    bar: usize,
    mut end: usize,
    separators: &mut Separators,
) -> JetResult {
    call.room_for(8)?;
    let list = call.height();
    call.push_small(0);
    loop {
        call.check()?;
        let Ok(separator) = separators.last_before(call, bar, end)? else {
            call.drop_to(list);
            return Ok(JetAnswer::Law);
        };
        call.push_bar_part(bar, separator.map_or(0, |index| index + 1)..end)?;
        call.cons()?;
        match separator {
            Some(index) => end = index,
            None => return Ok(JetAnswer::Done),
        }
    }
}

/// `barSplitWith f bar`: the list of the parts between bytes for which `f` returns a true value; the
/// empty list for an empty bar.
fn split_with(call: &mut JetCall<'_>) -> JetResult {
    let length = match call.arg(1).as_bar() {
        None => return Ok(JetAnswer::Law),
        Some([]) => return return_small(call, 0),
        Some(bytes) => bytes.len(),
    };
    match Separators::of_test(call) {
        Some(mut separators) => return_parts(call, 1, length, &mut separators),
        None => Ok(JetAnswer::Law),
    }
}

/// Returns the list of lines. Each ends with a newline, which is optional for the last line.
fn lines(call: &mut JetCall<'_>) -> JetResult {
    let end = match call.arg(0).as_bar() {
        None => return Ok(JetAnswer::Law),
        Some([]) => return return_small(call, 0),
        Some(bytes) => bytes.len() - usize::from(bytes.ends_with(b"\n")),
    };
    return_parts(call, 0, end, &mut Separators::Equal(Some(b'\n')))
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
