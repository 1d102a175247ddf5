//! The text of values for the REPL, for traces, for messages and for the machine's log, with the
//! empty lines around it.
//!
//! Every print has a budget, which bounds its memory, its time and its text: see
//! [`PrintLimit`](super::PrintLimit). A print that is truncated, or interrupted, ends in a line that says
//! so, and is no error.

use super::Symbol;
use super::closure::{itemized, short_rex};
use super::limit::{PrintBudget, PrintLimit};
use super::quoted::{Quoted, unquote};
use super::term::PinClosure;
use super::text::{LimitedText, Paragraphs};
use plan::limbs;
use plan::{NatRef, Ref};
use rex::Rex;
use rex::print::{Colour, write_block};
use std::fmt::{self, Write};

/// The colour of printed text, and how much of a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrintOptions {
    /// The colour.
    pub colour: Colour,
    /// The limit.
    pub limit: PrintLimit,
}

/// Writes a trace, or the value of an expression at the REPL: its lines and an empty line, with
/// more empty lines around paragraphs of several lines. A value that encodes a Rex tree is printed
/// as that tree. (prototype: `trkFan`)
///
/// # Errors
///
/// Those of `out`.
pub fn write_trace(out: &mut impl Write, value: Ref<'_>, options: PrintOptions) -> fmt::Result {
    let budget = PrintBudget::new(value, options.limit);
    if Quoted::of(value).is_none() {
        return write_closure(out, &budget, &PinClosure::shallow(value, &budget), None, options);
    }
    let print = |value| PinClosure::shallow(value, &budget).value(&budget);
    write_tree(out, &budget, &unquote(value, &budget, print), options)
}

/// [`write_trace`] as a string.
pub fn trace_text(value: Ref<'_>, options: PrintOptions) -> String {
    text(|out| write_trace(out, value, options))
}

/// Writes the definition of a name at the REPL, `name=value`, and an empty line. If the value is a
/// pin, its own definition comes first, or alone if the pin has the same name. Several definitions
/// form a list with the rune `*`. (prototype: `execBind`)
///
/// # Errors
///
/// Those of `out`.
pub fn write_definition(
    out: &mut impl Write,
    name: &Symbol,
    value: Ref<'_>,
    options: PrintOptions,
) -> fmt::Result {
    let budget = PrintBudget::new(value, options.limit);
    let definitions = PinClosure::shallow(value, &budget).definitions(Some(name), &budget);
    write_tree(out, &budget, &itemized(definitions), options)
}

/// Writes a value and all pins reachable from it, as a list of definitions, and an empty line; the
/// value alone if there are no pins. (prototype: `planRexFull`)
///
/// # Errors
///
/// Those of `out`.
pub fn write_full(out: &mut impl Write, value: Ref<'_>, options: PrintOptions) -> fmt::Result {
    let budget = PrintBudget::new(value, options.limit);
    let definitions = PinClosure::full(value, &budget).definitions(None, &budget);
    write_tree(out, &budget, &itemized(definitions), options)
}

/// The short form of a value, in which pins are names, ending in a line feed. (prototype:
/// `planText`)
pub fn value_text(value: Ref<'_>, limit: PrintLimit) -> String {
    let budget = PrintBudget::new(value, limit);
    let rex = short_rex(value, &budget);
    text(|out| {
        let mut limited = LimitedText::new(out, &budget, Colour::None);
        let written = write_block(&mut limited, &rex, Colour::None);
        limited.finish(written, "")
    })
}

/// The text of a log entry: a value, with a label if there is one. (prototype: `printValue`)
pub fn labelled_text(label: Option<&Symbol>, value: Ref<'_>, options: PrintOptions) -> String {
    let budget = PrintBudget::new(value, options.limit);
    let closure = PinClosure::shallow(value, &budget);
    text(|out| write_closure(out, &budget, &closure, label, options))
}

/// The text of a log entry with a time: the row `[[kind time] value]`.
pub fn stamped_text(kind: &str, time: &str, value: Ref<'_>, options: PrintOptions) -> String {
    let budget = PrintBudget::new(value, options.limit);
    let (kind, time) = (limbs::of_bytes(kind.as_bytes()), limbs::of_bytes(time.as_bytes()));
    let (kind, time) = (NatRef::from_limbs(&kind), NatRef::from_limbs(&time));
    let closure = PinClosure::stamped(kind, time, value, &budget);
    text(|out| write_closure(out, &budget, &closure, None, options))
}

fn text(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    write(&mut text).expect("writing to a String does not fail");
    text
}

/// Writes a tree as the REPL does: its lines and an empty line. (prototype: `trkRex`)
fn write_tree(
    out: &mut impl Write,
    budget: &PrintBudget<'_>,
    rex: &Rex,
    options: PrintOptions,
) -> fmt::Result {
    let mut limited = LimitedText::new(out, budget, options.colour);
    let written = write_block(&mut limited, rex, options.colour);
    let written = written.and_then(|()| limited.write_char('\n'));
    limited.finish(written, "\n")
}

/// Writes the definitions of a closure as paragraphs, and an empty line.
fn write_closure(
    out: &mut impl Write,
    budget: &PrintBudget<'_>,
    closure: &PinClosure<'_>,
    name: Option<&Symbol>,
    options: PrintOptions,
) -> fmt::Result {
    let definitions = closure.definitions(name, budget);
    let mut limited = LimitedText::new(out, budget, options.colour);
    let mut paragraphs = Paragraphs::new(&mut limited);
    let mut written = Ok(());
    for rex in &definitions {
        written = write_block(&mut paragraphs, rex, options.colour);
        written = written.and_then(|()| paragraphs.end_block());
        if written.is_err() {
            break;
        }
    }
    let written = written.and_then(|()| paragraphs.finish());
    let written = written.and_then(|()| limited.write_char('\n'));
    limited.finish(written, "\n")
}
