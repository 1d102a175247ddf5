//! Reading: lines in, blocks out.
//!
//! A source text is a sequence of *blocks*, each of which is one tree. Where a block ends can be
//! told from its own lines and the first that does not belong to it, so that an interactive session
//! and a file are read by the same machine, a line at a time:
//!
//! ```text
//! line --lex--> clumps --+--(a whole block)--> layout --> tree
//! line --lex--> clumps --'
//! ```
//!
//! * [`lex`] cuts a line into tokens, resolves what is nested in parentheses and brackets (which
//!   cannot go past the end of a line), and joins tokens that stand together without a space into
//!   *clumps*;
//! * [`form`] says what clumps and nested forms mean: `a+b`, `(x = y)`, `-x`, `f(x)`;
//! * [`layout`] makes a tree of a block's clumps by their columns;
//! * [`BlockReader`] decides which lines make a block.
//!
//! Columns that decide about structure count bytes, not characters: that is how the prototype reads
//! (lib/Rex/Mechanism.hs), and text that was aligned for it keeps its meaning.

mod block;
mod error;
mod form;
mod layout;
mod lex;

pub use block::{Block, BlockReader, read_file};
pub use error::{Problem, ReadError, decode};

#[cfg(test)]
mod tests;
