//! Jets on text: nats whose bytes are the characters, the first one least significant.
//!
//! The laws divide a text by 256 for each character, or multiply by it, and so take quadratic time.
//! They also work on values that are no texts; those are left to the laws.

use crate::args::{evaluate_item, ready, return_natural, row_len};
use crate::bar_list::consume_items;
use crate::declare::{Jet, JetResult, native};
use plan::{EvalError, NatRef, Natural};
use std::convert::Infallible;
use std::fmt::Write;
use std::ops::ControlFlow;
use vm::jet::ArgDemand::Head;
use vm::jet::JetOperation;
use vm::jet::ResultShape::{Bar, Nat, Row};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("implode", &[Head], concatenate).operation(JetOperation::ConcatenateTexts).returns(Nat),
    native("strCat", &[Head], concatenate).operation(JetOperation::ConcatenateTexts),
    native("strFromList", &[Head], of_list),
    native("strToList", &[Head], to_list),
    native("explode", &[Head], to_row).returns(Row),
    native("listDigits", &[Head], digit_list),
    native("digits", &[Head], digit_row).returns(Row),
    native("showNat", &[Head], decimal).returns(Nat),
    native("loadDecimal", &[Head], of_decimal),
    native("loadHexLit", &[Head], of_hexadecimal),
    native("barFromHex", &[Head], bar_of_hexadecimal).returns(Bar),
];

/// The bytes of an argument that is a nat; answers [`JetAnswer::Law`] for anything else.
macro_rules! text {
    ($call:expr) => {
        match $call.nat(0) {
            Some(nat) => nat.bytes(),
            None => return Ok(JetAnswer::Law),
        }
    };
}

/// A text that grows by pieces, limited by the size of the heap.
#[derive(Default)]
struct TextBuilder(Vec<u8>);

impl TextBuilder {
    /// Appends the bytes of a nat. The nat 0 is the empty text.
    fn append(&mut self, call: &JetCall<'_>, piece: NatRef<'_>) -> Result<(), EvalError> {
        call.check_result_words((self.0.len() as u64 + piece.bits() / 8) / 8 + 2)?;
        match piece.to_u64() {
            Some(byte @ 1..=255) => self.0.push(byte as u8),
            _ => self.0.extend(piece.bytes()),
        }
        Ok(())
    }
}

/// Concatenates the texts in a row. Items that are no nats count as empty.
fn concatenate(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    let mut text = TextBuilder::default();
    for item in 0..count {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
        let Some(piece) = call.arg(0).as_row().and_then(|row| row.get(item)) else { break };
        let Some(piece) = piece.as_nat() else { continue };
        text.append(call, piece)?;
    }
    call.push_bytes(&text.0)?;
    Ok(JetAnswer::Done)
}

