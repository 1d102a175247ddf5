//! The text of values for the REPL, for traces and for the machine's log, with the empty lines
//! around it.

use super::Symbol;
use super::charset::is_space;
use super::quoted::{Quoted, unquote};
use super::term::PinClosure;
use plan::limbs;
use plan::{NatRef, Ref};
use rex::Rex;
use rex::print::{Colour, block};

/// The text of a trace, or of the value of an expression at the REPL: its lines and an empty line,
/// with more empty lines around paragraphs of several lines. A value that encodes a Rex tree is
/// printed as that tree. (prototype: `trkFan`)
pub fn trace_text(value: Ref<'_>, colour: Colour) -> String {
    if Quoted::of(value).is_some() {
        return tree_text(&unquote(value, |value| PinClosure::shallow(value).value()), colour);
    }
    closure_text(None, value, colour)
}

/// The text of a log entry: a value, with a label if there is one. (prototype: `printValue`)
pub fn labelled_text(label: Option<&Symbol>, value: Ref<'_>, colour: Colour) -> String {
    closure_text(label, value, colour)
}

/// The text of a log entry with a time: the row `[[kind time] value]`.
pub fn stamped_text(kind: &str, time: &str, value: Ref<'_>, colour: Colour) -> String {
    let (kind, time) = (limbs::of_bytes(kind.as_bytes()), limbs::of_bytes(time.as_bytes()));
    let closure = PinClosure::stamped(NatRef::from_limbs(&kind), NatRef::from_limbs(&time), value);
    definitions_text(&closure, None, colour)
}

/// The text of a tree at the REPL: its lines and an empty line. (prototype: `trkRex`)
pub fn tree_text(rex: &Rex, colour: Colour) -> String {
    let mut text = block(rex, colour);
    text.push('\n');
    text
}

fn closure_text(name: Option<&Symbol>, value: Ref<'_>, colour: Colour) -> String {
    definitions_text(&PinClosure::shallow(value), name, colour)
}

fn definitions_text(closure: &PinClosure<'_>, name: Option<&Symbol>, colour: Colour) -> String {
    let definitions = closure.definitions(name);
    let mut text = paragraphs(definitions.iter().map(|rex| block(rex, colour)));
    text.push('\n');
    text
}

/// Joins blocks of lines, with empty lines around those of several lines.
/// (prototype: `niceLns`)
fn paragraphs(blocks: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut is_tight = true;
    for block in blocks {
        let block = block.trim_end_matches(is_space);
        let is_line = !block.contains('\n');
        if !(is_tight && is_line) {
            text.push('\n');
        }
        text.push_str(block);
        text.push('\n');
        is_tight = is_line;
    }
    if !is_tight {
        text.push('\n');
    }
    text
}
