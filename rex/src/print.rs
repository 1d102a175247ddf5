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
//! the language. What is printed reads back as the same tree, except where a tree has no notation:
//!
//! * [`line`] writes open nodes as nested ones, line strings as texts, and so does [`block`]
//!   inside of anything that is not open;
//! * a word that is not one (`Word` with a space in it, say) becomes a text;
//! * a word or shut heir of a word, or of an infix operand, flows into it: `a` with heir `b` is
//!   `ab`;
//! * `(x)` is `x`, so a `|` node of one son is written `(| x)`, and a prefix node with other than
//!   one son or an infix node of fewer than two has no notation at all;
//! * a text with a line feed, or with every printable character and unbalanced braces, has none.

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

/// How many characters [`line`] takes, colours not counted.
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