/// Concatenates the texts in a list. Items that are no nats count as empty.
fn of_list(call: &mut JetCall<'_>) -> JetResult {
    if !call.may_nest() {
        return Ok(JetAnswer::Law);
    }
    let mut text = TextBuilder::default();
    let _: Option<Infallible> = consume_items(call, |call, item| {
        if let Some(piece) = call.nat(item) {
            text.append(call, piece)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    call.push_bytes(&text.0)?;
    Ok(JetAnswer::Done)
}

/// Words of a list's cell: its header, an item, and the rest of the list.
const CELL_WORDS: u64 = 3;

/// Returns the list of these bytes.
fn return_list(call: &mut JetCall<'_>, bytes: &[u8]) -> JetResult {
    call.check_result_words(CELL_WORDS * bytes.len() as u64)?;
    call.push_small(0);
    for &byte in bytes.iter().rev() {
        call.check()?;
        call.push_small(byte.into());
        call.cons()?;
    }
    Ok(JetAnswer::Done)
}

/// Returns the row of these bytes.
fn return_row(call: &mut JetCall<'_>, bytes: &[u8]) -> JetResult {
    call.check_result_words(bytes.len() as u64 + 1)?;
    call.room_for(bytes.len())?;
    bytes.iter().for_each(|&byte| call.push_small(byte.into()));
    call.row(bytes.len())?;
    Ok(JetAnswer::Done)
}

/// The list of a text's characters.
fn to_list(call: &mut JetCall<'_>) -> JetResult {
    let bytes = text!(call);
    return_list(call, &bytes)
}

/// The row of a text's characters.
fn to_row(call: &mut JetCall<'_>) -> JetResult {
    let bytes = text!(call);
    return_row(call, &bytes)
}

/// The decimal digits of a nat.
enum Digits {
    /// Those of a nat below 2^64: the bytes from the index on.
    Few([u8; 20], usize),
    Many(String),
}

impl Digits {
    fn of_u64(mut nat: u64) -> Digits {
        let (mut digits, mut start) = ([b'0'; 20], 20);
        loop {
            start -= 1;
            digits[start] = b'0' + (nat % 10) as u8;
            nat /= 10;
            if nat == 0 {
                return Digits::Few(digits, start);
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Digits::Few(digits, start) => &digits[*start..],
            Digits::Many(digits) => digits.as_bytes(),
        }
    }
}

/// The decimal digits of an argument that is a nat, as text.
fn decimal_digits(call: &JetCall<'_>) -> Result<Option<Digits>, EvalError> {
    let Some(nat) = call.nat(0) else { return Ok(None) };
    if let Some(nat) = nat.to_u64() {
        return Ok(Some(Digits::of_u64(nat)));
    }
    // A decimal digit takes at least 3.3 bits of the nat, and one byte of the text.
    call.check_result_words(nat.bits() / 24 + 2)?;
    let mut digits = String::new();
    let written = write!(digits, "{}", nat.to_natural());
    Ok(written.ok().map(|()| Digits::Many(digits)))
}

/// The list of a nat's decimal digits, as characters.
fn digit_list(call: &mut JetCall<'_>) -> JetResult {
    match decimal_digits(call)? {
        Some(digits) => return_list(call, digits.as_bytes()),
        None => Ok(JetAnswer::Law),
    }
}

/// The row of a nat's decimal digits, as characters.
fn digit_row(call: &mut JetCall<'_>) -> JetResult {
    match decimal_digits(call)? {
        Some(digits) => return_row(call, digits.as_bytes()),
        None => Ok(JetAnswer::Law),
    }
}

/// The decimal digits of a nat, as a text.
fn decimal(call: &mut JetCall<'_>) -> JetResult {
    let Some(digits) = decimal_digits(call)? else { return Ok(JetAnswer::Law) };
    call.push_bytes(digits.as_bytes())?;
    Ok(JetAnswer::Done)
}

/// The characters of a text without `_`.
fn without_separators(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|&byte| byte != b'_').collect()
}

/// The number that a text of decimal digits spells. The law also computes something for other
/// characters.
fn of_decimal(call: &mut JetCall<'_>) -> JetResult {
    let digits = without_separators(&text!(call));
    if digits.is_empty() {
        return return_natural(call, &Natural::default());
    }
    let digits =
        str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(Ok(nat)) = digits.map(str::parse) else { return Ok(JetAnswer::Law) };
    return_natural(call, &nat)
}

/// The number that a text of hexadecimal digits spells, after a prefix of two characters. The law
/// also computes something for other characters.
fn of_hexadecimal(call: &mut JetCall<'_>) -> JetResult {
    let text = text!(call);
    let digits = without_separators(text.get(2..).unwrap_or_default());
    let Some(mut bytes) = bytes_of_hexadecimal(&digits) else { return Ok(JetAnswer::Law) };
    bytes.reverse();
    call.push_bytes(&bytes)?;
    Ok(JetAnswer::Done)
}

/// The bytes that hexadecimal digits spell, two digits a byte; an odd number of digits gets a zero
/// in front. `None` if another character is among them.
fn bytes_of_hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
    let (first, pairs) = digits.split_at(digits.len() % 2);
    let mut bytes: Vec<u8> = first.iter().map(digit).collect::<Option<_>>()?;
    for pair in pairs.chunks_exact(2) {
        bytes.push(digit(&pair[0])? << 4 | digit(&pair[1])?);
    }
    Some(bytes)
}

/// The bytes that a text of hexadecimal digits spells. Newlines are ignored. The law also computes
/// something for other characters.
fn bar_of_hexadecimal(call: &mut JetCall<'_>) -> JetResult {
    let mut digits = text!(call);
    digits.retain(|&byte| byte != b'\n');
    let Some(bytes) = bytes_of_hexadecimal(&digits) else { return Ok(JetAnswer::Law) };
    call.check_result_words(bytes.len() as u64 / 8 + 4)?;
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}
