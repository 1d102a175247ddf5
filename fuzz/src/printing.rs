//! Printing is linear: the text and the number of pieces that it is written in are bounded by the
//! limit, and without a limit by the number of parts of the value.

use crate::bounds::small_vm;
use crate::terms::{below, number, value};
use arbitrary::Unstructured;
use plan::{EvalError, PinCounting, Ref, Val, ValueBuilder, plain};
use rex::print::{Colour, MAX_COLUMN};
use show::{PrintLimit, PrintOptions, write_definition, write_full, write_trace};
use spec::Term;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vm::Vm;

/// The greatest number of parts of a value that is printed without a limit. Its parts and the names
/// of its variables are within the limit of the small heap.
const MAX_PARTS: u64 = 1 << 11;

/// The greatest size of the line that says what is missing, with what ends the line before it.
const NOTICE_SIZE: usize = 250;

/// The characters of a part besides its indentation: its brackets and runes, and the parameters of
/// a law.
const MAX_PART_TEXT: usize = 300;

/// The pieces of text that a part is written in: 64 columns of indentation each, and those of
/// brackets, runes, words and colours.
const MAX_PART_PIECES: usize = 300;

/// Makes a value that the bytes describe, with deep and shared parts, and prints it in three ways:
/// within a limit, whole, and while an interrupt is requested.
///
/// # Panics
/// If a text or the number of its pieces exceeds its bound, or if a small value is truncated.
pub fn check(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let mut vm = small_vm(Arc::default(), false);
    let limit = PrintLimit { bytes: 1 + number(&mut bytes) % 8192, ..PrintLimit::DEFAULT };
    let colour = [Colour::None, Colour::Terminal][usize::from(below(&mut bytes, 2))];
    // A value that does not fit in the small heap is no input for this check.
    let has_few_names = below(&mut bytes, 2) == 0;
    let Ok(value) = described(&mut vm, &mut bytes, has_few_names) else { return };
    let seen = vm.look(&value);
    for print in [Form::Trace, Form::Definition, Form::Full] {
        let text = print.run(seen, PrintOptions { colour, limit });
        let most = limit.bytes as usize + NOTICE_SIZE;
        assert!(text.size <= most, "{} bytes with the limit {}", text.size, limit.bytes);
        let parts = limit.bytes as usize / 8 + 65;
        assert!(text.pieces <= parts * MAX_PART_PIECES, "{} pieces, {parts} parts", text.pieces);

        let parts = seen.written_size(PinCounting::Expanded).expect("it is not interrupted");
        if has_few_names && parts <= MAX_PARTS {
            let whole = PrintOptions { colour, limit: PrintLimit::UNLIMITED };
            let text = print.run(seen, whole);
            let parts = parts as usize;
            assert!(!text.is_truncated, "a value of {parts} parts is truncated");
            assert!(
                text.size <= parts * (MAX_COLUMN + MAX_PART_TEXT) + 10,
                "{parts}: {}",
                text.size
            );
            assert!(text.pieces <= parts * MAX_PART_PIECES, "{parts} parts: {}", text.pieces);
        }
    }
    let flag = vm.interrupt_flag();
    flag.store(true, Ordering::Relaxed);
    let text = Form::Trace.run(seen, PrintOptions { colour, limit: PrintLimit::UNLIMITED });
    assert!(text.pieces < 1 << 16, "an interrupt is not seen: {} pieces", text.pieces);
    assert!(flag.load(Ordering::Relaxed), "printing cleared the request to stop");
}

/// A way of printing.
#[derive(Clone, Copy)]
enum Form {
    Trace,
    Definition,
    Full,
}

impl Form {
    fn run(self, value: Ref<'_>, options: PrintOptions) -> CountedText {
        let mut text = CountedText::default();
        let written = match self {
            Form::Trace => write_trace(&mut text, value, options),
            Form::Definition => write_definition(&mut text, &"name".into(), value, options),
            Form::Full => write_full(&mut text, value, options),
        };
        written.expect("the writer accepts every text");
        text
    }
}

/// The size of a text, and of how many pieces it was written.
#[derive(Default)]
struct CountedText {
    size: usize,
    pieces: usize,
    is_truncated: bool,
}

impl Write for CountedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.size += text.len();
        self.pieces += 1;
        self.is_truncated |= text.starts_with("... truncated: ");
        Ok(())
    }
}

/// A value that the bytes describe: they push values on a stack, and wrap the top ones repeatedly.
/// With few names, no law has more than 20 parameters.
fn described(
    vm: &mut Vm,
    bytes: &mut Unstructured<'_>,
    has_few_names: bool,
) -> Result<Val, EvalError> {
    let term = if has_few_names { Term::from(number(bytes)) } else { value(bytes, 4) };
    let first = plain::from_term(vm, &term)?;
    let mut top = vm.force(&first).unwrap_or(first);
    for _ in 0..below(bytes, 8) {
        let times = number(bytes) % 3_000;
        let wrap = below(bytes, 12);
        let doublings = times.min(40);
        let times = if wrap == 0 { doublings } else { times };
        top = vm.build(|b| {
            b.push(&top);
            (0..times).try_for_each(|n| wrap_top(b, wrap, n))
        })?;
    }
    Ok(top)
}

/// Replaces the value on top of the builder by one that holds it, in the way of that number.
fn wrap_top(b: &mut ValueBuilder<'_>, wrap: u8, n: u64) -> Result<(), EvalError> {
    let top = b.len() - 1;
    match wrap {
        0 => {
            b.push_copy(top);
            b.row(2)
        }
        1 => b.pin(),
        2 => {
            b.push_nat(n)?;
            b.row(2)
        }
        3 => {
            b.push_nat(n)?;
            b.push_copy(top);
            b.row(2)
        }
        4 => law(b, top, n % 20 + 1),
        // A call, a let, a constant.
        5 => code(b, top, 0),
        6 => code(b, top, 1),
        7 => {
            b.push_nat(2)?;
            b.push_copy(top);
            b.app(1)
        }
        8 => {
            b.push_nat(1)?;
            b.push_nat(2)?;
            b.push_nat(n)?;
            b.row(1)?;
            b.law()?;
            b.push_copy(top);
            b.row(1)?;
            b.app(1)
        }
        9 => {
            law(b, top, 1)?;
            b.pin()
        }
        10 => {
            b.push_bar(b"a text with\ntwo lines and }")?;
            b.push_copy(top);
            b.row(2)
        }
        _ => {
            b.push_nat_bytes(b"##OPEN")?;
            b.push_nat(4)?;
            b.push_nat(0)?;
            b.law()?;
            b.pin()?;
            b.push_nat(u64::from(b'|'))?;
            b.push_copy(top);
            b.row(1)?;
            b.push_nat(0)?;
            b.app(3)
        }
    }
}

/// Pushes a law whose body is the value at that index.
fn law(b: &mut ValueBuilder<'_>, body: usize, arity: u64) -> Result<(), EvalError> {
    b.push_nat(97 + arity % 26)?;
    b.push_nat(arity)?;
    b.push_copy(body);
    b.law()
}

/// Pushes `(operation 1 x)`, which is code in a law's body, of the value at that index.
fn code(b: &mut ValueBuilder<'_>, value: usize, operation: u64) -> Result<(), EvalError> {
    b.push_nat(operation)?;
    b.push_nat(1)?;
    b.push_copy(value);
    b.app(2)
}
