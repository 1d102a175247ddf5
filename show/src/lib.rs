//! Values as text.
//!
//! What is printed is code: a value prints as an expression of Sire's ancestor Loot, laws with
//! names made up for their variables. The forms, the places where lines are broken, and the names
//! are the prototype's to the byte, since printed values are compared as text.
//!
//! | to print                                        | use                                  |
//! |-------------------------------------------------|--------------------------------------|
//! | a value within a message, or as an operand      | [`value_rex`], [`value_text`]        |
//! | what an expression at the REPL, or `trk`, gives | [`trace_text`]                       |
//! | a definition at the REPL                        | [`definition_rex`], [`tree_text`]    |
//! | a value with all its pins: `pallas show`        | [`full_rex`], [`tree_text`]          |
//! | a value with a label or a time, in a log        | [`labelled_text`], [`stamped_text`]  |
//! | a Rex tree that is a value, within a message    | [`unquoted_rex`]                     |
//! | a name                                          | [`symbol_text`]                      |
//!
//! ```text
//!         load             names             layout               assemble
//!   Ref  ------>  Closure ------->  symbols -------->  sizes, forms ------->  Rex
//! ```
//!
//! A value in normal form is expected; what is not evaluated prints as `(...)`. Shared parts of a
//! value are printed as often as they occur, so a small value can have a huge text:
//! [`plan::is_larger_than`] tells beforehand. Nothing recurses natively, and the time it takes to make a
//! tree is linear in the size of the tree.

mod assemble;
pub mod charset;
mod closure;
mod layout;
mod leaf;
mod load;
mod names;
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
use term::Closure;

/// A value in short: pins by their names. (prototype: `planRex`)
pub fn value_rex(value: Ref<'_>) -> Rex {
    closure::unhyphened(Closure::shallow(value).value())
}

/// [`value_rex`] as text, ending in a line feed. (prototype: `planText`)
pub fn value_text(value: Ref<'_>) -> String {
    block(&value_rex(value), Colour::None)
}

/// The definition of a name as a value: `name=value`. If the value is a pin, its own definition
/// comes first, and is all there is if it has that name. Several are items of a list with the rune
/// `*`. (prototype: `execBind`)
pub fn definition_rex(name: &Symbol, value: Ref<'_>) -> Rex {
    itemized(Closure::shallow(value).definitions(Some(name)))
}

/// A value and all pins that can be reached from it, as a list of definitions; or the value alone
/// if it has none. (prototype: `planRexFull`)
///
/// # Errors
/// [`EvalError::TooLarge`] if the text would have more parts than fit into as much memory as the heap
/// may take; [`EvalError::Interrupted`].
pub fn full_rex(value: Ref<'_>) -> Result<Rex, EvalError> {
    let parts = (value.heap_limit() / WORDS_PER_PART) as u64;
    if value.written_size(PinCounting::Expanded)? > parts {
        return Err(EvalError::TooLarge { parts });
    }
    Ok(itemized(Closure::full(value).definitions(None)))
}

/// Words of memory that printing a part takes, about.
const WORDS_PER_PART: usize = 32;

/// The tree that a value stands for, as Sire's macros see it. Values in it print as by
/// [`value_rex`] behind a `▣`; a value that is in the place of a tree, behind a replacement
/// character. (prototype: `pexRender`, `pexText`)
pub fn unquoted_rex(value: Ref<'_>) -> Rex {
    quoted::unquote(value, value_rex)
}

/// A name as it stands in the head of a definition: a word, or a text in braces.
/// (prototype: `showKey`)
pub fn symbol_text(symbol: &Symbol) -> String {
    line(&leaf::name(symbol).line, Colour::None)
}

/// One tree as it is, several as a list.
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
