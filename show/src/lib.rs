//! Printing of values as Rex. [`value_rex`] turns a value, a [`Ref`], into a Rex tree; a tree
//! becomes text in the `rex` crate.
//!
//! A value prints as an expression of Loot, the ancestor of Sire; variables of laws get invented
//! names. The forms, line breaks and names are the prototype's to the byte, because printed values
//! are compared as text.
//!
//! | to print                                        | use                                  |
//! |-------------------------------------------------|--------------------------------------|
//! | a value within a message, or as an operand      | [`value_text`], [`value_rex`]        |
//! | the result of a REPL expression, or a trace     | [`write_trace`], [`trace_text`]      |
//! | a definition at the REPL                        | [`write_definition`]                 |
//! | a value with all its pins: `pallas show`        | [`write_full`]                       |
//! | a value with a label or a time, in a log        | [`labelled_text`], [`stamped_text`]  |
//! | a Rex tree that is a value, within a message    | [`unquoted_rex`]                     |
//! | a name                                          | [`symbol_text`]                      |
//! | any of them, to a writer of bytes               | [`BufferedText`]                     |
//!
//! ```text
//!         load             names             layout               assemble
//!   Ref  ------>  PinClosure ------->  symbols -------->  sizes, forms ------->  Rex
//! ```
//!
//! Values should be in normal form; an unevaluated part prints as `(...)`.
//!
//! # Bounds
//!
//! A shared part of a value is printed at each occurrence, so a small value can have a huge text.
//! Every print has a [`PrintLimit`]: parts beyond it print as `(...)`, text beyond it is counted
//! only, and a last line says what is missing. Memory is bounded by a small multiple of the limit
//! and by the limit of the value's heap. Nothing recurses on the native stack. Time and text are
//! linear in the number of parts that are loaded, for these reasons:
//!
//! * Blocks that are nested more than [`MAX_DEPTH`] deep are printed on one line, so indentation is
//!   bounded. Deeper values print differently from the prototype.
//! * The search for the names of variables that are not in use ends after a number of tries, and
//!   takes names beyond all that are in use then.
//!
//! An interrupt of the value's heap ends a print, and stays for the evaluation that it is part of.

#![forbid(unsafe_code)]

mod assemble;
mod buffered;
pub mod charset;
mod closure;
mod layout;
mod leaf;
mod limit;
mod load;
mod names;
mod part;
mod quoted;
mod size;
mod symbol;
mod term;
mod text;
mod trace;

pub use buffered::BufferedText;
pub use layout::MAX_DEPTH;
pub use limit::PrintLimit;
pub use quoted::Quoted;
pub use symbol::Symbol;
pub use trace::{
    PrintOptions, labelled_text, stamped_text, trace_text, value_text, write_definition,
    write_full, write_trace,
};

use limit::PrintBudget;
use plan::Ref;
use rex::Rex;
use rex::print::{Colour, line};

/// The tree of [`value_text`]. A part that is not loaded is the tree `(...)`. (prototype:
/// `planRex`)
pub fn value_rex(value: Ref<'_>, limit: PrintLimit) -> Rex {
    closure::short_rex(value, &PrintBudget::new(value, limit))
}

/// The Rex tree that a value encodes, as Sire's macros use it. An embedded value prints as by
/// [`value_rex`] after the rune `▣`; a value where a tree is expected, after a replacement
/// character. (prototype: `pexRender`, `pexText`)
pub fn unquoted_rex(value: Ref<'_>, limit: PrintLimit) -> Rex {
    let budget = PrintBudget::new(value, limit);
    quoted::unquote(value, &budget, |value| closure::short_rex(value, &budget))
}

/// A name in the form for the head of a definition: a word, or a text in braces. (prototype:
/// `showKey`)
pub fn symbol_text(symbol: &Symbol) -> String {
    line(&leaf::name(symbol).line, Colour::None)
}

#[cfg(test)]
mod tests;
