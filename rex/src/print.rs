//! Printing: a tree on one line, or laid out over several.
//!
//! ```text
//! line    (= x (| f a b))(| g x)
//!
//! block   = x | f a b
//!         | g x
//! ```
//!
//! Both are deterministic to the byte (the layout is the prototype's: lib/Rex/Print.hs), and
//! printed values are compared by their text all over the project, so a change here is a change of
//! the language.
//!
//! What is printed reads back as the same tree, except where a tree has no notation, or the
//! prototype misses it:
//!
//! * [`line()`] writes open nodes as nested ones and line strings as texts, and so does [`block`]
//!   inside of anything that is not open;
//! * a word that is not one (`Word` with a space in it, say) becomes a text;
//! * a word behind a word, and a shut node behind anything, flow into it: `a` with the heir `b` is
//!   written `ab`; so does the heir of a `|` node that is an infix operand;
//! * a prefix node of other than one son, a shut or infix node of fewer than two, and a rune that
//!   is not made of rune characters cannot be written;
//! * neither can a text with a line feed, or one with unbalanced braces and every character that
//!   could quote it;
//! * a line string continues the one above it, so it cannot have another heir;
//! * an open node whose rune is wider than five characters may be moved right into the column of
//!   the block above it, and be taken for its heir;
//! * columns count bytes in reading and characters in printing: a block that is pulled up behind
//!   text that is not ASCII may end up in another place.

mod layout;
mod line;
mod paint;

use std::fmt;

use crate::Rex;

pub use paint::Colour;

/// The tree on one line, without a line feed at the end.
pub fn line(rex: &Rex, colour: Colour) -> String {
    line::phrase(rex, colour).text
}

/// How many characters [`line()`] takes, colours not counted.
pub fn width(rex: &Rex) -> usize {
    line::phrase(rex, Colour::None).width
}

/// The tree laid out over as many lines as its open nodes and line strings ask for, each ending
/// in a line feed.
pub fn block(rex: &Rex, colour: Colour) -> String {
    let mut out = String::new();
    write_block(&mut out, rex, colour).expect("a string takes whatever is written to it");
    out
}

/// Writes what [`block`] returns, a line at a time.
///
/// Indentation grows with depth, so a tree of n nodes can print to n² characters; this keeps only
/// the line being written in memory.
///
/// # Errors
///
/// Those of `out`.
pub fn write_block(out: &mut impl fmt::Write, rex: &Rex, colour: Colour) -> fmt::Result {
    layout::write(out, rex, colour)
}

#[cfg(test)]
mod tests;
