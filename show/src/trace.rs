//! What the REPL, `trk` and the machine's log print, with the empty lines around it.

use super::Symbol;
use super::charset::is_space;
use super::quoted::{Quoted, unquote};
use super::term::Closure;
use plan::limbs;
use plan::{NatRef, Ref};
use rex::Rex;
use rex::print::{Colour, block};

/// The text that shows a value to the user: a trace, or the value of an expression at the REPL.
/// Its lines, with an empty one behind them, and others around it if they are several. A value
/// that is a Rex tree is shown as that tree. (prototype: `trkFan`)
pub fn trace_text(value: Ref<'_>, colour: Colour) -> String {
    if Quoted::of(value).is_some() {
        return tree_text(&unquote(value, |value| Closure::shallow(value).value()), colour);
    }
    closure_text(None, value, colour)
}

/// The text of an entry in a log: a value, perhaps with a label. (prototype: `printValue`)
pub fn labelled_text(label: Option<&Symbol>, value: Ref<'_>, colour: Colour) -> String {
    closure_text(label, value, colour)
}

/// The text of an entry in a log that has a time: the value, below what kind of entry it is and
/// when it was made. It is printed as the row `[[kind time] value]`.
pub fn stamped_text(kind: &str, time: &str, value: Ref<'_>, colour: Colour) -> String {
    let (kind, time) = (limbs::of_bytes(kind.as_bytes()), limbs::of_bytes(time.as_bytes()));
    let closure = Closure::stamped(NatRef::from_limbs(&kind), NatRef::from_limbs(&time), value);
    definitions_text(&closure, None, colour)
}

/// The text that shows a tree to the user: its lines, and an empty one. (prototype: `trkRex`)
pub fn tree_text(rex: &Rex, colour: Colour) -> String {
    let mut text = block(rex, colour);
    text.push('\n');
    text
}

fn closure_text(name: Option<&Symbol>, value: Ref<'_>, colour: Colour) -> String {
    definitions_text(&Closure::shallow(value), name, colour)
}

fn definitions_text(closure: &Closure<'_>, name: Option<&Symbol>, colour: Colour) -> String {
    let definitions = closure.definitions(name);
    let mut text = paragraphs(definitions.iter().map(|rex| block(rex, colour)));
    text.push('\n');
    text
}

/// Blocks of lines, one after the other, with empty lines around those of several lines.
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
