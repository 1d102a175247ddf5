//! Jets on the heads of HTTP messages (RFC 9112, section 5).

use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, NatRef};
use std::cmp::Ordering;
use std::ops::Range;
use vm::jet::ArgDemand::Head;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[native("fieldLines", &[Head, Head], field_lines)];

/// The most lines of fields in a head.
const MAX_FIELDS: usize = 100;
/// The status codes of a head that is not accepted.
const BAD_REQUEST: u64 = 400;
const TOO_LARGE: u64 = 431;

/// The argument with the bytes of the head.
const HEAD: usize = 1;

/// A line of a field: where its name and its value are in the head.
struct FieldLine {
    name: Range<usize>,
    value: Range<usize>,
}

/// `fieldLines from bar`: the row of the table of the fields whose lines begin at the index, and of
/// the index after the empty line that ends them; or a status code. A name is a nat in lower case.
/// Values of one name are joined in their order.
fn field_lines(call: &mut JetCall<'_>) -> JetResult {
    let (Some(from), Some(bytes)) = (call.nat(0).and_then(NatRef::to_u64), call.arg(HEAD).as_bar())
    else {
        return Ok(JetAnswer::Law);
    };
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let (mut lines, end) = match parse(bytes, from) {
        Ok(parsed) => parsed,
        Err(status) => {
            call.push_small(status);
            return Ok(JetAnswer::Done);
        }
    };
    // The sort is stable, so the values of one name keep their order.
    lines.sort_by(|a, b| compare_names(&bytes[a.name.clone()], &bytes[b.name.clone()]));
    let is_same = |a: &FieldLine, b: &FieldLine| {
        bytes[a.name.clone()].eq_ignore_ascii_case(&bytes[b.name.clone()])
    };
    let fields: Vec<&[FieldLine]> = lines.chunk_by(is_same).collect();
    call.room_for(2 * fields.len() + 8)?;
    for field in &fields {
        push_name(call, field[0].name.clone())?;
    }
    call.set_of_ascending(fields.len())?;
    for field in &fields {
        push_value(call, field)?;
    }
    call.row(fields.len())?;
    call.tab()?;
    call.push_small(end as u64);
    call.row(2)?;
    Ok(JetAnswer::Done)
}

/// Finds the lines of fields from an index up to the empty line, and the index after that.
///
/// # Errors
/// The status code of a head that is malformed or has too many lines.
fn parse(bytes: &[u8], from: usize) -> Result<(Vec<FieldLine>, usize), u64> {
    let mut lines = Vec::with_capacity(16);
    let mut at = from;
    let span = |from: usize, has: fn(u8) -> bool| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|byte| !has(*byte)).map_or(bytes.len(), |count| from + count)
    };
    loop {
        if is_line_end(bytes, at) {
            return Ok((lines, at + 2));
        }
        if lines.len() >= MAX_FIELDS {
            return Err(TOO_LARGE);
        }
        let colon = span(at, is_token);
        if colon == at || bytes.get(colon) != Some(&b':') {
            return Err(BAD_REQUEST);
        }
        let start = span(colon + 1, is_blank);
        let end = span(start, is_value);
        if !is_line_end(bytes, end) {
            return Err(BAD_REQUEST);
        }
        let blanks = bytes[start..end].iter().rev().take_while(|byte| is_blank(**byte)).count();
        lines.push(FieldLine { name: at..colon, value: start..end - blanks });
        at = end + 2;
    }
}

/// Whether a CRLF is at an index.
fn is_line_end(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(b"\r\n"))
}

/// Whether a byte may be in the name of a field.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a byte may be in the value of a field.
fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=0x7e | 0x80..)
}

/// Compares two names as nats, both in lower case: the last byte is the most significant one.
fn compare_names(a: &[u8], b: &[u8]) -> Ordering {
    let reversed = |name| <[u8]>::iter(name).rev().map(u8::to_ascii_lowercase);
    a.len().cmp(&b.len()).then_with(|| reversed(a).cmp(reversed(b)))
}

/// Pushes a name in lower case, as a nat.
fn push_name(call: &mut JetCall<'_>, name: Range<usize>) -> Result<(), EvalError> {
    call.push_nat_with(name.len().div_ceil(8) as u64, |call, limbs| {
        let name = call.arg(HEAD).as_bar().and_then(|head| head.get(name)).unwrap_or_default();
        for (limb, bytes) in limbs.iter_mut().zip(name.chunks(8)) {
            let lower = bytes.iter().rev().map(|byte| u64::from(byte.to_ascii_lowercase()));
            *limb = lower.fold(0, |limb, byte| limb << 8 | byte);
        }
    })
}

/// Pushes the value of a field: the values of its lines, with separators between.
fn push_value(call: &mut JetCall<'_>, lines: &[FieldLine]) -> Result<(), EvalError> {
    if let [line] = lines {
        return call.push_bar_part(HEAD, line.value.clone());
    }
    let head = call.arg(HEAD).as_bar().unwrap_or_default();
    let is_cookie = head[lines[0].name.clone()].eq_ignore_ascii_case(b"cookie");
    let separator: &[u8] = if is_cookie { b"; " } else { b", " };
    let values: Vec<&[u8]> = lines.iter().map(|line| &head[line.value.clone()]).collect();
    let joined = values.join(separator);
    call.push_bar(&joined)
}
