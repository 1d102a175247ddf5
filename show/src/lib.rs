//! Printing of values as Rex. [`value_rex`] turns a value, a [`Ref`], into a Rex tree; a tree
//! becomes text in the `rex` crate.
//!
//! A value prints as an expression of Loot, the ancestor of Sire; variables of laws get invented
//! names. The forms, line breaks and names are the prototype's to the byte, because printed values
//! are compared as text.
//!
//! | to print                                        | use                                  |
//! |-------------------------------------------------|--------------------------------------|
//! | a value within a message, or as an operand      | [`value_rex`], [`value_text`]        |
//! | the result of a REPL expression, or a trace     | [`trace_text`]                       |
//! | a definition at the REPL                        | [`definition_rex`], [`tree_text`]    |
//! | a value with all its pins: `pallas show`        | [`full_rex`], [`tree_text`]          |
//! | a value with a label or a time, in a log        | [`labelled_text`], [`stamped_text`]  |
//! | a Rex tree that is a value, within a message    | [`unquoted_rex`]                     |
//! | a name                                          | [`symbol_text`]                      |
//!
//! ```text
//!         load             names             layout               assemble
//!   Ref  ------>  PinClosure ------->  symbols -------->  sizes, forms ------->  Rex
//! ```
//!
//! Values should be in normal form; an unevaluated part prints as `(...)`. A shared part of a value
//! is printed at each occurrence, so a small value can have a huge text: check with
//! [`plan::is_larger_than`] first. Nothing recurses on the native stack, and making a tree takes
//! time linear in the tree's size.

#![forbid(unsafe_code)]

mod assemble;
pub mod charset;
mod closure;
mod layout;
mod leaf;
mod load;
mod names;
mod part;
mod quoted;
mod size;
mod symbol;
mod term;
mod trace;

pub use quoted::Quoted;
pub use symbol::Symbol;
pub use trace::{labelled_text, stamped_text, trace_text, tree_text};

use plan::{EvalError, PinCounting, Ref};
use rex::Rex;
use rex::print::{Colour, block, line};
use term::PinClosure;

/// The short form of a value, in which pins are names. (prototype: `planRex`)
pub fn value_rex(value: Ref<'_>) -> Rex {
    closure::unhyphened(PinClosure::shallow(value).value())
}

/// [`value_rex`] as text, ending in a line feed. (prototype: `planText`)
pub fn value_text(value: Ref<'_>) -> String {
    block(&value_rex(value), Colour::None)
}

/// The definition of a name as a value: `name=value`. If the value is a pin, its own definition
/// comes first, or alone if the pin has the same name. Several definitions form a list with the
/// rune `*`. (prototype: `execBind`)
pub fn definition_rex(name: &Symbol, value: Ref<'_>) -> Rex {
    itemized(PinClosure::shallow(value).definitions(Some(name)))
}

/// A value and all pins reachable from it, as a list of definitions; the value alone if there are
/// no pins. (prototype: `planRexFull`)
///
/// # Errors
/// [`EvalError::TooLarge`] if printing would take more memory than the limit of the heap;
/// [`EvalError::Interrupted`].
pub fn full_rex(value: Ref<'_>) -> Result<Rex, EvalError> {
    let parts = (value.heap_limit() / WORDS_PER_PART) as u64;
    if value.written_size(PinCounting::Expanded)? > parts {
        return Err(EvalError::TooLarge { parts });
    }
    Ok(itemized(PinClosure::full(value).definitions(None)))
}

/// The approximate number of words of memory for printing a part of a value.
const WORDS_PER_PART: usize = 32;

/// The Rex tree that a value encodes, as Sire's macros use it. An embedded value prints as by
/// [`value_rex`] after the rune `▣`; a value where a tree is expected, after a replacement
/// character. (prototype: `pexRender`, `pexText`)
pub fn unquoted_rex(value: Ref<'_>) -> Rex {
    quoted::unquote(value, value_rex)
}

/// A name in the form for the head of a definition: a word, or a text in braces. (prototype:
/// `showKey`)
pub fn symbol_text(symbol: &Symbol) -> String {
    line(&leaf::name(symbol).line, Colour::None)
}

/// A single tree unchanged, several as a list.
fn itemized(mut trees: Vec<Rex>) -> Rex {
    match trees.pop() {
        Some(only) if trees.is_empty() => only,
        last => {
            trees.extend(last);
            assemble::sequence("*", trees.into_iter().map(|tree| vec![tree]).collect())
        }
    }
}

#[cfg(test)]
mod tests;
