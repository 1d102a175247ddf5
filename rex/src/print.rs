//! The printer: writes a tree on one line, or laid out over several lines.
//!
//! ```text
//! line    (= x (| f a b))(| g x)
//!
//! block   = x | f a b
//!         | g x
//! ```
//!
//! The output is deterministic to the byte, and the layout is the prototype's (lib/Rex/Print.hs).
//! Tests and transcripts compare printed text, so a change here is a change of the language.
//!
//! The reader reads printed text back as the same tree, with these exceptions. Some trees have no
//! notation; in the other cases the output has to match the prototype's:
//!
//! * [`line()`] writes open nodes as nested nodes and line strings as texts. [`block`] does the same
//!   inside a node that is not open.
//! * A word with characters that no word can have is written as a text.
//! * A word after a word, or a shut node after anything, merges with it: `a` with the heir `b` is
//!   written `ab`. The heir of a `|` node that is an infix operand merges as well.
//! * A prefix node with other than one son, a shut or infix node with fewer than two sons, and a
//!   rune with other than rune characters have no notation.
//! * A text with a line feed has no notation, nor has a text that has unbalanced braces and contains
//!   every possible quote.
//! * A line string continues the line string above it, so it cannot have another heir.
//! * An open node whose rune is wider than five characters may move right into the column of the
//!   block above it. It then reads as the heir of that block.
//! * An open node whose sons would be to the right of [`MAX_COLUMN`] has them on one line, so they
//!   read as [`line()`] writes them. The prototype indents without a bound; its output differs from
//!   that column on.
//! * Columns count bytes in the reader and characters in the printer. A block on the same line as
//!   text that is not ASCII may read as a block in another column.

mod layout;
mod line;
mod styled;

use std::fmt;

use crate::Rex;

pub use layout::{BLOCK_INDENT, MAX_COLUMN};
pub use styled::Colour;
use styled::{LineWidth, StyledText};

/// Prints the tree on one line, without a line feed at the end.
pub fn line(rex: &Rex, colour: Colour) -> String {
    let mut out = StyledText::new(usize::MAX, colour);
    line::write(&mut out, rex).expect("a text of unlimited width takes every piece");
    out.text
}

/// Returns the width of [`line()`] in characters, without escape sequences.
pub fn width(rex: &Rex) -> usize {
    let mut width = LineWidth::default();
    line::write(&mut width, rex).expect("a width takes every piece");
    width.0
}

/// Prints the tree on as many lines as its open nodes and line strings need. Each line ends in a
/// line feed.
pub fn block(rex: &Rex, colour: Colour) -> String {
    let mut out = String::new();
    write_block(&mut out, rex, colour).expect("writing to a String does not fail");
    out
}

/// Writes the text of [`block`] to `out`, piece by piece.
///
/// Time and output are linear in the size of the tree, because indentation is at most
/// [`MAX_COLUMN`]. The memory needed is a small part of the tree's own.
///
/// # Errors
///
/// Those of `out`.
pub fn write_block(out: &mut impl fmt::Write, rex: &Rex, colour: Colour) -> fmt::Result {
    layout::write(out, rex, colour)
}

#[cfg(test)]
mod tests;
